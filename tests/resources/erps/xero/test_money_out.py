"""Money on the payable side, the whole way: paid with a rest, applied otherwise, a credit used and given back."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.resources.erps.xero.books import BANK, BothBooks


@pytest.fixture
def vendor(both: BothBooks) -> int:
    return both.writer.vendor("Larkspur Paper")


def a_bill(both: BothBooks, vendor: int, amount: str, number: str) -> int:
    return both.writer.bill(vendor, amount, "429", document_number=number, due_date="2026-04-01")


@pytest.fixture
def bills(both: BothBooks, vendor: int) -> tuple[int, int]:
    made = a_bill(both, vendor, "40.00", "B-1"), a_bill(both, vendor, "50.00", "B-2")
    both.books.push()
    return made


def a_credit(both: BothBooks, vendor: int) -> int:
    amount = Decimal(20)
    return both.writer.insert(
        "vendor_credits",
        [{"kind": "account", "account_code": "429", "amount": amount, "description": "returned"}],
        vendor_id=vendor,
        document_number="VC-1",
        issue_date="2026-03-03",
        currency="USD",
        net_amount=amount,
        total_amount=amount,
        open_amount=amount,
    )


def pay(
    both: BothBooks, vendor: int, amount: str, applied: Mapping[int, str], parts: list[dict[str, Any]] | None = None
) -> int:
    """`applied` is bill ledger id -> amount; `parts` are other things it is of."""
    of_bills = [{"document_entity": "bills", "document_id": bill, "amount": Decimal(a)} for bill, a in applied.items()]
    total = Decimal(amount)
    settled = total if total <= 0 else sum((Decimal(a) for a in applied.values()), Decimal(0))
    return both.writer.insert(
        "bill_payments",
        [{"document_key": "", **part} for part in [*of_bills, *(parts or [])]],
        vendor_id=vendor,
        payment_date="2026-03-04",
        document_number="OUT-1",
        method="check",
        paid_from_account_code=BANK,
        currency="USD",
        total_amount=total,
        applied_amount=settled,
        unapplied_amount=total - settled,
    )


def open_amounts(both: BothBooks, table: str = "bills") -> dict[str, Decimal]:
    rows = both.books.rows(f"select document_number, open_amount from ledger.{table}")
    return {row["document_number"]: row["open_amount"] for row in rows}


def test_money_for_two_bills_with_a_rest_is_applied_otherwise_and_taken_back(both: BothBooks, vendor: int, bills):
    first, second = bills
    payment = pay(both, vendor, "100.00", {first: "40.00", second: "25.00"})

    assert both.books.push().pushed == {"bill_payments": 1}
    (made,) = both.there("Overpayments")
    assert (made["Type"], made["RemainingCredit"], len(made["Allocations"])) == ("SPEND-OVERPAYMENT", 35, 2)
    assert both.is_settled()
    assert open_amounts(both) == {"B-1": Decimal(0), "B-2": Decimal(25)}
    assert both.books.value("select paid_from_account_code from ledger.bill_payments") == BANK

    with both.writer.transaction() as tx:
        tx.execute("delete from ledger.bill_payment_applications where bill_payment_id = %s", (payment,))
        tx.execute("update ledger.bill_payments set applied_amount = 0, unapplied_amount = 100")
    assert both.books.push().pushed == {"bill_payments": 1}
    both.writer.update("bill_payments", payment, is_deleted=True)
    assert both.books.push().pushed == {"bill_payments": 1}

    assert both.there("Overpayments", "AUTHORISED", "PAID") == both.there("BankTransactions", "AUTHORISED") == []
    assert both.is_settled()
    assert open_amounts(both) == {"B-1": Decimal(40), "B-2": Decimal(50)}


def test_a_bill_is_paid_and_the_payment_taken_back(both: BothBooks, vendor: int, bills):
    payment = pay(both, vendor, "40.00", {bills[0]: "40.00"})

    assert both.books.push().pushed == {"bill_payments": 1}
    assert [(one["PaymentType"], one["Amount"]) for one in both.there("Payments")] == [("ACCPAYPAYMENT", 40)]
    assert both.is_settled()

    both.writer.update("bill_payments", payment, is_deleted=True)
    assert both.books.push().pushed == {"bill_payments": 1}
    assert both.there("Payments", "AUTHORISED") == []
    assert both.is_settled()
    assert open_amounts(both) == {"B-1": Decimal(40), "B-2": Decimal(50)}


def test_a_vendor_credit_is_used_on_a_bill_and_taken_off_it(both: BothBooks, vendor: int, bills):
    credit = a_credit(both, vendor)
    used = {"document_entity": "vendor_credits", "document_id": credit, "amount": Decimal("15.00")}
    use = pay(both, vendor, "0.00", {bills[0]: "15.00"}, [used])

    assert both.books.push().pushed.get("bill_payments") == 1
    (note,) = both.there("CreditNotes")
    assert (note["Type"], note["RemainingCredit"], len(note["Allocations"])) == ("ACCPAYCREDIT", 5, 1)
    assert both.is_settled()
    assert (open_amounts(both)["B-1"], open_amounts(both, "vendor_credits")) == (25, {"VC-1": 5})

    both.writer.update("bill_payments", use, is_deleted=True)
    assert both.books.push().pushed == {"bill_payments": 1}
    assert both.is_settled()
    assert (open_amounts(both)["B-1"], open_amounts(both, "vendor_credits")) == (40, {"VC-1": 20})


def test_a_vendor_gives_money_back_out_of_a_credit_and_of_what_was_paid_too_much(both: BothBooks, vendor: int):
    credit = a_credit(both, vendor)
    pay(both, vendor, "30.00", {})
    both.books.push()
    (over,) = both.there("Overpayments")
    pay(both, vendor, "-20.00", {}, [{"document_entity": "vendor_credits", "document_id": credit, "amount": 20}])
    of_over = {"document_entity": "overpayments", "document_key": over["OverpaymentID"], "amount": Decimal(10)}
    pay(both, vendor, "-10.00", {}, [of_over])

    assert both.books.push().pushed == {"bill_payments": 2}

    made = {one["PaymentType"]: one["Amount"] for one in both.there("Payments")}
    assert made == {"APCREDITPAYMENT": 20, "APOVERPAYMENTPAYMENT": 10}
    assert both.is_settled()
    assert open_amounts(both, "vendor_credits") == {"VC-1": 0}
    assert both.books.value("select unapplied_amount from ledger.bill_payments where total_amount > 0") == 20


@pytest.mark.parametrize(
    ("kind", "entity"), [("RECEIVE-PREPAYMENT", "payments"), ("SPEND-PREPAYMENT", "bill_payments")]
)
def test_a_prepayment_made_there_is_applied_and_taken_off_here(both: BothBooks, kind: str, entity: str):
    """Prepayments are not made from here, but used like any money with a rest."""
    party, document = ("customer", "invoices") if entity == "payments" else ("vendor", "bills")
    owner = getattr(both.writer, party)("Lund & Sons")
    owed = both.invoice(owner, "40.00", "L-1") if document == "invoices" else a_bill(both, owner, "40.00", "B-1")
    both.books.push()
    (contact,) = both.there("Contacts")
    line = {"Description": "Ahead", "Quantity": 1, "UnitAmount": 100, "AccountCode": "200"}
    body = {
        "Type": kind,
        "Contact": {"ContactID": contact["ContactID"]},
        "BankAccount": {"Code": BANK},
        "Date": "2026-03-02",
        "LineAmountTypes": "NoTax",
        "LineItems": [line],
    }
    both.books.simulator.post("edit", {"method": "PUT", "path": "/BankTransactions", "body": body})
    both.books.sync()
    row = both.books.value(f"select ledger_id from ledger.{entity}")

    def apply(amount: int) -> None:
        singular = entity.removesuffix("s")
        with both.writer.transaction() as tx:
            tx.execute(f"delete from ledger.{singular}_applications where {singular}_id = %s", (row,))
            if amount:
                tx.execute(
                    f"insert into ledger.{singular}_applications "
                    f"(tenant_id, {singular}_id, position, document_entity, document_id, document_key, amount) "
                    "values (sync.current_tenant(), %s, 1, %s, %s, '', %s)",
                    (row, document, owed, amount),
                )
            tx.execute(f"update ledger.{entity} set applied_amount = %s, unapplied_amount = %s", (amount, 100 - amount))

    def left() -> list[int]:
        return [one["RemainingCredit"] for one in both.there("Prepayments", "AUTHORISED", "PAID")]

    apply(40)
    assert both.books.push().pushed == {entity: 1}
    assert (left(), both.is_settled()) == ([60], True)
    assert both.books.value(f"select open_amount from ledger.{document}") == 0

    apply(0)
    assert both.books.push().pushed == {entity: 1}
    assert (left(), both.is_settled()) == ([100], True)
    assert both.books.value(f"select open_amount from ledger.{document}") == 40

    both.writer.update(entity, row, is_deleted=True)
    assert both.books.push().pushed == {entity: 1}
    assert (left(), both.there("BankTransactions", "AUTHORISED"), both.is_settled()) == ([], [], True)
