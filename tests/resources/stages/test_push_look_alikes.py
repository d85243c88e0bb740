"""Records there that say just what a row in doubt says, and are another row's already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.entities.payments import Payment
from resources.erps.quickbooks.writing import QuickBooksComposer
from resources.stages.recording import Recording
from resources.stores import bindings
from resources.stores.outbox import Intent
from tests.books import Books
from tests.ledger_writer import LedgerWriter
from tests.resources.stages.test_push import customer_id, quiet

EQUAL = {"CustomerRef": {"value": "1"}, "TxnDate": "2026-03-02", "TotalAmt": 40}


def bound(company: Books) -> dict[int, str]:
    rows = company.rows("select ledger_id, external_id from sync.bindings where entity = 'payments'")
    return {row["ledger_id"]: row["external_id"] for row in rows}


def test_a_payment_that_did_not_happen_is_made_although_somebody_entered_an_equal_one_there(
    company: Books, writer: LedgerWriter
):
    theirs = company.edit("create", "Payment", **EQUAL)
    company.sync()
    held = bound(company)
    ours = writer.payment(customer_id(company), "40.00")
    company.simulator.post("faults", [{"method": "POST", "path": "*/payment*", "count": 1, "drop": "before"}])

    company.push()

    assert list(held.values()) == [theirs["Id"]]
    assert len(company.objects("Payment")) == 2
    assert {row: id for row, id in bound(company).items() if row != ours} == held
    assert ours in bound(company)
    assert quiet(company)


def test_what_somebody_typed_in_comes_together_with_what_was_made_and_is_in_doubt(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    ours = writer.payment(customer_id(company), "40.00")
    company.push_and_die(monkeypatch, "after_send")
    (made,) = company.objects("Payment")
    company.edit("create", "Payment", **EQUAL)

    company.sync()
    company.push()

    assert len(company.objects("Payment")) == len(bound(company)) == 2
    assert bound(company)[ours] == made["Id"]
    assert quiet(company)


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "new"])
def test_what_a_sync_brings_is_held_against_what_is_in_doubt_at_once(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, statements: Counter[str], is_known: bool
):
    if is_known:
        company.load({"Payment": [a_payment(number) for number in range(40)]})
        company.sync("full")
    for number in range(10):
        writer.payment(customer_id(company), f"{100 + number}.00")
    company.push_and_die(monkeypatch, "before_send")
    company.load({"Payment": [a_payment(number, SyncToken="1", PrivateNote="read") for number in range(40)]})
    statements.clear()

    outcome = company.sync("full").outcomes["payments"]

    assert (outcome.inserted, outcome.updated) == ((0, 40) if is_known else (40, 0))
    looked_up = [count for text, count in statements.items() if "from sync.bindings" in text]
    assert sum(looked_up) < 20, statements.most_common(20)


def a_payment(number: int, **more: Any) -> dict[str, Any]:
    """Money of somebody else's, none of which is like another's."""
    amount = 1000 + number
    at = "2026-03-05T10:00:00-08:00"
    return {
        "Id": str(700 + number),
        "SyncToken": "0",
        "domain": "QBO",
        "sparse": False,
        **EQUAL,
        "TotalAmt": amount,
        "UnappliedAmt": amount,
        "CurrencyRef": {"value": "USD"},
        "Line": [],
        "MetaData": {"CreateTime": at, "LastUpdatedTime": at},
        **more,
    }


def payments() -> Iterator[Any]:
    """Few, so that many are alike, and some the same."""
    return st.builds(
        lambda reference, day, total, note: Payment(
            customer="1",
            payment_date=date(2026, 3, day),
            reference_number=reference,
            currency="USD",
            total_amount=Decimal(total),
            applied_amount=Decimal(0),
            unapplied_amount=Decimal(total),
            private_note=note,
        ),
        st.sampled_from(["", "R", "r"]),
        st.sampled_from([1, 2]),
        st.sampled_from(["40.00", "41.00"]),
        st.sampled_from(["", "note"]),
    )


def a_create(intent_id: int, record: Payment) -> Intent:
    text = bindings.encode(record)
    said = ("create", "key", f"M{intent_id}", None, None, None, "{}", text, "sent", 1)
    return Intent(intent_id, "payments", intent_id, 1, *said, datetime(2026, 3, 1, tzinfo=UTC))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(payments(), min_size=1, max_size=4), st.lists(payments(), min_size=1, max_size=4))
def test_many_records_are_judged_as_each_would_be_alone(ours: list[Payment], theirs: list[Payment]):
    work: Any = SimpleNamespace(
        connection=SimpleNamespace(name="qbo", tenant="default"), composer=QuickBooksComposer({})
    )
    recording = Recording(work, None)  # type: ignore[arg-type]
    creates = [a_create(number, record) for number, record in enumerate(ours)]
    found = {f"T{number}": record for number, record in enumerate(theirs)}

    together = recording.makers("payments", creates, found)

    alone = {
        external_id: [one for one in creates if recording.makers("payments", [one], {external_id: record})]
        for external_id, record in found.items()
    }
    assert together == {external_id: makers[0] for external_id, makers in alone.items() if makers}
