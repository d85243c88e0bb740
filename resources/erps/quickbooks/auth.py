"""Intuit's token endpoint, through intuit-oauth.

Belongs here: one call (a refresh, a code's exchange, a revocation), and what its answer means. When to refresh and how
the answer is kept safe is `resources/oauth.py`. Facts and sources are in `README.md` beside this file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import requests
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from requests.adapters import BaseAdapter

from resources.erps.quickbooks import profile
from resources.http import StrictAdapter, StrictResponse, transport_error
from resources.token_endpoint import DOING, EXCHANGING, REVOKING, TokenSet, refused, seconds_of, unreadable

TOKEN_CALL_SECONDS = (10.0, 20.0)
ACCESS_SECONDS = 3600.0
SANDBOX_DISCOVERY_PATH = "/.well-known/openid_sandbox_configuration/"


class _BoundedAuthClient(AuthClient):
    """intuit-oauth's client is a requests session; this one has timeouts and reads as every session of ours does."""

    def get_adapter(self, url: str) -> BaseAdapter:
        # The client reads its discovery document while it is being made, before an adapter could be mounted.
        return StrictAdapter()

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        self.trust_env = False
        return super().request(method, url, **{**kwargs, "timeout": TOKEN_CALL_SECONDS, "allow_redirects": False})


class IntuitTokenEndpoint:
    """Intuit's token endpoint for one app.

    `base_url` sends discovery, and with it every OAuth call, to a simulator: intuit-oauth's `environment` may be a URL.
    """

    def __init__(
        self, *, connection: str, client_id: str, client_secret: str, is_sandbox: bool, base_url: str | None = None
    ) -> None:
        self._connection = connection
        self._client_id = client_id
        self._client_secret = client_secret
        if base_url:
            self._environment = base_url.rstrip("/") + SANDBOX_DISCOVERY_PATH
        else:
            self._environment = profile.SANDBOX if is_sandbox else profile.PRODUCTION
        self._client: AuthClient | None = None

    def refresh(self, refresh_token: str) -> TokenSet:
        """One refresh (and, the first time, one reading of the discovery document)."""
        return self._tokens(lambda client: client.refresh(refresh_token=refresh_token), DOING)

    def exchange(self, code: str, redirect_uri: str) -> TokenSet:
        """The tokens that a code stands for, once; GrantRefusedError if it stands for none (any more)."""

        def exchange(client: AuthClient) -> None:
            client.redirect_uri = redirect_uri
            client.get_bearer_token(code)

        return self._tokens(exchange, EXCHANGING)

    def authorize_url(self, redirect_uri: str, state: str) -> str:
        """The page on which a person lets the app into a company."""

        def asked(client: AuthClient) -> str:
            client.redirect_uri = redirect_uri
            return client.get_authorization_url([Scopes.ACCOUNTING], state_token=state)

        return str(self._called(asked, "reading where consents are given"))

    def revoke(self, token: str) -> None:
        """End the grant that a refresh token belongs to; one that Intuit does not know (any more) raises a TieoutError
        of the kind authentication.
        """
        self._called(lambda client: client.revoke(token=token), REVOKING)

    def _tokens(self, call: Callable[[AuthClient], Any], doing: str) -> TokenSet:
        def from_nothing(client: AuthClient) -> AuthClient:
            client.access_token = client.refresh_token = client.x_refresh_token_expires_in = None
            call(client)
            return client

        client = self._called(from_nothing, doing)
        if not client.access_token or not client.refresh_token:
            raise unreadable("an answer without both tokens", connection=self._connection, doing=doing)
        return TokenSet(
            access_token=str(client.access_token),
            refresh_token=str(client.refresh_token),
            access_seconds=seconds_of(client.expires_in) or ACCESS_SECONDS,
            refresh_seconds=seconds_of(client.x_refresh_token_expires_in),
        )

    def _called(self, call: Callable[[AuthClient], Any], doing: str) -> Any:
        try:
            self._client = self._client or self._new_client()
            return call(self._client)
        except AuthClientError as failure:
            # Its text quotes the body, so it is not kept as the cause.
            raise refused(
                failure.status_code,
                _root(failure.response),
                failure.headers,
                connection=self._connection,
                doing=doing,
            ) from None
        except requests.JSONDecodeError as failure:
            raise unreadable("an answer that is not JSON", connection=self._connection, doing=doing) from failure
        except requests.RequestException as failure:
            raise transport_error(failure, connection=self._connection, doing=doing) from failure
        except KeyError as failure:
            self._client = None
            raise unreadable(
                f"a discovery document without {failure}", connection=self._connection, doing=doing
            ) from None

    def _new_client(self) -> AuthClient:
        # Only a consent uses the redirect address; a refresh does not.
        return _BoundedAuthClient(self._client_id, self._client_secret, redirect_uri="", environment=self._environment)


def first_tokens(settings: Mapping[str, str]) -> TokenSet:
    """What a person entered for a new connection, for `TokenKeeper.accept`. An access token is optional."""
    access_token = settings.get("access_token", "")
    return TokenSet(access_token, settings["refresh_token"], ACCESS_SECONDS if access_token else 0.0)


def _root(response: requests.Response) -> Any:
    try:
        return response.json() if isinstance(response, StrictResponse) else None
    except requests.JSONDecodeError:
        return None
