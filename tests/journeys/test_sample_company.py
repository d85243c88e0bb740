"""The captured sample company, loaded as it was captured: both books must say the same, or say why they do not."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from tests.books import SHARED, Books

SAMPLE_COMPANY = SHARED / "reference" / "quickbooks" / "sample_company"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SAMPLE_COMPANY.is_dir(), reason="the sample company is not beside the checkout"),
]


@pytest.fixture
def captured() -> dict[str, list[dict]]:
    """Wire name -> objects, numbers as Decimals with the scale they were captured with."""
    groups: dict[str, list[dict]] = {}
    for file in sorted(SAMPLE_COMPANY.glob("*.json")):
        found = json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        groups.update({name: rows for name, rows in found.items() if isinstance(rows, list)})
    return groups


def balances(books: Books, view: str, party: str, entity: str) -> dict[str, Decimal]:
    """External id -> balance that the ledger's own documents add up to."""
    return {
        row["external_id"]: row["open_amount"]
        for row in books.rows(
            f"select b.external_id, v.open_amount from analytics.{view} v "
            f"join sync.bindings b on b.entity = '{entity}' and b.ledger_id = v.{party}"
        )
    }


def test_the_ledger_reproduces_every_balance_and_names_the_one_that_the_capture_lacks(books, captured):
    books.load(captured)

    report = books.sync("full")
    found = books.reconcile()

    assert books.open_errors() == []
    assert report.outcomes["customers"].inserted == 33
    assert report.outcomes["vendors"].inserted == 35
    assert report.outcomes["invoices"].inserted == 37
    assert balances(books, "customer_balances", "customer_id", "customers") == {
        c["Id"]: Decimal(c["Balance"]) for c in captured["Customer"]
    }
    reported = {v["Id"]: Decimal(v.get("Balance", 0)) for v in captured["Vendor"]}
    ours = balances(books, "vendor_balances", "vendor_id", "vendors")
    assert {v: reported[v] - ours[v] for v in reported if reported[v] != ours[v]} == {"56": Decimal(600)}

    receivable, payable = found["ar", "USD"], found["ap", "USD"]
    account = {a["AccountType"]: Decimal(a["CurrentBalance"]) for a in captured["Account"]}
    assert receivable.erp_amount == account["Accounts Receivable"] == receivable.ledger_amount
    assert receivable.breaks == ()
    assert payable.erp_amount == -account["Accounts Payable"]
    assert payable.difference == sum(payable.by_cause.values())
    (named,) = [b for b in payable.breaks if b.party_external_id]
    assert (named.party_external_id, named.amount, named.cause) == ("56", Decimal(600), "missing_in_ledger")
    assert "600.00" in named.says


def test_a_second_sync_of_it_changes_nothing(books, captured):
    books.load(captured)
    books.sync("full")

    again = books.sync("full")

    assert all(outcome.is_quiet for outcome in again.outcomes.values())
