"""Invoices of a real web wholesaler: loaded as a QuickBooks company, synced whole, and equal to the cent."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from tests.books import SHARED, Books
from tests.house import ROOT

LINES = SHARED / "data" / "online_retail" / "online_retail_lines.parquet"
# What the file's own description says its lines add up to, in pounds.
PUBLISHED_SUM = Decimal("5062713.76")
PUBLISHED_LINES = 293_960
INVOICE_AND_CREDIT_LINES = (
    "select (select count(*) from ledger.invoice_lines) + (select count(*) from ledger.credit_memo_lines)"
)

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not LINES.is_file(), reason="the retail lines are not beside the checkout"),
]


def test_the_wholesaler_ties_out(books: Books):
    loaded = subprocess.run(
        [
            sys.executable,
            *("-m", "sandbox.load_retail", str(LINES), "--json"),
            *("--base-url", books.simulator.base_url),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout)
    books.renew_grant()

    report = books.sync("full")

    assert books.open_errors() == []
    documents = {name: len(books.objects(wire)) for name, wire in (("invoices", "Invoice"), ("customers", "Customer"))}
    assert {name: report.outcomes[name].inserted for name in documents} == documents
    invoiced, credited = (
        books.value(f"select sum(total_amount) from ledger.{entity}") for entity in ("invoices", "credit_memos")
    )
    assert invoiced - credited == PUBLISHED_SUM
    assert books.value(INVOICE_AND_CREDIT_LINES) == PUBLISHED_LINES
    found = books.reconcile()
    # Nobody sells to the wholesaler in these books: of the two modules only one has anything in it.
    assert {key: (result.difference, result.breaks) for key, result in found.items()} == {
        ("ar", "GBP"): (0, ()),
        ("ap", "GBP"): (0, ()),
    }
    assert found["ap", "GBP"].ledger_amount == 0 < found["ar", "GBP"].ledger_amount
