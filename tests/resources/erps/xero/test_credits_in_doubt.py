"""The use of a credit note whose answer or request was lost: Xero keeps no mark of ours in it, only what it says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from resources.erps.xero.reading import allocations_of
from tests.resources.erps.xero.books import BothBooks

ALLOCATIONS = {"method": "PUT", "path": "*/Allocations*", "nth": 1}
ANSWER_LOST = {**ALLOCATIONS, "drop": "after"}
REQUEST_LOST = {**ALLOCATIONS, "drop": "before"}


class Credit:
    """A credit note of 50 and an invoice of 90, in both books; `use` enters a use of one on the other here."""

    def __init__(self, both: BothBooks) -> None:
        self.both = both
        self.customer = both.writer.customer("Lund & Sons")
        self.invoice = both.invoice(self.customer, "90.00", "L-1")
        amount = Decimal("50.00")
        self.note = both.writer.insert(
            "credit_memos",
            [{"kind": "item", "account_code": "200", "amount": amount, "description": "returned"}],
            customer_id=self.customer,
            document_number="C-1",
            issue_date="2026-03-03",
            currency="USD",
            net_amount=amount,
            total_amount=amount,
            open_amount=amount,
        )
        both.books.push()
        both.books.services.pace = 0.001

    def use(self, reference: str) -> int:
        part: dict[str, Any] = {"document_key": "", "amount": Decimal("10.00")}
        return self.both.writer.insert(
            "payments",
            [
                {**part, "document_entity": "invoices", "document_id": self.invoice},
                {**part, "document_entity": "credit_memos", "document_id": self.note},
            ],
            customer_id=self.customer,
            payment_date="2026-03-04",
            currency="USD",
            total_amount=Decimal(0),
            applied_amount=Decimal(0),
            unapplied_amount=Decimal(0),
            reference_number=reference,
        )

    def push(self, *rules: dict[str, Any]) -> None:
        """Push until what was lost on the way is settled."""
        if rules:
            self.both.books.simulator.post("faults", list(rules))
        for _ in range(3):
            self.both.books.push()
            self.both.books.change("update sync.outbox set due_at = now() where state in ('sent', 'waiting')")

    def uses(self) -> list[int]:
        """What the note was used for there."""
        (note,) = self.both.there("CreditNotes")
        return [one["Amount"] for one in note["Allocations"]]

    def bound(self) -> dict[int, str]:
        """Payments here -> what they are there; each row must be one."""
        rows = self.both.books.rows(
            "select l.ledger_id, b.external_id from ledger.payments l left join sync.bindings b "
            "on b.entity = 'payments' and b.ledger_id = l.ledger_id where not l.is_deleted"
        )
        return {row["ledger_id"]: row["external_id"] for row in rows}


@pytest.fixture
def credit(both: BothBooks, no_waiting: None) -> Credit:
    return Credit(both)


@pytest.mark.parametrize("reference", ["T-1", ""])
def test_a_use_whose_answer_was_lost_is_not_made_again(credit: Credit, reference: str):
    row = credit.use(reference)

    credit.push(ANSWER_LOST)

    assert credit.uses() == [10]
    assert credit.bound().keys() == {row}
    assert credit.both.is_settled()


# The last is the number of the note, which Xero gives as the reference of its uses.
@pytest.mark.parametrize("reference", ["T-1", "", "C-1"])
def test_a_use_that_did_not_happen_is_made_although_another_row_has_one_that_is_equal(credit: Credit, reference: str):
    first = credit.use(reference)
    credit.push()
    held = credit.bound()[first]
    second = credit.use(reference)

    credit.push(REQUEST_LOST)

    assert credit.uses() == [10, 10]
    bound = credit.bound()
    assert (bound.keys(), bound[first]) == ({first, second}, held)
    assert bound[second] not in (None, held)
    # Sent again under its key, should the first request still be on its way.
    kept = credit.both.books.rows(f"select 1 from sync.outbox where ledger_id = {second} and entity = 'payments'")
    assert len(kept) == 1
    assert credit.both.is_settled()


@pytest.mark.parametrize("reference", ["T-1", ""])
def test_a_use_in_doubt_that_a_sync_brings_is_the_row_that_made_it(
    credit: Credit, monkeypatch: pytest.MonkeyPatch, reference: str
):
    row = credit.use(reference)
    credit.both.books.push_and_die(monkeypatch)

    credit.both.books.sync()
    credit.push()

    assert credit.uses() == [10]
    assert credit.bound().keys() == {row}
    assert credit.both.is_settled()


@pytest.mark.parametrize("arrives", [True, False], ids=["it arrives", "it does not"])
def test_a_use_that_is_refused_while_an_attempt_before_may_arrive_stays_in_doubt(credit: Credit, arrives: bool):
    row = credit.use("T-1")
    credit.both.books.services.pace = 0.2
    refused = {"status": 400, "body": {"ErrorNumber": 10, "Type": "ValidationException", "Elements": []}}
    credit.both.books.simulator.post("faults", [REQUEST_LOST, {**ALLOCATIONS, "nth": None, **refused}])

    credit.both.books.push()

    states = "select state from sync.outbox where entity = 'payments'"
    assert credit.both.books.value(states) == "sent"
    if arrives:
        (note,) = credit.both.there("CreditNotes")
        (invoice,) = credit.both.there("Invoices")
        late = {"Amount": 10, "Date": "2026-03-04", "Invoice": {"InvoiceID": invoice["InvoiceID"]}}
        path = f"/CreditNotes/{note['CreditNoteID']}/Allocations"
        credit.both.books.simulator.post("edit", {"method": "PUT", "path": path, "body": late})
    credit.both.books.change("update sync.outbox set due_at = now(), tried_at = tried_at - interval '1 hour'")
    credit.both.books.push()
    assert credit.both.books.value(states) == ("done" if arrives else "refused")
    assert (credit.uses() == [10], bool(credit.bound()[row])) == (arrives, arrives)


def test_whichever_use_xero_lists_last_the_answer_is_the_one_that_was_made(
    credit: Credit, monkeypatch: pytest.MonkeyPatch
):
    newest_first = lambda *asked: allocations_of(*asked)[::-1]  # noqa: E731
    monkeypatch.setattr("resources.erps.xero.sending.allocations_of", newest_first)
    first = credit.use("T-1")
    credit.push()
    held = credit.bound()[first]

    second = credit.use("T-2")
    credit.push()

    bound = credit.bound()
    assert (bound.keys(), bound[first], credit.uses()) == ({first, second}, held, [10, 10])
    assert credit.both.is_settled()


def test_two_equal_uses_in_one_push_are_two(credit: Credit):
    rows = {credit.use("T-1"), credit.use("T-2")}

    credit.push()

    assert credit.uses() == [10, 10]
    assert len(set(credit.bound().values())) == len(credit.bound().keys() & rows) == 2
    assert credit.both.is_settled()
