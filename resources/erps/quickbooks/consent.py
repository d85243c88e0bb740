"""How a person lets the app into a QuickBooks company, and how it is taken off again.

Source: reference section 2. The company's id comes back beside the code, in the person's own browser: it is believed
once the company has answered to the new token. PKCE is not offered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from resources.consent import App, Company, OneToken
from resources.erps.quickbooks import profile
from resources.erps.quickbooks.auth import IntuitTokenEndpoint
from resources.erps.quickbooks.client import QuickBooksConnector
from resources.erps.quickbooks.wire import Wire
from resources.errors import ErrorKind, TieoutError
from resources.oauth import TokenKeeper
from resources.token_endpoint import TokenSet

REALM_ID_CHARACTERS_MAX = 40


class QuickBooksConsent:
    """The steps for one app; `connection` is who is named in errors."""

    has_pkce = False

    def __init__(self, app: App, connection: str) -> None:
        self._app, self._connection = app, connection
        self._is_sandbox = app.settings.get("environment") == profile.SANDBOX
        self._endpoint = IntuitTokenEndpoint(
            connection=connection,
            client_id=app.settings["client_id"],
            client_secret=app.secrets.get("client_secret", ""),
            is_sandbox=self._is_sandbox,
            base_url=app.base_url,
        )

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str) -> str:
        return self._endpoint.authorize_url(redirect_uri, state)

    def exchange(self, *, code: str, redirect_uri: str, verifier: str) -> TokenSet:
        return self._endpoint.exchange(code, redirect_uri)

    def companies(self, tokens: TokenSet, told: Mapping[str, str]) -> Sequence[Company]:
        """The one of `realmId`: a token belongs to one company, and any other answers it 403."""
        realm_id = told.get("realmId", "")
        if not realm_id.isascii() or not realm_id.isdigit() or len(realm_id) > REALM_ID_CHARACTERS_MAX:
            raise TieoutError(
                ErrorKind.VALIDATION,
                connection=self._connection,
                doing="taking a consent",
                found="no realmId of digits in what came back",
                expected="the id of the company",
                next_step="begin again",
            )
        source = OneToken(tokens.access_token)
        wire = Wire(
            connection=self._connection,
            realm_id=realm_id,
            tokens=source,
            base_url=self._app.base_url,
            is_sandbox=self._is_sandbox,
        )
        report = QuickBooksConnector(wire, source, realm_id=realm_id).test()
        return [Company(realm_id, report.company_name)]

    def revoke(self, tokens: TokenKeeper, company_id: str) -> None:
        if (newest := tokens.newest()) is not None:
            self._endpoint.revoke(newest.refresh_token)

    def endpoint(self) -> IntuitTokenEndpoint:
        return self._endpoint
