"""Money in every form Xero has for it, the whole way: from the ledger there, back, and taken off again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.books import changed
from tests.resources.erps.xero.books import BothBooks


@pytest.fixture
def customer(both: BothBooks) -> int:
    return both.writer.customer("Lund & Sons")


@pytest.fixture
def invoices(both: BothBooks, customer: int) -> tuple[int, int]:
    made = both.invoice(customer, "40.00", "L-1"), both.invoice(customer, "50.00", "L-2")
    both.books.push()
    return made


def test_money_for_two_invoices_with_a_rest_is_one_record_there_and_stays_one_row(both, customer, invoices):
    first, second = invoices
    both.pay(customer, "100.00", {first: "40.00", second: "25.00"})

    report = both.books.push()

    assert (report.pushed, both.books.open_errors()) == ({"payments": 1}, [])
    (made,) = both.there("Overpayments")
    assert (made["Total"], made["RemainingCredit"], len(made["Allocations"])) == (100, 35, 2)
    assert changed(both.books.sync()).keys() <= {"invoices"}
    assert both.open_amounts() == {"L-1": Decimal(0), "L-2": Decimal(25)}
    assert both.books.value("select count(*) from ledger.payments") == 1
    assert both.books.value("select deposit_account_code from ledger.payments") == "090"
    assert both.is_settled()


def test_what_it_is_applied_to_can_be_changed_and_the_whole_of_it_taken_back(both, customer, invoices):
    first, second = invoices
    payment = both.pay(customer, "100.00", {first: "40.00", second: "25.00"})
    both.books.push()

    with both.writer.transaction() as tx:
        tx.execute("delete from ledger.payment_applications where payment_id = %s and position = 2", (payment,))
        tx.execute("update ledger.payments set applied_amount = 40, unapplied_amount = 60")
    assert both.books.push().pushed == {"payments": 1}
    (made,) = both.there("Overpayments")
    assert (made["RemainingCredit"], [one["Amount"] for one in made["Allocations"]]) == (60, [40])

    with both.writer.transaction() as tx:
        tx.execute("delete from ledger.payment_applications where payment_id = %s", (payment,))
        tx.execute("update ledger.payments set applied_amount = 0, unapplied_amount = 100")
    assert both.books.push().pushed == {"payments": 1}
    both.writer.update("payments", payment, is_deleted=True)
    assert both.books.push().pushed == {"payments": 1}

    assert both.there("Overpayments", "AUTHORISED", "PAID") == both.there("BankTransactions", "AUTHORISED") == []
    assert both.is_settled()
    assert both.open_amounts() == {"L-1": Decimal(40), "L-2": Decimal(50)}


@pytest.mark.parametrize(
    "rule",
    [
        {"method": "PUT", "path": "*/BankTransactions*", "nth": 1, "drop": "after"},
        {"method": "PUT", "path": "*/Allocations*", "nth": 1, "drop": "before"},
        {"method": "PUT", "path": "*/Allocations*", "nth": 1, "drop": "after"},
        {"method": "PUT", "path": "*/Allocations*", "nth": 1, "answer": "server_error"},
    ],
    ids=["money made, answer lost", "applying lost", "applied, answer lost", "an error of theirs"],
)
def test_an_attempt_that_breaks_off_half_way_is_gone_on_with(both, customer, invoices, rule, no_waiting):
    first, second = invoices
    both.pay(customer, "100.00", {first: "40.00", second: "25.00"})
    both.books.services.pace = 0.001
    both.books.simulator.post("faults", [rule])

    both.books.push()
    both.books.change("update sync.outbox set due_at = now()")
    both.books.push()

    (made,) = both.there("Overpayments")
    assert (made["RemainingCredit"], len(made["Allocations"])) == (35, 2)
    assert both.is_settled()


def test_money_that_a_sync_brings_before_it_is_applied_is_applied_all_the_same(
    both, customer, invoices, no_waiting, monkeypatch
):
    first, second = invoices
    both.pay(customer, "100.00", {first: "40.00", second: "25.00"})
    both.books.services.pace = 0.001
    both.books.simulator.post("faults", [{"method": "PUT", "path": "*/BankTransactions*", "nth": 1, "drop": "after"}])
    both.books.push_and_die(monkeypatch)

    both.books.sync()
    both.books.change("update sync.outbox set due_at = now()")
    both.books.push()

    (made,) = both.there("Overpayments")
    assert (made["RemainingCredit"], len(made["Allocations"])) == (35, 2)
    assert both.books.value("select sum(amount) from ledger.payment_applications") == 65
    assert both.is_settled()


def test_what_is_refused_half_way_leaves_nothing_behind(both, customer, invoices):
    first, second = invoices
    bound = both.books.rows("select external_id, ledger_id from sync.bindings where entity = 'invoices'")
    there = {row["ledger_id"]: row["external_id"] for row in bound}
    # Somebody takes the money for the second one in Xero, just before ours.
    body = {"Invoice": {"InvoiceID": there[second]}, "Account": {"Code": "090"}, "Date": "2026-03-02", "Amount": 50}
    edit = {"method": "PUT", "path": "/Payments", "body": body}
    both.books.simulator.post("script", [{"after": {"method": "PUT", "path": "*/BankTransactions*"}, "edit": edit}])
    both.pay(customer, "90.00", {first: "40.00", second: "50.00"})

    report = both.books.push()

    assert (report.pushed, report.held) == ({}, {"payments": 1})
    (error,) = both.books.open_errors()
    assert "authorised documents" in error["message"]
    assert both.there("Overpayments", "AUTHORISED", "PAID") == both.there("BankTransactions", "AUTHORISED") == []


def give_back(both: BothBooks, customer: int, amount: int, **part: object) -> int:
    return both.writer.insert(
        "payments",
        [{"document_key": "", "amount": Decimal(amount), **part}],
        customer_id=customer,
        payment_date="2026-03-04",
        currency="USD",
        total_amount=Decimal(-amount),
        applied_amount=Decimal(-amount),
        unapplied_amount=Decimal(0),
        deposit_account_code="090",
        reference_number="R-1",
    )


def given_back(both: BothBooks) -> list[tuple[str, int | str, Decimal]]:
    """What refunds are given back out of, by the ledger: of what it has no row for, the id there."""
    rows = both.books.rows(
        "select a.* from ledger.payment_applications a join ledger.payments p on p.ledger_id = a.payment_id "
        "where p.total_amount < 0"
    )
    return [(row["document_entity"], row["document_id"] or row["document_key"], row["amount"]) for row in rows]


def a_credit(both: BothBooks, customer: int) -> int:
    return both.writer.insert(
        "credit_memos",
        [{"kind": "item", "account_code": "200", "amount": Decimal(20), "description": "returned"}],
        customer_id=customer,
        document_number="C-1",
        issue_date="2026-03-03",
        currency="USD",
        net_amount=Decimal(20),
        total_amount=Decimal(20),
        open_amount=Decimal(20),
    )


def test_a_credit_is_given_back_in_money(both, customer):
    note = a_credit(both, customer)
    give_back(both, customer, 20, document_entity="credit_memos", document_id=note)

    report = both.books.push()

    assert (report.pushed.get("payments"), both.books.open_errors()) == (1, [])
    (made,) = both.there("Payments")
    assert (made["PaymentType"], made["Amount"]) == ("ARCREDITPAYMENT", 20)
    assert both.is_settled()
    assert given_back(both) == [("credit_memos", note, 20)]


def test_a_credit_that_is_given_back_there_is_so_here(both, customer):
    note = a_credit(both, customer)
    both.books.push()
    (credit,) = both.there("CreditNotes")
    key = credit["CreditNoteID"]
    body = {"CreditNote": {"CreditNoteID": key}, "Account": {"Code": "090"}, "Date": "2026-03-05", "Amount": 20}
    both.books.simulator.post("edit", {"method": "PUT", "path": "/Payments", "body": body})

    both.books.sync()

    assert given_back(both) == [("credit_memos", note, 20)]
    assert both.is_settled()


def test_money_that_nobody_owed_is_given_back(both, customer):
    both.pay(customer, "30.00")
    both.books.push()
    (made,) = both.there("Overpayments")
    key = made["OverpaymentID"]
    give_back(both, customer, 20, document_entity="overpayments", document_key=key)

    both.books.push()

    assert both.is_settled()
    (refund,) = both.there("Payments")
    assert (refund["PaymentType"], refund["Amount"]) == ("AROVERPAYMENTPAYMENT", 20)
    assert given_back(both) == [("overpayments", key, 20)]
    assert both.books.value("select unapplied_amount from ledger.payments where total_amount > 0") == 10


@pytest.mark.parametrize("others", [0, 1])
def test_a_payment_of_a_batch_is_taken_back_with_it_if_it_is_all_of_it(both, customer, invoices, others):
    bound = both.books.rows("select external_id from sync.bindings where entity = 'invoices'")
    parts = [{"Invoice": {"InvoiceID": row["external_id"]}, "Amount": 10} for row in bound[: 1 + others]]
    batch = {"Account": {"Code": "090"}, "Date": "2026-03-05", "Payments": parts}
    both.books.simulator.post("edit", {"method": "PUT", "path": "/BatchPayments", "body": batch})
    both.books.sync()
    assert both.books.value("select count(*) from ledger.payments") == 1 + others

    payment = both.books.value("select min(ledger_id) from ledger.payments")
    both.writer.update("payments", payment, is_deleted=True)
    report = both.books.push()

    if others:
        assert report.held == {"payments": 1}
        assert "batch" in both.books.open_errors()[0]["message"]
    else:
        assert report.pushed == {"payments": 1}
        assert both.there("BatchPayments", "AUTHORISED") == []
        assert both.is_settled()
