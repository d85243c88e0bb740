"""A token endpoint with the manners of several ERPs, and processes that refresh against it and die where told.

Belongs here: what the tests of the token protocol run, partly in processes of their own. Intuit and Xero keep the token
before the last alive for a while; strict servers do not; some revoke the whole family when an old token comes back.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs

from resources.crypto import LocalMasterKey, Vaultkeeper
from resources.erps.quickbooks.auth import IntuitTokenEndpoint
from resources.errors import TieoutError
from resources.oauth import ReconnectNeededError, TokenKeeper, TokenSet
from resources.stores.token_journal import TokenJournal
from tests.resources.loopback import Reply, Request, as_json
from tests.resources.secret_tables import MASTER_KEY, TENANT, transactions

CONNECTION = "qbo"
LEASE_SECONDS = 0.4
Manners = Literal["overlap", "same value", "strict", "family"]
Deadly = Literal["before call", "after rotated", "after spool", "after journal", "after use", "never"]


@dataclass
class TokenService:
    """`manners`: overlap (old tokens stay good), same value (no rotation), strict, family. Thread-safe."""

    manners: Manners = "overlap"
    access_seconds: int = 3600
    url: str = ""
    live: set[str] = field(default_factory=lambda: {"CANARY-refresh-0"})
    access: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)
    may_answer: threading.Event = field(default_factory=threading.Event)
    has_rotated: threading.Event = field(default_factory=threading.Event)
    before_answer: Any = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.may_answer.set()

    def answer(self, request: Request) -> Reply:
        if "openid" in request.path:
            keys = ("authorization_endpoint", "revocation_endpoint", "issuer", "jwks_uri", "userinfo_endpoint")
            return as_json({**dict.fromkeys(keys, self.url), "token_endpoint": f"{self.url}/tokens"})
        reply = self._refresh(parse_qs(request.body.decode())["refresh_token"][0])
        if self.before_answer:
            self.before_answer()
        self.has_rotated.set()
        self.may_answer.wait(10)
        return reply

    def _refresh(self, token: str) -> Reply:
        with self._turn:
            if token not in self.live:
                self.refused.append(token)
                if self.manners == "family":
                    self.live.clear()
                return as_json({"error": "invalid_grant"}, 400)
            self.refreshed.append(token)
            number = len(self.refreshed)
            if self.manners in ("strict", "family"):
                self.live.discard(token)
            fresh = token if self.manners == "same value" else f"CANARY-refresh-{number}"
            self.live.add(fresh)
            access = f"CANARY-access-{number}"
            self.access.add(access)
            return as_json(
                {
                    "token_type": "bearer",
                    "access_token": access,
                    "refresh_token": fresh,
                    "expires_in": self.access_seconds,
                    "x_refresh_token_expires_in": 8_726_400,
                }
            )


class _DyingEndpoint(IntuitTokenEndpoint):
    deadly: Deadly = "never"

    def refresh(self, refresh_token: str) -> TokenSet:
        if self.deadly == "before call":
            die()
        tokens = super().refresh(refresh_token)
        if self.deadly == "after rotated":
            die()
        return tokens


class _DyingJournal(TokenJournal):
    deadly: Deadly = "never"

    def keep(self, *args: Any, **named: Any) -> None:
        if self.deadly == "after spool":
            raise ConnectionError("the database is away")
        super().keep(*args, **named)
        if self.deadly == "after journal":
            die()


def die() -> None:
    """As `kill -9` does: no handler, no clean-up, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


def build_keeper(transaction: Any, url: str, spool: Path, deadly: Deadly = "never", **options: Any) -> TokenKeeper:
    """A keeper of the test connection that refreshes at `url`."""
    endpoint = _DyingEndpoint(
        connection=CONNECTION, client_id="id", client_secret="CANARY-app", is_sandbox=True, base_url=url
    )
    journal = _DyingJournal(transaction, TENANT, CONNECTION)
    endpoint.deadly = journal.deadly = deadly
    return TokenKeeper(
        tenant=TENANT,
        connection=CONNECTION,
        endpoint=endpoint,
        journal=journal,
        keeper=Vaultkeeper([LocalMasterKey(MASTER_KEY)]),
        spool=spool,
        **{"lease_seconds": LEASE_SECONDS, **options},
    )


def refresh_once(database_url: str, url: str, spool: str, deadly: Deadly, answers: Any) -> None:
    """In a process of its own: obtain a token, report it, die where told."""
    with transactions(database_url, connections_max=1) as transaction:
        keeper = build_keeper(transaction, url, Path(spool), deadly)
        try:
            token = keeper.access_token()
        except TieoutError as error:
            answers.send(("reconnect" if isinstance(error, ReconnectNeededError) else "error", str(error)))
            return
        if deadly in ("after spool", "after use"):
            die()
        answers.send(("token", token))


def renew_often(database_url: str, url: str, spool: str, times: int, answers: Any) -> None:
    """In a process of its own: act as if the ERP rejected every token."""
    with transactions(database_url, connections_max=1) as transaction:
        keeper = build_keeper(transaction, url, Path(spool), lease_seconds=20)
        given = [keeper.access_token()]
        for _ in range(times):
            given.append(keeper.renew(given[-1]))
        answers.send(json.dumps(given))
