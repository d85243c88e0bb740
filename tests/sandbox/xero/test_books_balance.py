"""The books balance: after any sequence of operations every amount that Xero keeps follows from the documents.

Belongs here: random operations on one organisation, and recomputing from its state what the simulator keeps up to date.
"""

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.xero import wire
from sandbox.xero.ledger import Ledger
from sandbox.xero.wire import half_up
from tests.sandbox.xero.company import Company, invoice, line, payment

KINDS = (
    "invoice",
    "bill",
    "foreign_invoice",
    "draft",
    "approve",
    "credit",
    "supplier_credit",
    "pay",
    "pay_foreign",
    "refund",
    "batch",
    "unbatch",
    "unpay",
    "allocate",
    "unallocate",
    "overpay",
    "prepay",
    "spend",
    "unbank",
    "void",
    "edit",
    "reline",
    "rename",
    "renumber",
    "move",
)
DATED = ("ACCREC", "ACCPAY", "ACCRECCREDIT", "ACCPAYCREDIT")
ZERO = Decimal("0.00")


class Bookkeeper:
    """Somebody who tries all sorts of things; what is refused must change nothing."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.contacts = [each["ContactID"] for each in company.rows("/Contacts")]

    def do(self, kind: str, first: int, second: int, amount: Decimal) -> None:
        contact = self.contacts[first % len(self.contacts)]
        method, path, body = getattr(self, f"_{kind}")(contact, first, second, amount) or ("", "", None)
        if not path:
            return
        before = self.state()
        status, answer = self.company.call(method, path, body)
        assert status in (200, 400), answer
        if status == 400:
            assert self.state() == before, f"{kind} was refused and changed something: {answer}"

    def state(self) -> Any:
        return {
            name: {key: row.raw for key, row in table.rows.items()}
            for name, table in self.company.books.tables.items()
            if name not in ("Accounts", "TaxRates", "Currencies", "Organisation", "BrandingThemes")
        }

    def all(self, name: str) -> list[dict[str, Any]]:
        return [wire.decode(row.raw) for row in self.company.books.tables[name].rows.values()]

    def one(self, name: str, number: int, *statuses: str) -> dict[str, Any] | None:
        rows = [each for each in self.all(name) if not statuses or each["Status"] in statuses]
        return rows[number % len(rows)] if rows else None

    def lines(self, amount: Decimal, number: int, account: str = "200") -> list[dict[str, Any]]:
        kinds = ("OUTPUT", "NONE", "OUTPUT") if account == "200" else ("INPUT", "NONE", "INPUT")
        return [
            line(half_up(amount / (each + 1)), TaxType=kinds[each], AccountCode=account)
            for each in range(number % 3 + 1)
        ]

    def _document(self, contact: str, number: int, amount: Decimal, kind: str, **more: Any) -> Any:
        account = "200" if kind.startswith("ACCREC") else "429"
        types = ("Exclusive", "Inclusive", "NoTax")[number % 3]
        return invoice(contact, Type=kind, LineItems=self.lines(amount, number, account), LineAmountTypes=types, **more)

    def _invoice(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        return "PUT", "/Invoices", self._document(contact, second, amount, "ACCREC")

    def _foreign_invoice(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        rate = Decimal("0.9") + Decimal(second % 20) / 100
        kind = "ACCREC" if first % 2 else "ACCPAY"
        return "PUT", "/Invoices", self._document(contact, second, amount, kind, CurrencyCode="EUR", CurrencyRate=rate)

    def _bill(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        return "PUT", "/Invoices", self._document(contact, second, amount, "ACCPAY")

    def _draft(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        return "PUT", "/Invoices", self._document(contact, second, amount, "ACCREC", Status="DRAFT")

    def _approve(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        found = self.one("Invoices", first, "DRAFT")
        return found and ("POST", f"/Invoices/{found['InvoiceID']}", {"Status": "AUTHORISED"})

    def _credit(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        return "PUT", "/CreditNotes", self._document(contact, second, amount, "ACCRECCREDIT")

    def _supplier_credit(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        return "PUT", "/CreditNotes", self._document(contact, second, amount, "ACCPAYCREDIT")

    def _part(self, found: dict[str, Any], name: str, second: int, amount: Decimal) -> Decimal:
        """What is left of it, half of that, or some other amount."""
        return (found[name], half_up(found[name] / 2), amount)[second % 3]

    def _pay(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        found = self.one("Invoices", first, "AUTHORISED")
        return found and (
            "PUT",
            "/Payments",
            payment(found["InvoiceID"], self._part(found, "AmountDue", second, amount)),
        )

    def _pay_foreign(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        rows = [each for each in self.all("Invoices") if each["CurrencyCode"] == "EUR"]
        found = rows[first % len(rows)] if rows else None
        rate = Decimal("0.8") + Decimal(second % 30) / 100
        return found and (
            "PUT",
            "/Payments",
            payment(found["InvoiceID"], self._part(found, "AmountDue", second, amount), CurrencyRate=rate),
        )

    def _refund(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        name, key = (("CreditNotes", "CreditNote"), ("Overpayments", "Overpayment"), ("Prepayments", "Prepayment"))[
            second % 3
        ]
        found = self.one(name, first, "AUTHORISED")
        if found is None:
            return None
        body = payment("", self._part(found, "RemainingCredit", first, amount))
        del body["Invoice"]
        return "PUT", "/Payments", {**body, key: {f"{key}ID": found[f"{key}ID"]}}

    def _batch(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        kind = "ACCREC" if second % 2 else "ACCPAY"
        rows = [each for each in self.all("Invoices") if each["Type"] == kind and each["Status"] == "AUTHORISED"]
        parts = [{"Invoice": {"InvoiceID": each["InvoiceID"]}, "Amount": each["AmountDue"]} for each in rows[:3]]
        return parts and (
            "PUT",
            "/BatchPayments",
            {"Account": {"Code": "090"}, "Date": "2026-11-20", "Payments": parts},
        )

    def _unbatch(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        found = self.one("BatchPayments", first)
        return found and ("POST", f"/BatchPayments/{found['BatchPaymentID']}", {"Status": "DELETED"})

    def _unpay(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        found = self.one("Payments", first)
        return found and ("POST", f"/Payments/{found['PaymentID']}", {"Status": "DELETED"})

    def _allocate(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        name = ("CreditNotes", "Overpayments", "Prepayments")[second % 3]
        credit = self.one(name, first, "AUTHORISED")
        if credit is None:
            return None
        side = "ACCREC" if credit["Type"].startswith(("ACCREC", "RECEIVE")) else "ACCPAY"
        rows = [
            each
            for each in self.all("Invoices")
            if each["Contact"]["ContactID"] == credit["Contact"]["ContactID"]
            and (each["Type"], each["Status"]) == (side, "AUTHORISED")
        ]
        if not rows:
            return None
        found = rows[first % len(rows)]
        part = min(credit["RemainingCredit"], found["AmountDue"]) if first % 3 else amount
        body = {"Amount": part, "Date": "2026-11-19", "Invoice": {"InvoiceID": found["InvoiceID"]}}
        return "PUT", f"/{name}/{credit[name[:-1] + 'ID']}/Allocations", body

    def _unallocate(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        name = ("CreditNotes", "Overpayments", "Prepayments")[second % 3]
        rows = [each for each in self.all(name) if each["Allocations"]]
        if not rows:
            return None
        found = rows[first % len(rows)]
        key = found["Allocations"][first % len(found["Allocations"])]["AllocationID"]
        return "DELETE", f"/{name}/{found[name[:-1] + 'ID']}/Allocations/{key}", None

    def _bank(self, contact: str, kind: str, lines: list[dict[str, Any]]) -> Any:
        body = {"Contact": {"ContactID": contact}, "BankAccount": {"Code": "090"}, "Date": "2026-11-12"}
        return "PUT", "/BankTransactions", {**body, "Type": kind, "LineItems": lines}

    def _overpay(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        kind = "RECEIVE-OVERPAYMENT" if second % 2 else "SPEND-OVERPAYMENT"
        return self._bank(contact, kind, [{"Description": "Too much", "LineAmount": amount}])

    def _prepay(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        kind = "RECEIVE-PREPAYMENT" if second % 2 else "SPEND-PREPAYMENT"
        return self._bank(contact, kind, self.lines(amount, first, "200" if second % 2 else "429"))

    def _spend(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        return self._bank(contact, "RECEIVE" if second % 2 else "SPEND", self.lines(amount, first, "429"))

    def _unbank(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        found = self.one("BankTransactions", first)
        return found and ("POST", f"/BankTransactions/{found['BankTransactionID']}", {"Status": "DELETED"})

    def _void(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        name = "Invoices" if second % 2 else "CreditNotes"
        found = self.one(name, first)
        status = "DELETED" if found and found["Status"] == "DRAFT" else "VOIDED"
        return found and ("POST", f"/{name}/{found[name[:-1] + 'ID']}", {"Status": status})

    def _edit(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        found = self.one("Invoices", first, "DRAFT", "AUTHORISED")
        kind = ("Inclusive", "Exclusive", "NoTax")[second % 3]
        changes = ({"Reference": str(amount)}, {"DueDate": "2027-01-31"}, {"LineAmountTypes": kind})[first % 3]
        return found and ("POST", f"/Invoices/{found['InvoiceID']}", changes)

    def _reline(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        found = self.one("Invoices", first, "DRAFT", "AUTHORISED")
        if found is None:
            return None
        kept = [{"LineItemID": found["LineItems"][0]["LineItemID"], "UnitAmount": amount}]
        account = "200" if found["Type"] == "ACCREC" else "429"
        lines = kept + (self.lines(amount, first, account) if second % 2 else [])
        return "POST", f"/Invoices/{found['InvoiceID']}", {"LineItems": lines}

    def _rename(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        return "POST", f"/Contacts/{contact}", {"Name": f"Name {second % 5}"}

    def _renumber(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        found = self.one("Invoices", first, "AUTHORISED", "PAID")
        return found and ("POST", f"/Invoices/{found['InvoiceID']}", {"InvoiceNumber": f"N-{second}"})

    def _move(self, contact: str, first: int, second: int, amount: Decimal) -> Any:
        found = self.one("Invoices", second, "AUTHORISED", "PAID", "DRAFT")
        return found and ("POST", f"/Invoices/{found['InvoiceID']}", {"Contact": {"ContactID": contact}})


def check(books: Bookkeeper) -> None:
    """Recompute everything that is kept. Raises AssertionError."""
    payments = {each["PaymentID"]: each for each in books.all("Payments")}
    contacts = {each["ContactID"]: each for each in books.all("Contacts")}
    credits = {
        row[name[:-1] + "ID"]: row for name in ("CreditNotes", "Prepayments", "Overpayments") for row in books.all(name)
    }
    owed: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    roles: dict[str, set[str]] = defaultdict(set)
    for each in books.all("Invoices"):
        check_lines(each)
        paid = check_payments(each, payments)
        used = [*each["CreditNotes"], *each["Prepayments"], *each["Overpayments"]]
        credited = sum((use["AppliedAmount"] for use in used), ZERO)
        assert (each["AmountPaid"], each["AmountCredited"]) == (paid, credited)
        for use in used:
            same = [
                one for one in credits[use["ID"]]["Allocations"] if one["Invoice"]["InvoiceID"] == each["InvoiceID"]
            ]
            assert use["AppliedAmount"] in [one["Amount"] for one in same]
            assert {one["Invoice"]["InvoiceNumber"] for one in same} == {each.get("InvoiceNumber", "")}
        check_status(each, "AmountDue", each["Total"] - paid - credited)
        assert each["Contact"]["Name"] == contacts[each["Contact"]["ContactID"]]["Name"]
        side = "AccountsReceivable" if each["Type"] == "ACCREC" else "AccountsPayable"
        roles[each["Contact"]["ContactID"]].add("IsCustomer" if each["Type"] == "ACCREC" else "IsSupplier")
        if each["Status"] == "AUTHORISED":
            owed[each["Contact"]["ContactID"], side] += half_up(each["AmountDue"] / each["CurrencyRate"])
    for each in credits.values():
        check_lines(each)
        used_up = sum((one["Amount"] for one in each["Allocations"]), ZERO) + check_payments(each, payments)
        check_status(each, "RemainingCredit", each["Total"] - used_up)
        side = "AccountsReceivable" if each["Type"].startswith(("ACCREC", "RECEIVE")) else "AccountsPayable"
        if each["Type"].startswith("ACC"):
            roles[each["Contact"]["ContactID"]].add("IsCustomer" if side == "AccountsReceivable" else "IsSupplier")
        if each["Status"] == "AUTHORISED":
            owed[each["Contact"]["ContactID"], side] -= half_up(each["RemainingCredit"] / each["CurrencyRate"])
    for batch in books.all("BatchPayments"):
        own = [payments[part["PaymentID"]] for part in batch["Payments"]]
        assert {each["Status"] for each in own} == {batch["Status"]}
        assert batch["TotalAmount"] == sum((each["Amount"] for each in own), ZERO)
    for key, contact in contacts.items():
        for side in ("AccountsReceivable", "AccountsPayable"):
            kept = contact.get("Balances", {}).get(side, {}).get("Outstanding", ZERO)
            assert kept == owed[key, side], (contact["Name"], side)
        # A role stays when the document that gave it moves to another contact.
        assert {role for role in ("IsCustomer", "IsSupplier") if contact[role]} >= roles[key]
    check_ledger(books, owed)


def check_lines(value: dict[str, Any]) -> None:
    amounts = sum((each.get("LineAmount", ZERO) for each in value["LineItems"]), ZERO)
    taxes = sum((each.get("TaxAmount", ZERO) for each in value["LineItems"]), ZERO)
    assert value["TotalTax"] == taxes
    assert value["SubTotal"] + value["TotalTax"] == value["Total"]
    assert amounts == (value["Total"] if value["LineAmountTypes"] == "Inclusive" else value["SubTotal"])


def check_payments(value: dict[str, Any], payments: dict[str, dict[str, Any]]) -> Decimal:
    for each in value["Payments"]:
        found = payments[each["PaymentID"]]
        assert found["Invoice"]["Contact"]["ContactID"] == value["Contact"]["ContactID"]
        assert found["Invoice"]["InvoiceNumber"] == value.get("InvoiceNumber", value.get("CreditNoteNumber", ""))
        assert (found["Status"], found["Amount"]) == ("AUTHORISED", each["Amount"])
    return sum((each["Amount"] for each in value["Payments"]), ZERO)


def check_status(value: dict[str, Any], name: str, left: Decimal) -> None:
    if value["Status"] in ("VOIDED", "DELETED"):
        assert (value[name], left) == (ZERO, value["Total"])
        return
    assert value[name] == left >= 0
    assert ("FullyPaidOnDate" in value) == (value["Status"] == "PAID" and value["Type"] in DATED)
    if value["Status"] == "PAID":
        assert left == 0


def check_ledger(books: Bookkeeper, owed: dict[tuple[str, str], Decimal]) -> None:
    ledger = Ledger(books.company.books, "per_base")
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for _, account, figure in ledger.postings():
        sums[account] += figure
    assert sum(sums.values()) == 0
    for account, side, sign in (("DEBTORS", "AccountsReceivable", 1), ("CREDITORS", "AccountsPayable", -1)):
        assert sums[ledger.system(account)] == sign * sum(
            (figure for (_, own), figure in owed.items() if own == side), ZERO
        )


def opened() -> tuple[Company, Any]:
    company = Company()
    company.put("Currencies", {"Code": "EUR"})
    for name in ("Larkspur College", "Radio Teasel", "Thistle Electric"):
        company.contact(name)
    return company, company.erp.snapshot()


COMPANY, BEGINNING = opened()
AMOUNTS = st.decimals(Decimal("0.01"), Decimal("9999.99"), places=2)
OPERATIONS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 99), st.integers(0, 99), AMOUNTS), max_size=10)


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(OPERATIONS)
def test_the_books_balance_after_any_sequence_of_operations(operations: list[tuple[str, int, int, Decimal]]):
    COMPANY.erp.restore(BEGINNING)
    books = Bookkeeper(COMPANY)

    for operation in operations:
        books.do(*operation)

    check(books)


@pytest.mark.parametrize("seed", range(12))
def test_the_books_balance_after_a_long_working_day(seed: int):
    chance = random.Random(seed)
    COMPANY.erp.restore(BEGINNING)
    books = Bookkeeper(COMPANY)

    for _ in range(150):
        amount = Decimal(chance.randrange(1, 99_999)) / 100
        books.do(chance.choice(KINDS), chance.randrange(50), chance.randrange(50), amount)

    check(books)
    for name in ("TrialBalance", "BalanceSheet"):
        assert books.company.call("GET", f"/Reports/{name}")[0] == 200
