"""Every connector under one suite: a company of each ERP, connected to a database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from resources.erps import erp_names
from tests.books import Books, no_waiting, opened_books  # noqa: F401  A fixture of the tests here.
from tests.conformance.words import WORDS, Words
from tests.conftest import NewDatabase
from tests.house import Simulator, running_simulator
from tests.ledger_writer import LedgerWriter


class Company:
    """One ERP's company, the ledger it is connected to, and somebody who works in that ledger."""

    def __init__(self, erp: str, books: Books) -> None:
        self.erp, self.books, self.words = erp, books, WORDS[erp]
        self.writer = LedgerWriter(books)
        self._ids: dict[str, int] = {}

    def live_ids(self, entity: str) -> set[str]:
        return self.words.live_ids(entity, self.books.objects)

    def made(self, entity: str) -> int:
        """A ledger row of this entity, and of what it refers to, each made once; returns its ledger id."""
        if entity not in self._ids:
            self._ids[entity] = getattr(self, f"_{entity}")()
        return self._ids[entity]

    def _customers(self) -> int:
        return self.writer.customer("Lund & Sons", email="post@lund.example")

    def _vendors(self) -> int:
        return self.writer.vendor("Paper Mill", email="sales@mill.example")

    def _items(self) -> int:
        return self.writer.insert(
            "items", name="Widget", sku="W-1", kind="service", income_account_code=self.words.income
        )

    def _invoices(self) -> int:
        return self.writer.invoice(
            self.made("customers"), "120.50", self.made("items"), document_number="L-1", due_date="2026-04-01"
        )

    def _credit_memos(self) -> int:
        line = {"kind": "item", "item_id": self.made("items"), "amount": Decimal("20.00"), "description": "returned"}
        return self.writer.insert(
            "credit_memos",
            [line],
            customer_id=self.made("customers"),
            document_number="C-1",
            issue_date="2026-03-03",
            **_money("20.00"),
        )

    def _payments(self) -> int:
        return self.writer.payment(
            self.made("customers"),
            "50.00",
            {self.made("invoices"): "50.00"},
            deposit_account_code=self.words.bank,
            reference_number="T-1",
        )

    def _bills(self) -> int:
        return self.writer.bill(
            self.made("vendors"), "75.25", self.words.expense, document_number="B-1", due_date="2026-04-01"
        )

    def _vendor_credits(self) -> int:
        line = {"kind": "account", "account_code": self.words.expense, "amount": Decimal("5.00"), "description": "back"}
        return self.writer.insert(
            "vendor_credits",
            [line],
            vendor_id=self.made("vendors"),
            document_number="VC-1",
            issue_date="2026-03-03",
            **_money("5.00"),
        )

    def _bill_payments(self) -> int:
        return self.writer.insert(
            "bill_payments",
            [
                {
                    "document_entity": "bills",
                    "document_id": self.made("bills"),
                    "document_key": "",
                    "amount": Decimal(25),
                }
            ],
            vendor_id=self.made("vendors"),
            payment_date="2026-03-04",
            method="check",
            paid_from_account_code=self.words.bank,
            currency="USD",
            total_amount=Decimal(25),
            applied_amount=Decimal(25),
            unapplied_amount=Decimal(0),
            document_number="K-1",
        )

    def _purchase_orders(self) -> int:
        line = {
            "kind": "account",
            "account_code": self.words.expense,
            "amount": Decimal("7.00"),
            "description": "paper",
        }
        return self.writer.insert(
            "purchase_orders",
            [line],
            vendor_id=self.made("vendors"),
            document_number="PO-1",
            issue_date="2026-03-03",
            status="open",
            currency="USD",
            net_amount=Decimal("7.00"),
            total_amount=Decimal("7.00"),
        )


def _money(amount: str) -> dict[str, Any]:
    value = Decimal(amount)
    return {"currency": "USD", "net_amount": value, "total_amount": value, "open_amount": value}


@pytest.fixture(scope="session", params=erp_names())
def erp(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def erp_simulator(erp: str) -> Iterator[Simulator]:
    """The ERP's simulator; behind a judge of every exchange where the ERP publishes what they must be."""
    with running_simulator("--no-limits", erp=erp) as running, WORDS[erp].judged(running) as reached:
        yield reached


@pytest.fixture(autouse=True)
def all_is_as_published(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the connector sent during a test, and what the simulator answered, is what the ERP's description allows."""
    reached = request.getfixturevalue("erp_simulator") if "erp_simulator" in request.fixturenames else None
    yield
    if reached is not None:
        assert reached.findings() == []


@pytest.fixture
def company(erp: str, erp_simulator: Simulator, new_database: NewDatabase, tmp_path: Path) -> Iterator[Company]:
    """An empty company, synced."""
    with opened_books(new_database, erp_simulator, tmp_path, "empty", erp) as books:
        books.sync()
        yield Company(erp, books)


@pytest.fixture(scope="module")
def demo(
    erp: str, erp_simulator: Simulator, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Company]:
    """The ERP's demo company, synced once for a module: its tests leave nothing behind."""
    with opened_books(new_database, erp_simulator, tmp_path_factory.mktemp("home"), "demo", erp) as books:
        books.sync()
        yield Company(erp, books)


@pytest.fixture(autouse=True)
def time_between_tests(request: pytest.FixtureRequest) -> None:
    """A test does not wait for the calls of those before it in the same company."""
    if "demo" in request.fixturenames:
        request.getfixturevalue("demo").books.let_the_windows_pass()


@pytest.fixture
def words(erp: str) -> Words:
    return WORDS[erp]
