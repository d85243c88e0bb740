"""A QuickBooks company on loopback and a connector to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from resources.erps.quickbooks.client import QuickBooksConnector
from tests.house import Simulator, running_simulator
from tests.resources.erps.quickbooks.written import WrittenCompany
from tests.resources.loopback import SmallCompany, serving


@dataclass
class Tokens:
    """Access tokens by number: `renew` gives the next one."""

    number: int = 1
    renewed: list[str] = field(default_factory=list)

    def access_token(self) -> str:
        return f"token-{self.number}"

    def renew(self, rejected: str) -> str:
        self.renewed.append(rejected)
        self.number += 1
        return self.access_token()

    def granted_until(self) -> datetime | None:
        return None


@pytest.fixture
def company() -> SmallCompany:
    return SmallCompany()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def pauses() -> list[float]:
    """The seconds that the connector would have slept."""
    return []


@pytest.fixture
def connector(company: SmallCompany, tokens: Tokens, pauses: list[float]) -> Iterator[QuickBooksConnector]:
    with serving(lambda request: company.answer(request)) as url:
        yield QuickBooksConnector.open(
            connection="qbo",
            settings={"realm_id": "9130"},
            tokens=tokens,
            base_url=url,
            sleep=pauses.append,
        )


@pytest.fixture(scope="session")
def simulator_to_write() -> Iterator[Simulator]:
    """One simulator for all tests of one worker that write."""
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def written(simulator_to_write: Simulator) -> WrittenCompany:
    return WrittenCompany(simulator_to_write)
