"""What somebody deletes in Xero before we know that we made it: it is listed with its mark, and not made anew."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ledger.policies import Policy, Side
from resources.stages import resolve
from resources.stages.deciding import Decision
from resources.stores import policies
from tests.resources.erps.xero.books import BANK, BothBooks


def let_it_rest(both: BothBooks) -> None:
    """Nothing of it can arrive any more, and its key is forgotten."""
    both.books.change(
        "update sync.outbox set due_at = now(), sent_at = sent_at - interval '2 hours', "
        "tried_at = tried_at - interval '2 hours' where state = 'sent'"
    )
    both.books.simulator.post("clock", {"advance_seconds": 7200})


def an_order(both: BothBooks) -> int:
    amount = Decimal("40.00")
    return both.writer.insert(
        "purchase_orders",
        [{"kind": "item", "account_code": "429", "amount": amount, "description": "work"}],
        vendor_id=both.writer.vendor("Maker"),
        document_number="PO-1",
        issue_date="2026-03-01",
        currency="USD",
        net_amount=amount,
        total_amount=amount,
        status="open",
    )


def money_ahead(both: BothBooks) -> int:
    return both.pay(both.writer.customer("Lund & Sons"), "25.00")


def edit(both: BothBooks, entity: str, ledger_id: int) -> None:
    values = {"memo": "wanted"} if entity == "purchase_orders" else {"reference_number": "T-2"}
    both.writer.update(entity, ledger_id, **values)


ENDS: dict[str, tuple[Any, str, str, str]] = {
    "purchase_orders": (an_order, "PurchaseOrders", "PurchaseOrderID", "PurchaseOrders"),
    "payments": (money_ahead, "BankTransactions", "BankTransactionID", "Overpayments"),
}


@pytest.fixture(params=list(ENDS))
def deleted(request: pytest.FixtureRequest, both: BothBooks, monkeypatch: pytest.MonkeyPatch):
    """Entity, ledger id and list of a record that was made and deleted there while we do not know of it."""
    make, wire, key, listed = ENDS[request.param]
    ledger_id = make(both)
    for party in ("customers", "vendors"):
        both.books.push(entities=[party])
    both.books.push_and_die(monkeypatch)
    (there,) = both.there(wire)
    both.books.simulator.post("edit", {"operation": "delete", "entity": wire, "id": there[key]})
    try:
        yield request.param, ledger_id, listed
    finally:
        both.books.simulator.post("clock", {})


@pytest.mark.parametrize("is_synced_between", [True, False])
def test_it_is_known_to_have_been_made_and_goes_here_too(both: BothBooks, deleted: Any, is_synced_between: bool):
    entity, ledger_id, listed = deleted
    if is_synced_between:
        both.books.sync()
    let_it_rest(both)

    both.books.push()

    assert len(both.there(listed)) == 1
    (row,) = both.books.rows(f"select is_deleted from ledger.{entity} where ledger_id = {ledger_id}")
    assert row["is_deleted"]
    assert (
        both.books.value(f"select count(*) from sync.audit where action = 'push.create' and entity = '{entity}'") == 1
    )
    assert both.is_settled()
    assert len(both.there(listed)) == 1


def test_what_was_edited_here_since_is_a_conflict_and_kept_here_it_is_made_anew(both: BothBooks, deleted: Any):
    entity, ledger_id, listed = deleted
    edit(both, entity, ledger_id)
    let_it_rest(both)

    both.books.push()

    (conflict,) = both.books.rows("select conflict_id, kind from sync.conflicts where state = 'open'")
    assert (conflict["kind"], len(both.there(listed))) == ("delete_conflict", 1)
    decision = Decision(by="ada@books.example", keep=Side.OURS)
    resolve.resolve(both.books.services, conflict["conflict_id"], decision)
    both.books.push()
    assert len(both.there(listed)) == 2
    assert both.is_settled()


def test_taken_back_here_later_it_is_made_anew(both: BothBooks, deleted: Any):
    entity, ledger_id, listed = deleted
    let_it_rest(both)
    both.books.push()

    both.writer.update(entity, ledger_id, is_deleted=False)
    both.books.push()

    assert len(both.there(listed)) == 2
    assert both.is_settled()


def test_where_the_ledger_wins_what_was_edited_here_since_is_made_anew(both: BothBooks, deleted: Any):
    entity, ledger_id, listed = deleted
    with both.books.services.db.transaction(both.books.tenant) as tx:
        policies.put(tx, tenant=both.books.tenant, entity=entity, field="", policy=Policy.LEDGER_WINS, by="ada")
    edit(both, entity, ledger_id)
    let_it_rest(both)

    both.books.push()

    assert len(both.there(listed)) == 2
    assert both.is_settled()


def test_edited_here_once_it_is_gone_on_both_sides_it_waits_for_nothing(both: BothBooks, deleted: Any):
    entity, ledger_id, _ = deleted
    let_it_rest(both)
    both.books.push()

    edit(both, entity, ledger_id)
    both.books.push()

    assert not both.books.rows("select * from sync.edits")


def test_deleted_there_it_is_no_twin_of_a_row_that_is_another_record_by_now(
    both: BothBooks, monkeypatch: pytest.MonkeyPatch
):
    money_ahead(both)
    both.books.push(entities=["customers"])
    late = {"method": "PUT", "path": "*/BankTransactions*", "nth": 1, "late": {}}
    both.books.simulator.post("faults", [late])
    both.books.push_and_die(monkeypatch)
    (customer,) = both.there("Contacts")
    typed_in = {
        "Type": "RECEIVE-OVERPAYMENT",
        "Contact": {"ContactID": customer["ContactID"]},
        "BankAccount": {"Code": BANK},
        "Date": "2026-03-02",
        "Reference": "T-1",
        "LineAmountTypes": "NoTax",
        "LineItems": [{"Description": "Overpayment", "UnitAmount": "26.00"}],
    }
    both.books.simulator.post("edit", {"operation": "create", "entity": "BankTransactions", "body": typed_in})
    both.books.sync()
    (question,) = open_questions(both)
    resolve.resolve(both.books.services, question, Decision(by="ada@books.example", keep=Side.THEIRS))
    both.books.simulator.post("late", {})
    both.books.sync()
    assert len(open_questions(both)) == 1
    (made,) = [one for one in both.there("BankTransactions") if "tieout:" in one["Reference"]]
    edit = {"operation": "delete", "entity": "BankTransactions", "id": made["BankTransactionID"]}
    both.books.simulator.post("edit", edit)

    both.books.sync()

    assert open_questions(both) == []
    assert both.is_settled()
    assert len(both.there("BankTransactions", "AUTHORISED")) == 1


def open_questions(both: BothBooks) -> list[int]:
    rows = both.books.rows("select conflict_id from sync.conflicts where state = 'open'")
    return [row["conflict_id"] for row in rows]
