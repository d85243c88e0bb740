"""What a consent by OAuth takes of one ERP: the app that asks, the steps, the companies that come of it.

Belongs here: the shapes. How one ERP does each step is in `resources/erps/<erp>/consent.py`; in which order they are
done, for whom and how nothing of it is lost is `resources/answering.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from resources.oauth import TokenKeeper
from resources.token_endpoint import TokenEndpoint, TokenSet

# How a connection got its tokens, in its settings, where an ERP knows other ways too.
GRANT, BY_CONSENT = "grant", "authorization_code"


@dataclass(frozen=True, slots=True)
class App:
    """An app registered with an ERP. `settings` and `secrets` are in the ERP's own words; `base_url` is a simulator."""

    erp: str
    base_url: str | None
    settings: Mapping[str, str]
    secrets: Mapping[str, str]

    def __repr__(self) -> str:
        return f"App({self.erp}, {self.settings})"


@dataclass(frozen=True, slots=True)
class Company:
    """A company that a consent reaches: its id in the ERP's word, and what it is called there."""

    company_id: str
    name: str


class ConsentSteps(Protocol):
    """What one ERP's authorization server is asked, on behalf of one app. Every call raises TieoutError."""

    has_pkce: bool
    """Whether a code is bound to a secret of whoever began (RFC 7636, S256)."""

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str) -> str:
        """Where a person consents."""
        ...

    def exchange(self, *, code: str, redirect_uri: str, verifier: str) -> TokenSet:
        """The tokens that a code stands for. Raises GrantRefusedError for one that is not good (any more)."""
        ...

    def companies(self, tokens: TokenSet, told: Mapping[str, str]) -> Sequence[Company]:
        """What was just consented to; `told` is what came back with the code. Only what the tokens really reach."""
        ...

    def revoke(self, tokens: TokenKeeper, company_id: str) -> None:
        """Take the app off this company. A grant that has ended already is no error of any kind but authentication."""
        ...

    def endpoint(self) -> TokenEndpoint:
        """What refreshes tokens of this app."""
        ...


class OneToken:
    """Access tokens of a consent that is not kept yet: one, and no other."""

    def __init__(self, access_token: str) -> None:
        self._access_token = access_token

    def access_token(self) -> str:
        return self._access_token

    def renew(self, rejected: str) -> str:
        return self._access_token

    def granted_until(self) -> None:
        return None
