"""The official SDK, unmodified, pointed at a simulator."""

import copy
from typing import Any

from xero_python.accounting import AccountingApi
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi
from xero_python.identity import IdentityApi

from tests.sandbox.process import Server


class Sdk:
    """One client of one simulator; `tokens` are those the simulator minted."""

    def __init__(self, server: Server) -> None:
        self.server, self.base = server, server.ready.removeprefix("listening on ")
        self.tokens: dict[str, Any] = server.control("POST", "tokens")
        self.tenant: str = self.tokens["tenant_id"]
        self.saved: list[dict[str, Any]] = []
        configuration = copy.copy(Configuration())
        configuration.oauth2_token = OAuth2Token(self.tokens["client_id"], self.tokens["client_secret"])
        self.client = ApiClient(configuration)
        self._held = {
            "access_token": self.tokens["access_token"],
            "refresh_token": self.tokens["refresh_token"],
            "scope": self.tokens["scope"].split(),
            "expires_in": 1800,
            "token_type": "Bearer",
        }
        self.client.oauth2_token_getter(lambda: self._held)
        self.client.oauth2_token_saver(self._save)
        TokenApi.refresh_token_url = f"{self.base}/connect/token"
        TokenApi.client_credentials_token_url = f"{self.base}/connect/token"
        TokenApi.revoke_token_url = f"{self.base}/connect/revocation"
        self.api = AccountingApi(self.client, base_url=f"{self.base}/api.xro/2.0")
        self.identity = IdentityApi(self.client, base_url=self.base)

    def _save(self, token: dict[str, Any]) -> None:
        self.saved.append(token)
        self._held = token
