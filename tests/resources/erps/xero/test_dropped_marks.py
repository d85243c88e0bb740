"""Xero may drop the Reference that our mark stands in: a record of ours is known all the same, or a person is asked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.resources.erps.xero.books import BothBooks

ALLOCATING_LOST = {"method": "PUT", "path": "*/Allocations*", "nth": 1, "drop": "before"}


@pytest.fixture
def dropped(both: BothBooks, no_waiting: None) -> Iterator[BothBooks]:
    both.books.simulator.post("switches", {"unsupported_reference": "dropped"})
    try:
        yield both
    finally:
        both.books.simulator.post("switches", {"unsupported_reference": "kept", "unsupported_url": "kept"})
        both.books.simulator.post("clock", {})


def let_it_rest(both: BothBooks) -> None:
    """Its key is forgotten there, and nothing of it can arrive any more."""
    both.books.change(
        "update sync.outbox set due_at = now(), sent_at = sent_at - interval '2 hours', "
        "tried_at = tried_at - interval '2 hours' where state = 'sent'"
    )
    both.books.simulator.post("clock", {"advance_seconds": 7200})


def test_money_begun_is_found_by_its_bank_transaction_and_gone_on_with(
    dropped: BothBooks, monkeypatch: pytest.MonkeyPatch
):
    customer = dropped.writer.customer("Lund & Sons")
    first, second = (dropped.invoice(customer, amount, f"L-{amount}") for amount in ("40.00", "50.00"))
    dropped.books.push()
    dropped.pay(customer, "100.00", {first: "40.00", second: "25.00"})
    dropped.books.simulator.post("faults", [ALLOCATING_LOST])
    dropped.books.push_and_die(monkeypatch)
    (half,) = dropped.there("Overpayments")
    assert (half["Reference"], half["Allocations"]) == ("", [])
    let_it_rest(dropped)

    dropped.books.push()

    (made,) = dropped.there("Overpayments")
    assert (made["RemainingCredit"], len(made["Allocations"])) == (Decimal(35), 2)
    assert dropped.is_settled()
