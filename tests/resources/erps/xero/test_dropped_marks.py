"""Xero may drop the Reference that our mark stands in: a record of ours is known all the same, or a person is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import msgspec
import pytest

from tests.resources.erps.xero.books import BothBooks

DROPPED = {"unsupported_reference": "dropped", "unsupported_url": "dropped"}
KEPT = {"unsupported_reference": "kept", "unsupported_url": "kept"}
ALLOCATING_LOST = {"method": "PUT", "path": "*/Allocations*", "nth": 1, "drop": "before"}


@pytest.fixture
def dropped(both: BothBooks, no_waiting: None) -> Iterator[BothBooks]:
    both.books.simulator.post("switches", {"unsupported_reference": "dropped"})
    try:
        yield both
    finally:
        both.books.simulator.post("switches", KEPT)
        both.books.simulator.post("clock", {})


def let_it_rest(both: BothBooks) -> None:
    """Its key is forgotten there, and nothing of it can arrive any more."""
    both.books.change(
        "update sync.outbox set due_at = now(), sent_at = sent_at - interval '2 hours', "
        "tried_at = tried_at - interval '2 hours' where state = 'sent'"
    )
    both.books.simulator.post("clock", {"advance_seconds": 7200})


def break_off(both: BothBooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Money for two invoices, made and not applied, and nobody knows."""
    customer = both.writer.customer("Lund & Sons")
    first, second = (both.invoice(customer, amount, f"L-{amount}") for amount in ("40.00", "50.00"))
    both.books.push()
    both.pay(customer, "100.00", {first: "40.00", second: "25.00"})
    both.books.simulator.post("faults", [ALLOCATING_LOST])
    both.books.push_and_die(monkeypatch)
    let_it_rest(both)


def test_money_begun_is_found_by_its_bank_transaction_and_gone_on_with(
    dropped: BothBooks, monkeypatch: pytest.MonkeyPatch
):
    break_off(dropped, monkeypatch)
    (half,) = dropped.there("Overpayments")
    assert (half["Reference"], half["Allocations"]) == ("", [])

    dropped.books.push()

    (made,) = dropped.there("Overpayments")
    assert (made["RemainingCredit"], len(made["Allocations"])) == (Decimal(35), 2)
    assert dropped.is_settled()


@dataclass
class Unmarked:
    """A kind of record of which Xero keeps no mark; `make` enters one here, with a text or none."""

    both: BothBooks
    entity: str
    wire: str
    listed: str
    key: str
    make: Callable[..., int]

    def count(self, *statuses: str) -> int:
        return len(self.both.there(self.listed, *statuses))

    def entered_there(self) -> None:
        """Somebody enters one for the same party and of the same amount in Xero."""
        (contact,) = self.both.there("Contacts")
        line = {"Description": "work", "Quantity": 1, "UnitAmount": 25, "AccountCode": "429"}
        kind = {"Type": "RECEIVE-OVERPAYMENT", "BankAccount": {"Code": "090"}}
        if self.entity == "vendor_credits":
            kind = {"Type": "ACCPAYCREDIT", "CreditNoteNumber": "theirs"}
        common = {"Contact": {"ContactID": contact["ContactID"]}, "Date": "2026-03-09", "Status": "AUTHORISED"}
        body = {**kind, **common, "LineAmountTypes": "NoTax", "LineItems": [line]}
        self.both.books.simulator.post("edit", {"operation": "create", "entity": self.wire, "body": body})

    def lose(self, drop: str) -> None:
        """Push, with the answer lost (after) or the request (before)."""
        self.both.books.simulator.post("faults", [{"method": "PUT", "path": f"*/{self.wire}*", "nth": 1, "drop": drop}])
        self.both.books.push()
        let_it_rest(self.both)


@pytest.fixture(params=["vendor_credits", "payments"])
def unmarked(request: pytest.FixtureRequest, dropped: BothBooks, monkeypatch: pytest.MonkeyPatch) -> Unmarked:
    dropped.books.simulator.post("switches", DROPPED)
    # What is in doubt rests until the test says so.
    dropped.books.services.pace = 1.0
    monkeypatch.setattr("resources.stages.doubts.DELAY_SECONDS_MAX", 0)
    if request.param == "payments":
        customer = dropped.writer.customer("Lund & Sons")
        dropped.books.push()
        make = lambda text="": dropped.pay(customer, "25.00", reference_number=text)  # noqa: E731
        return Unmarked(dropped, "payments", "BankTransactions", "Overpayments", "BankTransactionID", make)
    vendor = dropped.writer.vendor("Maker")
    dropped.books.push()

    def credit(text: str = "") -> int:
        value = Decimal("25.00")
        return dropped.writer.insert(
            "vendor_credits",
            [{"kind": "account", "account_code": "429", "amount": value, "description": "returned"}],
            vendor_id=vendor,
            document_number="V-1",
            issue_date="2026-03-02",
            currency="USD",
            net_amount=value,
            total_amount=value,
            open_amount=value,
            private_note=text,
        )

    return Unmarked(dropped, "vendor_credits", "CreditNotes", "CreditNotes", "CreditNoteID", credit)


def test_what_comes_back_without_its_mark_is_written(unmarked: Unmarked):
    unmarked.make()

    assert unmarked.both.books.push().pushed == {unmarked.entity: 1}

    assert unmarked.both.is_settled()
    assert unmarked.count() == 1


@pytest.mark.parametrize("is_synced_between", [False, True])
def test_of_which_the_answer_was_lost_it_is_known_by_what_it_says(unmarked: Unmarked, is_synced_between: bool):
    row = unmarked.make()
    unmarked.lose("after")
    if is_synced_between:
        unmarked.both.books.sync()

    unmarked.both.books.push()

    assert unmarked.both.is_settled()
    assert unmarked.count() == 1
    bound = unmarked.both.books.rows(f"select ledger_id from sync.bindings where entity = '{unmarked.entity}'")
    assert [one["ledger_id"] for one in bound] == [row]


def test_of_which_the_request_was_lost_it_is_made_although_another_row_has_an_equal_one(unmarked: Unmarked):
    unmarked.make()
    unmarked.both.books.push()
    if unmarked.entity == "vendor_credits":
        unmarked.both.books.change("update ledger.vendor_credits set document_number = 'V-0'")
        unmarked.both.books.push()
    unmarked.make()

    unmarked.lose("before")
    assert unmarked.count() == 1
    unmarked.both.books.push()

    assert unmarked.both.is_settled()
    assert unmarked.count() == 2


def test_a_text_that_went_with_the_mark_stays_here_and_is_told(unmarked: Unmarked):
    row = unmarked.make("for the books")
    unmarked.both.books.push()
    unmarked.both.books.sync()
    unmarked.both.books.push()

    name = "private_note" if unmarked.entity == "vendor_credits" else "reference_number"
    assert unmarked.both.books.value(f"select {name} from ledger.{unmarked.entity}") == "for the books"
    assert len(unmarked.both.books.open_errors()) == 1
    unmarked.both.writer.update(unmarked.entity, row, **{name: ""})
    unmarked.both.books.push()
    assert unmarked.both.is_settled()


def test_what_may_be_it_and_says_something_else_is_asked_about_and_nothing_sent(unmarked: Unmarked):
    unmarked.make()
    unmarked.lose("before")
    unmarked.entered_there()

    for _ in range(3):
        unmarked.both.books.push()
        let_it_rest(unmarked.both)

    assert unmarked.count() == 1
    (error,) = unmarked.both.books.open_errors()
    assert "has no mark" in error["message"]
    # A person looks, and says that it is another one.
    unmarked.both.books.push(retry_refused=True)
    unmarked.both.books.sync()
    unmarked.both.books.push()
    assert unmarked.count() == 2
    assert unmarked.both.is_settled()


def test_what_may_be_it_and_came_as_a_row_of_its_own_is_asked_about_too(unmarked: Unmarked):
    unmarked.make()
    unmarked.lose("before")
    unmarked.entered_there()
    unmarked.both.books.sync()

    unmarked.both.books.push()

    assert unmarked.count() == 1
    (error,) = unmarked.both.books.open_errors()
    assert "has no mark" in error["message"]


def test_what_somebody_entered_meanwhile_with_another_text_is_not_taken_for_it(dropped: BothBooks):
    """Two cheques over the same amount on the same day, also where Xero keeps every mark."""
    dropped.books.simulator.post("switches", KEPT)
    customer = dropped.writer.customer("Lund & Sons")
    dropped.books.push()
    row = dropped.pay(customer, "25.00", reference_number="check 1001")
    dropped.books.simulator.post(
        "faults", [{"method": "PUT", "path": "*/BankTransactions*", "nth": 1, "drop": "before"}]
    )
    dropped.books.push()
    (contact,) = dropped.there("Contacts")
    (told,) = dropped.books.rows("select body from sync.outbox where entity = 'payments'")
    body = {
        **msgspec.json.decode(told["body"]),
        "Reference": "check 1002",
        "Contact": {"ContactID": contact["ContactID"]},
    }
    body.pop("Url", None)
    dropped.books.simulator.post("edit", {"operation": "create", "entity": "BankTransactions", "body": body})

    dropped.books.sync()
    dropped.books.push()

    numbers = dropped.books.rows("select reference_number from ledger.payments where ledger_id = %s", row)
    assert [one["reference_number"] for one in numbers] == ["check 1001"]


def test_whoever_says_that_it_is_the_same_deletes_the_row_here(unmarked: Unmarked):
    row = unmarked.make()
    unmarked.lose("before")
    unmarked.entered_there()
    unmarked.both.books.push()
    unmarked.both.writer.update(unmarked.entity, row, is_deleted=True)

    unmarked.both.books.sync()
    unmarked.both.books.push(retry_refused=True)

    assert unmarked.both.is_settled()
    assert unmarked.count() == 1
    assert unmarked.both.books.value(f"select count(*) from ledger.{unmarked.entity} where not is_deleted") == 1


def test_what_was_made_and_deleted_there_is_asked_about_and_not_made_again(unmarked: Unmarked):
    unmarked.make()
    unmarked.lose("after")
    (made,) = unmarked.both.there(unmarked.wire)
    end = {"operation": "update", "entity": unmarked.wire, "id": made[unmarked.key]}
    status = "VOIDED" if unmarked.entity == "vendor_credits" else "DELETED"
    unmarked.both.books.simulator.post("edit", {**end, "body": {"Status": status}})

    unmarked.both.books.push()

    assert unmarked.count() == 1
    assert len(unmarked.both.books.open_errors()) == 1


@pytest.mark.parametrize("is_synced_between", [False, True])
def test_money_begun_that_nothing_marks_is_asked_about_and_not_made_again(
    dropped: BothBooks, monkeypatch: pytest.MonkeyPatch, is_synced_between: bool
):
    dropped.books.simulator.post("switches", DROPPED)
    break_off(dropped, monkeypatch)
    if is_synced_between:
        dropped.books.sync()
        let_it_rest(dropped)

    dropped.books.push()

    (half,) = dropped.there("Overpayments")
    assert half["Allocations"] == []
    (error,) = dropped.books.open_errors()
    assert "has no mark" in error["message"]
