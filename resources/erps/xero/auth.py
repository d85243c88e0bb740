"""Xero's token endpoint, through xero-python: refreshing a consent, and custom connections without one.

Belongs here: one call, and what its answer means. When to refresh and how an answer is kept safe is
`resources/oauth.py`: each refresh gives a new refresh token, the one before works for 30 minutes more, so a crash
between answer and commit is healed by asking again with it. Facts and sources are in `README.md` beside this file.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import requests
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import TokenApi

from resources import wire_json
from resources.erps.xero import profile
from resources.erps.xero.wire import Pool
from resources.http import StrictResponse, StrictSession, transport_error
from resources.token_endpoint import DOING, TokenSet, refused, seconds_of, unreadable

TOKEN_READ_SECONDS = 20.0
ACCESS_SECONDS = 1800.0
# A refresh token that nobody uses dies after so long.
REFRESH_SECONDS = 60 * 86_400.0


class Endpoint(Protocol):
    def obtain(self) -> TokenSet: ...


class XeroTokenEndpoint:
    """Xero's token endpoint for one app; `base_url` sends the calls to a simulator."""

    def __init__(self, *, connection: str, client_id: str, client_secret: str, base_url: str | None = None) -> None:
        self._connection = connection
        self._http = StrictSession(read_seconds=TOKEN_READ_SECONDS)
        self._answer: Mapping[str, Any] = {}
        client = ApiClient(copy.copy(Configuration()))
        client.rest_client.pool_manager = Pool(self._carry)
        self._api = TokenApi(client, client_id, client_secret)
        url = f"{(base_url or profile.IDENTITY_URL).rstrip('/')}/connect/token"
        # On this instance only: the SDK keeps its addresses as class attributes.
        self._api.refresh_token_url = self._api.client_credentials_token_url = url

    def refresh(self, refresh_token: str) -> TokenSet:
        """One refresh. Asks for no scopes: those of the consent stay."""
        self._api.refresh_token(refresh_token, [])
        return self.tokens_of(self._answer, DOING)

    def tokens_of(self, answer: Any, doing: str) -> TokenSet:
        """What an answer with both tokens gives; raises TieoutError if it has not both."""
        if (
            not isinstance(answer, Mapping)
            or not _is_text(answer.get("access_token"))
            or not _is_text(answer.get("refresh_token"))
        ):
            raise unreadable("an answer without both tokens", connection=self._connection, doing=doing)
        return TokenSet(
            answer["access_token"],
            answer["refresh_token"],
            seconds_of(answer.get("expires_in")) or ACCESS_SECONDS,
            REFRESH_SECONDS,
        )

    def obtain(self) -> TokenSet:
        """A custom connection's access token: client credentials, no user and no refresh token."""
        self._api.get_client_credentials_token(False)
        answer = self._answer
        if not _is_text(answer.get("access_token")):
            raise unreadable("an answer without an access token", connection=self._connection)
        return TokenSet(answer["access_token"], "", seconds_of(answer.get("expires_in")) or ACCESS_SECONDS)

    def _carry(self, method: str, url: str, fields: list[tuple[str, str]], body: Any, headers: dict[str, str]) -> None:
        # A refresh takes no scopes along, and an empty word for them is not the same as none.
        form = [(key, value) for key, value in fields if value != ""]
        try:
            response = self._http.request(method, url, headers=headers, data=form)
        except requests.RequestException as failure:
            raise transport_error(failure, connection=self._connection, doing=DOING) from failure
        root = _root(response)
        if response.status_code != 200:
            raise refused(response.status_code, root, response.headers, connection=self._connection)
        if not isinstance(root, Mapping):
            raise unreadable("an answer that is not a JSON object", connection=self._connection)
        self._answer = root


class CustomConnection:
    """Access tokens of a custom connection. Nothing rotates, so nothing can be lost and each process has its own."""

    def __init__(self, endpoint: Endpoint, clock: Callable[[], float] = time.monotonic) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._token, self._renew_at = "", 0.0

    def access_token(self) -> str:
        if not self._token or self._clock() >= self._renew_at:
            self._obtain()
        return self._token

    def renew(self, rejected: str) -> str:
        if self._token == rejected:
            self._obtain()
        return self._token

    def granted_until(self) -> datetime | None:
        return None

    def _obtain(self) -> None:
        fresh = self._endpoint.obtain()
        self._token, self._renew_at = fresh.access_token, self._clock() + fresh.access_seconds / 2


def first_tokens(secrets: Mapping[str, str]) -> TokenSet:
    """What came with a new connection, for `TokenKeeper.seed`. An access token is optional."""
    access_token = secrets.get("access_token", "")
    return TokenSet(access_token, secrets["refresh_token"], ACCESS_SECONDS if access_token else 0.0, REFRESH_SECONDS)


def _root(response: requests.Response) -> Any:
    try:
        return response.document().root if isinstance(response, StrictResponse) else None
    except wire_json.MalformedJson:
        return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
