"""A second currency, the whole way: what the ledger says of currency and rate is what Xero then holds, or is asked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ledger.policies import Side
from resources.stages import resolve
from resources.stages.deciding import Decision
from tests.resources.erps.xero.books import BANK, BothBooks

EURO_BANK = "096"
POUND_BANK = "097"
IN_EUROS = {"currency": "EUR", "exchange_rate": Decimal("1.25")}
# The entity, its party, its lines' kind, Xero's list, and fields that only it must have.
DOCUMENTS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "invoices": ("customer", "item", "Invoices", {"due_date": "2026-04-01"}),
    "bills": ("vendor", "account", "Invoices", {"due_date": "2026-04-01"}),
    "credit_memos": ("customer", "item", "CreditNotes", {}),
    "vendor_credits": ("vendor", "account", "CreditNotes", {}),
    "purchase_orders": ("vendor", "account", "PurchaseOrders", {"status": "open"}),
}


@pytest.fixture
def euros(both: BothBooks) -> BothBooks:
    """An organisation in dollars that is subscribed to euros and pounds, with a bank account in each."""
    for code, bank in (("EUR", EURO_BANK), ("GBP", POUND_BANK)):
        account = {"Code": bank, "Name": f"{code} account", "Type": "BANK", "CurrencyCode": code}
        for path, body in (("/Currencies", {"Code": code}), ("/Accounts", {**account, "BankAccountNumber": bank})):
            both.books.simulator.post("edit", {"method": "PUT", "path": path, "body": body})
    both.books.sync("full")
    return both


def entered(both: BothBooks, entity: str, amount: str = "100.00", **values: Any) -> int:
    """A document in euros, of a party by itself unless one is named."""
    party, kind, _, more = DOCUMENTS[entity]
    if f"{party}_id" not in values:
        values[f"{party}_id"] = getattr(both.writer, party)("Lund & Sons", currency="EUR")
    value = Decimal(amount)
    line = {"kind": kind, "account_code": "200", "amount": value, "description": "work"}
    open_amount = {} if entity == "purchase_orders" else {"open_amount": value}
    said = {"document_number": "D-1", "issue_date": "2026-03-01", "net_amount": value, "total_amount": value}
    return both.writer.insert(entity, [line], **{**said, **open_amount, **more, **IN_EUROS, **values})


@pytest.fixture
def customer(euros: BothBooks) -> int:
    return euros.writer.customer("Lund & Sons", currency="EUR")


def owed(both: BothBooks, customer: int, number: str = "L-1") -> int:
    """100.00 EUR that are owed in both books."""
    made = entered(both, "invoices", customer_id=customer, document_number=number)
    both.books.push()
    assert both.books.open_errors() == []
    return made


def rates(both: BothBooks, name: str) -> list[tuple[str, str]]:
    return [(row["CurrencyCode"], str(row["CurrencyRate"])) for row in both.there(name)]


def refusal(both: BothBooks, entity: str) -> str:
    """Why the push holds the only row that it cannot send."""
    assert both.books.push().held == {entity: 1}
    (error,) = both.books.open_errors()
    return str(error["message"])


@pytest.mark.parametrize("entity", DOCUMENTS)
def test_a_document_is_made_and_changed_with_its_currency_and_rate(euros: BothBooks, entity: str):
    *_, name, _ = DOCUMENTS[entity]
    made = entered(euros, entity)

    assert euros.books.push().pushed.get(entity) == 1
    assert rates(euros, name) == [("EUR", "0.8")]
    assert euros.is_settled()

    euros.writer.update(entity, made, exchange_rate=Decimal("1.6"))
    assert euros.books.push().pushed == {entity: 1}
    assert rates(euros, name) == [("EUR", "0.625")]
    assert euros.is_settled()
    assert euros.books.value(f"select exchange_rate from ledger.{entity}") == Decimal("1.6")


@pytest.mark.parametrize(
    ("values", "found"),
    [({"currency": "USD"}, "found 1.25"), ({"exchange_rate": Decimal(0)}, "found 0")],
    ids=["a rate in the organisation's currency", "no rate at all"],
)
def test_a_rate_that_cannot_be_is_refused_before_it_is_sent(euros: BothBooks, values: dict[str, Any], found: str):
    entered(euros, "invoices", **values)

    said = refusal(euros, "invoices")

    assert "exchange_rate" in said and found in said
    assert euros.there("Invoices") == []


def test_a_rate_is_changed_and_not_taken_away(euros: BothBooks):
    made = entered(euros, "invoices")
    euros.books.push()

    euros.writer.update("invoices", made, exchange_rate=Decimal(1))

    assert "1 instead of 1.25" in refusal(euros, "invoices")
    assert rates(euros, "Invoices") == [("EUR", "0.8")]


@pytest.mark.parametrize(("bank", "moved"), [(EURO_BANK, 100), (BANK, 160)])
def test_a_payment_has_the_rate_of_its_own_day(euros: BothBooks, customer: int, bank: str, moved: int):
    said = {**IN_EUROS, "exchange_rate": Decimal("1.6"), "deposit_account_code": bank}
    euros.pay(customer, "100.00", {owed(euros, customer): "100.00"}, **said)

    assert euros.books.push().pushed == {"payments": 1}

    (made,) = euros.there("Payments")
    assert (made["Amount"], made["BankAmount"], made["CurrencyRate"]) == (100, moved, 0.625)
    assert euros.is_settled()
    assert euros.books.value("select exchange_rate from ledger.payments") == Decimal("1.6")


def test_a_payment_on_an_account_of_a_third_currency_is_refused(euros: BothBooks, customer: int):
    euros.pay(customer, "100.00", {owed(euros, customer): "100.00"}, **IN_EUROS, deposit_account_code=POUND_BANK)

    said = refusal(euros, "payments")

    assert f"{POUND_BANK}, which is an account in GBP" in said and "an account in EUR or USD" in said
    assert euros.there("Payments") == []


def test_money_with_a_rest_is_there_in_its_own_currency_and_rate(euros: BothBooks, customer: int):
    first, second = owed(euros, customer), owed(euros, customer, "L-2")
    said = {**IN_EUROS, "exchange_rate": Decimal("1.6"), "deposit_account_code": EURO_BANK}
    euros.pay(customer, "250.00", {first: "100.00", second: "90.00"}, **said)

    assert euros.books.push().pushed == {"payments": 1}

    assert rates(euros, "Overpayments") == rates(euros, "BankTransactions") == [("EUR", "0.625")]
    assert euros.is_settled()
    assert euros.open_amounts() == {"L-1": 0, "L-2": 10}


@pytest.mark.parametrize("count", [0, 2], ids=["loose", "for two invoices"])
def test_money_that_would_be_entered_in_the_currency_of_its_account_is_refused(
    euros: BothBooks, customer: int, count: int
):
    documents = {owed(euros, customer, f"L-{n}"): "50.00" for n in range(count)}
    row = euros.pay(customer, "100.00", documents, **IN_EUROS)

    said = refusal(euros, "payments")

    assert f"{BANK}, which is an account in USD, for money in EUR" in said
    assert euros.there("BankTransactions") == euros.there("Overpayments") == []
    euros.writer.update("payments", row, deposit_account_code=EURO_BANK)
    assert euros.books.push().pushed == {"payments": 1}
    assert euros.is_settled()


def test_money_in_another_currency_than_what_it_is_applied_to_is_refused(euros: BothBooks, customer: int):
    """Xero would take the amount for one in the document's currency."""
    euros.pay(customer, "50.00", {owed(euros, customer): "50.00"}, currency="USD")

    said = refusal(euros, "payments")

    assert "applications[1]" in said and "which is in EUR, for money in USD" in said
    assert euros.there("Payments") == []


def test_money_of_which_xero_made_another_currency_is_asked_about(euros: BothBooks, customer: int):
    """A refund is in the currency of what it is given back out of; the ledger has an overpayment by its id alone."""
    euros.pay(customer, "30.00", **IN_EUROS, deposit_account_code=EURO_BANK)
    euros.books.push()
    (over,) = euros.there("Overpayments")
    part = {"document_entity": "overpayments", "document_key": over["OverpaymentID"], "amount": Decimal(20)}
    given = {"total_amount": Decimal(-20), "applied_amount": Decimal(-20), "unapplied_amount": Decimal(0)}
    said = {"customer_id": customer, "payment_date": "2026-03-04", "deposit_account_code": BANK, "currency": "USD"}
    row = euros.writer.insert("payments", [part], **said, **given)

    euros.books.push()
    euros.books.sync()

    currency = "select currency from ledger.payments where ledger_id = %s"
    assert euros.books.value(currency, row) == "USD"
    (conflict,) = euros.books.rows("select conflict_id, fields from sync.conflicts where state = 'open'")
    assert [one["name"] for one in conflict["fields"]] == ["currency"]
    resolve.resolve(euros.books.services, conflict["conflict_id"], Decision(by="ada@books.example", keep=Side.THEIRS))
    assert euros.books.value(currency, row) == "EUR"
    assert euros.is_settled()


@pytest.mark.parametrize("rate", ["15000", "2500000"], ids=["rounded", "to nothing"])
def test_a_rate_that_xero_would_keep_as_another_is_refused_before_it_is_sent(euros: BothBooks, rate: str):
    entered(euros, "invoices", exchange_rate=Decimal(rate))

    euros.books.push()

    (error,) = euros.books.open_errors()
    assert (error["field"], error["found"]) == ("exchange_rate", rate)
    assert "six decimals" in error["expected"]
