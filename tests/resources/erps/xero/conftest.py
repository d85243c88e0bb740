"""A simulated organisation and a connector to it, without a database."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from resources.consent import App
from resources.erps.xero.client import XeroConnector
from resources.erps.xero.consent import XeroConsent
from tests.books import no_waiting, opened_books  # noqa: F401  A fixture of the tests here.
from tests.conftest import NewDatabase
from tests.house import Simulator, running_simulator
from tests.resources.erps.xero.books import BothBooks


class SteadyToken:
    """One access token, for as long as a test lasts."""

    def __init__(self, token: str) -> None:
        self.token = token

    def access_token(self) -> str:
        return self.token

    def renew(self, rejected: str) -> str:
        return self.token

    def granted_until(self) -> datetime | None:
        return None


@dataclass
class Organisation:
    """An empty organisation in the simulator, a connector, and the seconds that the connector would have slept."""

    simulator: Simulator
    minted: dict[str, Any]
    connector: XeroConnector
    pauses: list[float] = field(default_factory=list)

    def allowed(self, *scopes: str) -> XeroConnector:
        """A connector whose consent covers these scopes and no others."""
        redirect_uri, verifier = "https://tieout.example/callback", "v" * 43
        settings = {"client_id": self.minted["client_id"], "scopes": " ".join(scopes)}
        app = App("xero", self.simulator.base_url, settings, {"client_secret": self.minted["client_secret"]})
        steps = XeroConsent(app, "xero")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        page = steps.authorize_url(redirect_uri=redirect_uri, state="s", challenge=challenge)
        back = requests.get(f"{page}&decision=allow", allow_redirects=False, timeout=60).headers["Location"]
        (code,) = parse_qs(urlsplit(back).query)["code"]
        tokens = steps.exchange(code=code, redirect_uri=redirect_uri, verifier=verifier)
        return XeroConnector.open(
            connection="xero",
            settings={"tenant_id": self.minted["tenant_id"]},
            tokens=SteadyToken(tokens.access_token),
            base_url=self.simulator.base_url,
            sleep=self.pauses.append,
        )

    def log(self) -> list[dict[str, Any]]:
        """The requests of the accounting API so far."""
        found = requests.get(f"{self.simulator.base_url}/_sandbox/log", timeout=60).json()
        rows = found["requests"] if isinstance(found, dict) and "requests" in found else found
        return [row for row in rows if "api.xro" in row["path"]]

    def simulator_effects(self) -> list[dict[str, Any]]:
        """What was written, by the simulator's own journal."""
        found = requests.get(f"{self.simulator.base_url}/_sandbox/effects", timeout=60).json()
        return found["effects"] if isinstance(found, dict) else found

    def ids(self, entity: str) -> list[str]:
        return [record.external_id for page in self.connector.pull(entity) for record in page.records]


@pytest.fixture(scope="session")
def xero_simulator() -> Iterator[Simulator]:
    with running_simulator("--no-limits", erp="xero") as running:
        yield running


@pytest.fixture
def organisation(xero_simulator: Simulator) -> Organisation:
    xero_simulator.reset("empty")
    requests.delete(f"{xero_simulator.base_url}/_sandbox/log", timeout=60)
    minted = xero_simulator.post("tokens")
    pauses: list[float] = []
    connector = XeroConnector.open(
        connection="xero",
        settings={"tenant_id": minted["tenant_id"]},
        tokens=SteadyToken(minted["access_token"]),
        base_url=xero_simulator.base_url,
        sleep=pauses.append,
    )
    return Organisation(xero_simulator, minted, connector, pauses)


@pytest.fixture
def both(
    new_database: NewDatabase, xero_simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BothBooks]:
    """A ledger and an empty organisation, synced."""
    # What a test does in seconds would take an organisation's calls of several minutes.
    monkeypatch.setattr("resources.erps.xero.profile.CALLS_PER_MINUTE_MAX", 1000)
    with opened_books(new_database, xero_simulator, tmp_path, "empty", "xero") as books:
        books.sync()
        yield BothBooks(books)
