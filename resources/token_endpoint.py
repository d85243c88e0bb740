"""What a token endpoint gives and refuses, in the words that every ERP with OAuth 2 shares (RFC 6749, section 5).

Belongs here: the shape of an answer and the class of a refusal. How one ERP's endpoint is called is in
`resources/erps/<erp>/auth.py`, when to call it and how an answer is kept safe in `oauth.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from resources.errors import ErrorKind, TieoutError
from resources.http import retry_after_seconds

DOING = "refreshing the access token"
EXCHANGING = "exchanging the code of a consent for tokens"
REVOKING = "revoking the consent"
CONNECT_AGAIN = "connect the company again: its grant has expired or was withdrawn"
_EXPECTED = "new tokens"
# What the endpoint says of an app that it knows no more or does not let in, with 401 or 400 (RFC 6749, section 5.2).
_APP_REFUSED = ("invalid_client", "unauthorized_client")
_WORD_CHARACTERS_MAX = 40


@dataclass(frozen=True, slots=True)
class TokenSet:
    """What a token endpoint gives. Lives in seconds from the answer; `refresh_seconds` None if the ERP does not say."""

    access_token: str
    refresh_token: str
    access_seconds: float
    refresh_seconds: float | None = None

    def __repr__(self) -> str:
        return f"TokenSet(access_seconds={self.access_seconds}, refresh_seconds={self.refresh_seconds})"


class CredentialsRefusedError(TieoutError):
    """What a connection signs in with is no good (any more): only a person can give it other credentials."""


class GrantRefusedError(CredentialsRefusedError):
    """The endpoint does not know this refresh token (`invalid_grant`): sending it again cannot help."""


class TokenEndpoint(Protocol):
    """One ERP's token endpoint."""

    def refresh(self, refresh_token: str) -> TokenSet:
        """One call, no repeats. Raises GrantRefusedError, or a TieoutError that says whether to try again."""
        ...


def refused(
    status: int, answer: Any, headers: Mapping[str, str], *, connection: str, doing: str = DOING
) -> TieoutError:
    """The error of an answer without tokens: 400 with `invalid_grant` is the token, two words more are the app, the
    rest may pass. `answer` is the document if it could be read; only its `error` word is told, never other text.
    """
    word = answer.get("error") if isinstance(answer, Mapping) else None
    word = word if isinstance(word, str) and word.isidentifier() and len(word) <= _WORD_CHARACTERS_MAX else ""
    if status == 400 and word == "invalid_grant":
        return GrantRefusedError(
            ErrorKind.AUTHENTICATION,
            connection=connection,
            doing=doing,
            found="HTTP 400, invalid_grant",
            expected=_EXPECTED,
            next_step=CONNECT_AGAIN,
        )
    kind = ErrorKind.AUTHENTICATION if 400 <= status < 500 else ErrorKind.SYSTEM
    if status in (408, 504):
        kind = ErrorKind.TIMEOUT
    if status == 429:
        kind = ErrorKind.RATE_LIMIT
    is_app = status in (400, 401) and word in _APP_REFUSED
    next_step = None
    if kind is ErrorKind.AUTHENTICATION:
        passing = "it is tried again with the next pull; if it lasts, see who answers for the token endpoint"
        next_step = "check client_id and client_secret of the app" if is_app else passing
    return (CredentialsRefusedError if is_app else TieoutError)(
        kind,
        connection=connection,
        doing=doing,
        found=f"HTTP {status}, {word or 'no OAuth error'}",
        expected=_EXPECTED,
        next_step=next_step,
        retry_after_seconds=retry_after_seconds(headers),
    )


def unreadable(found: str, *, connection: str, doing: str = DOING) -> TieoutError:
    """The error of an answer that says nothing we can use."""
    return TieoutError(ErrorKind.SYSTEM, connection=connection, doing=doing, found=found, expected=_EXPECTED)


def seconds_of(life: Any) -> float | None:
    """A life in seconds: endpoints send whole numbers, and 0 or text would mean nothing."""
    return float(life) if isinstance(life, int) and not isinstance(life, bool) and life > 0 else None
