"""Every kind of damage at once, in a Xero company and in a real wholesaler's books: found whole, and nothing else."""

from __future__ import annotations

import copy
import random
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.reconcile import MODULES
from resources.stages import as_of
from resources.stages import sync as whole_way
from tests.books import SHARED, Books, opened_books
from tests.conftest import NewDatabase
from tests.house import ROOT, Simulator, running_simulator
from tests.journeys.damage_anywhere import DAMAGES, Site, There, damage_all
from tests.journeys.test_damage import adds_up, found_in

LINES = SHARED / "data" / "online_retail" / "online_retail_lines.parquet"
RETAIL_INVOICES = 1500
# The wholesaler only sells and is paid: it has no bills, and nobody has paid too much.
PAYABLES = ("bill", "vendor")
NOT_THERE = {
    "payment_applied_here_only",
    "payments_doubled_here",
    "payments_lost_here",
    "tax_and_net_exchanged_here",
}


class InXero(There):
    """Changes of an invoice that leave its UpdatedDateUTC as it was; its contact's balances follow by themselves."""

    def __init__(self, books: Books) -> None:
        self.books = books

    def _held(self, row: dict[str, Any]) -> dict[str, Any]:
        (found,) = [one for one in self.books.objects("Invoices") if one["InvoiceID"] == row["external_id"]]
        return copy.deepcopy(found)

    def changed(self, row: dict[str, Any], more: Decimal) -> None:
        held = self._held(row)
        line = held["LineItems"][0]
        line["LineAmount"] = line["UnitAmount"] = float(Decimal(str(line["LineAmount"])) + more)
        line["Quantity"] = 1.0
        for key in ("SubTotal", "Total", "AmountDue"):
            held[key] = float(Decimal(str(held[key])) + more)
        self.books.load({"Invoices": [held]})

    def due(self, row: dict[str, Any], day: str) -> None:
        held = self._held(row)
        held["DueDateString"], held["DueDate"] = f"{day}T00:00:00", f"{day}T00:00:00"
        self.books.load({"Invoices": [held]})

    def void(self, row: dict[str, Any]) -> None:
        self.books.load({"Invoices": [self._held(row) | {"Status": "VOIDED", "AmountDue": 0.0}]})

    def made(self, row: dict[str, Any]) -> str:
        held = self._held(row)
        key = f"00000000{held['InvoiceID'][8:]}"
        lines = [{**line, "LineItemID": f"00000000{line['LineItemID'][8:]}"} for line in held["LineItems"]]
        self.books.load({"Invoices": [held | {"InvoiceID": key, "InvoiceNumber": "NEVER-TOLD", "LineItems": lines}]})
        return key


class InQuickBooks(There):
    """Changes of an invoice that leave its MetaData as it was; the customer and the account follow."""

    def __init__(self, books: Books) -> None:
        self.books = books

    def _load(self, row: dict[str, Any], more: Decimal, **changes: Any) -> None:
        held = self._exact("Invoice", row["external_id"])
        customer = self._exact("Customer", held["CustomerRef"]["value"])
        (account,) = [one for one in self.books.objects("Account") if one["AccountType"] == "Accounts Receivable"]
        account["CurrentBalance"] = _dec(account["CurrentBalance"]) + more
        customer["Balance"] = _dec(customer["Balance"]) + more
        self.books.load({"Invoice": [held | changes], "Customer": [customer], "Account": [account]})

    def _exact(self, kind: str, key: str) -> dict[str, Any]:
        (found,) = [one for one in self.books.objects(kind) if one["Id"] == key]
        return copy.deepcopy(found)

    def changed(self, row: dict[str, Any], more: Decimal) -> None:
        held = self._exact("Invoice", row["external_id"])
        line = {**held["Line"][0], "Amount": _dec(held["Line"][0]["Amount"]) + more}
        total, balance = _dec(held["TotalAmt"]) + more, _dec(held["Balance"]) + more
        self._load(row, more, TotalAmt=total, Balance=balance, Line=[line, *held["Line"][1:]])

    def due(self, row: dict[str, Any], day: str) -> None:
        self._load(row, Decimal(0), DueDate=day)

    def void(self, row: dict[str, Any]) -> None:
        nothing = {"TotalAmt": Decimal(0), "Balance": Decimal(0), "PrivateNote": "Voided"}
        held = self._exact("Invoice", row["external_id"])
        lines = [{**line, "Amount": Decimal(0)} for line in held["Line"]]
        self._load(row, -row["open_amount"], **nothing, Line=lines)

    def made(self, row: dict[str, Any]) -> str:
        self._load(row, row["open_amount"], Id="9999999", DocNumber="NEVER-TOLD")
        return "9999999"


def _dec(value: Any) -> Decimal:
    return Decimal(str(value))


@pytest.fixture(scope="module")
def xero() -> Iterator[Simulator]:
    with running_simulator("--no-limits", erp="xero") as running:
        yield running


def test_every_kind_at_once_is_found_in_a_xero_company(new_database: NewDatabase, xero: Simulator, tmp_path: Path):
    with opened_books(new_database, xero, tmp_path, "demo", erp="xero") as books:
        books.sync("full")
        undamaged_at = books.value("select clock_timestamp()")
        site = Site(books, InXero(books), random.Random(1))
        expected, left_out = damage_all(site, sorted(DAMAGES))
        # A minute's calls went into the sync.
        books.let_the_windows_pass()

        found = whole_way.reconcile(books.services, books.name, list(MODULES.values()))

        assert left_out == []
        assert found_in(found) == expected
        assert adds_up(found)
        assert all(
            one.ties_out for one in as_of.books_at(books.services, books.name, list(MODULES.values()), undamaged_at)
        )


@pytest.mark.shared
@pytest.mark.skipif(not LINES.is_file(), reason="the retail lines are not beside the checkout")
def test_every_kind_at_once_is_found_in_the_wholesalers_books(books: Books):
    subprocess.run(
        [
            sys.executable,
            *("-m", "sandbox.load_retail", str(LINES), "--base-url", books.simulator.base_url),
            *("--limit-invoices", str(RETAIL_INVOICES), "--json"),
        ],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=True,
    )
    books.renew_grant()
    books.sync("full")
    undamaged_at = books.value("select clock_timestamp()")
    site = Site(books, InQuickBooks(books), random.Random(2))
    names = [name for name in sorted(DAMAGES) if not name.startswith(PAYABLES)]
    expected, left_out = damage_all(site, names)

    found = whole_way.reconcile(books.services, books.name, [MODULES["ar"]])

    assert set(left_out) == NOT_THERE
    assert found_in(found) == expected
    assert adds_up(found)
    (undamaged,) = as_of.books_at(books.services, books.name, [MODULES["ar"]], undamaged_at)
    assert undamaged.ties_out
    assert sum(r.ledger_amount for r in undamaged.results) > 0
