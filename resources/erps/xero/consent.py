"""How a person lets the app into Xero organisations, and how it is taken off one again.

Source: reference section 2. One consent may reach several organisations, also such as were let in before: those of this
very consent are told by its authentication event, and where none has it (`authEventId` keeps the value of the first
consent), by all that the login has connected. Which scopes it asks for is `scopes.py`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import requests

from resources.consent import App, Company
from resources.erps.xero import profile
from resources.erps.xero.auth import TOKEN_READ_SECONDS, XeroTokenEndpoint
from resources.erps.xero.client import ORGANISATION_TYPE
from resources.erps.xero.scopes import SCOPES
from resources.http import StrictResponse, StrictSession, transport_error
from resources.oauth import TokenKeeper
from resources.token_endpoint import EXCHANGING, REVOKING, TokenSet, refused, unreadable

LOGIN_URL = "https://login.xero.com"
LISTING = "listing the organisations of a consent"


class XeroConsent:
    """The steps for one app; `connection` is who is named in errors."""

    has_pkce = True

    def __init__(self, app: App, connection: str) -> None:
        self._app, self._connection = app, connection
        self._client = (app.settings["client_id"], app.secrets.get("client_secret", ""))
        self._http = StrictSession(read_seconds=TOKEN_READ_SECONDS)
        self._identity_url = (app.base_url or profile.IDENTITY_URL).rstrip("/")
        self._api_url = (app.base_url or profile.API_URL).rstrip("/")

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str) -> str:
        asked = {
            "response_type": "code",
            "client_id": self._client[0],
            "redirect_uri": redirect_uri,
            "scope": self._app.settings.get("scopes") or " ".join(SCOPES),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        root = (self._app.base_url or LOGIN_URL).rstrip("/")
        return f"{root}/identity/connect/authorize?{urlencode(asked, quote_via=quote)}"

    def exchange(self, *, code: str, redirect_uri: str, verifier: str) -> TokenSet:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        answer = self._call("POST", f"{self._identity_url}/connect/token", EXCHANGING, data=form, auth=self._client)
        return self.endpoint().tokens_of(_root(answer), EXCHANGING)

    def companies(self, tokens: TokenSet, told: Mapping[str, str]) -> Sequence[Company]:
        rows = self._connected(tokens.access_token)
        event = _event_of(tokens.access_token)
        of_this = [row for row in rows if event and row.get("authEventId") == event]
        return [Company(str(row["tenantId"]), str(row.get("tenantName") or "")) for row in of_this or rows]

    def revoke(self, tokens: TokenKeeper, company_id: str) -> None:
        """Take the app off this organisation; the consent itself ends with the last one.

        What `/connect/revocation` does to the other organisations of a login is in no reference: so it is not asked
        while there are any.
        """
        access_token = tokens.access_token()
        rows = self._connected(access_token)
        for row in rows:
            if row.get("tenantId") == company_id:
                path = f"/connections/{quote(str(row.get('id')), safe='')}"
                self._call("DELETE", self._api_url + path, REVOKING, headers=_bearer(access_token))
        newest = tokens.newest()
        if newest is not None and all(row.get("tenantId") == company_id for row in rows):
            url = f"{self._identity_url}/connect/revocation"
            self._call("POST", url, REVOKING, data={"token": newest.refresh_token}, auth=self._client)

    def endpoint(self) -> XeroTokenEndpoint:
        return XeroTokenEndpoint(
            connection=self._connection,
            client_id=self._client[0],
            client_secret=self._client[1],
            base_url=self._app.base_url,
        )

    def _connected(self, access_token: str) -> list[Mapping[str, Any]]:
        answer = self._call("GET", f"{self._api_url}/connections", LISTING, headers=_bearer(access_token))
        rows = _root(answer)
        if not isinstance(rows, list):
            raise unreadable("an answer that is no list", connection=self._connection, doing=LISTING)
        return [
            row
            for row in rows
            if isinstance(row, Mapping) and row.get("tenantType") == ORGANISATION_TYPE and row.get("tenantId")
        ]

    def _call(self, method: str, url: str, doing: str, **more: Any) -> requests.Response:
        try:
            answer = self._http.request(method, url, **more)
        except requests.RequestException as failure:
            raise transport_error(failure, connection=self._connection, doing=doing) from failure
        if answer.status_code == 404 and method == "DELETE":
            return answer
        if answer.status_code not in (200, 204):
            raise refused(answer.status_code, _root(answer), answer.headers, connection=self._connection, doing=doing)
        return answer


def _bearer(access_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}


def _event_of(access_token: str) -> str:
    """The claim `authentication_event_id`: read for a hint, so its signature is not asked for."""
    parts = access_token.split(".")
    if len(parts) != 3:
        return ""
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, msgspec.DecodeError):
        return ""
    found = claims.get("authentication_event_id") if isinstance(claims, dict) else None
    return found if isinstance(found, str) else ""


def _root(answer: requests.Response) -> Any:
    try:
        return answer.json() if isinstance(answer, StrictResponse) else None
    except requests.JSONDecodeError:
        return None
