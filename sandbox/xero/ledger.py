"""What the documents post: debits and credits on accounts, in the organisation's currency, each with its day.

Belongs here: postings, made from the documents whenever they are asked for (linear in the books: reports are rare, and
nothing needs to be kept). Reports are `reports.py`. Of the exchange the rates of document and payment differ by goes
to the realised gains; prepayments and overpayments stand on receivables and payables.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.xero import wire
from sandbox.xero.currencies import in_base
from sandbox.xero.store import Books
from sandbox.xero.work import amount

Posting = tuple[date, str, Decimal]
"""Day, account id, amount: a debit is positive, a credit negative."""

_OPEN = ("AUTHORISED", "PAID")
_SIGNS = {
    "ACCREC": ("DEBTORS", 1),
    "ACCPAY": ("CREDITORS", -1),
    "ACCRECCREDIT": ("DEBTORS", -1),
    "ACCPAYCREDIT": ("CREDITORS", 1),
    "RECEIVE-OVERPAYMENT": ("DEBTORS", -1),
    "RECEIVE-PREPAYMENT": ("DEBTORS", -1),
    "SPEND-OVERPAYMENT": ("CREDITORS", 1),
    "SPEND-PREPAYMENT": ("CREDITORS", 1),
}
_RESOURCES = ("Invoices", "CreditNotes", "Prepayments", "Overpayments")


@dataclass(frozen=True, slots=True)
class Settlement:
    """One use of a document: how much of it, when, and by which payment ("" for a credit without money)."""

    day: date
    figure: Decimal
    payment_id: str


def settlements(value: dict[str, Any]) -> list[Settlement]:
    """All uses of a document, oldest first."""
    found = [
        Settlement(wire.day_of(each["Date"]), amount(each, "Amount"), each["PaymentID"])
        for each in value.get("Payments", ())
    ]
    for name in ("CreditNotes", "Prepayments", "Overpayments"):
        for each in value.get(name, ()):
            found.append(Settlement(wire.day_of(each["Date"]), amount(each, "AppliedAmount"), ""))
    for each in value.get("Allocations", ()):
        found.append(Settlement(wire.day_of(each["Date"]), amount(each, "Amount"), ""))
    return sorted(found, key=lambda each: each.day)


def documents(books: Books, contact_id: str = "") -> Iterator[dict[str, Any]]:
    """Every document (of one contact) that is or was open: authorised or paid."""
    for name in _RESOURCES:
        table = books.tables[name]
        for key in sorted(table.equal("Contact.ContactID", contact_id)) if contact_id else table.rows:
            value = wire.decode(table.rows[key].raw)
            if value.get("Status") in _OPEN and value.get("Type") in _SIGNS:
                yield value


def control(value: dict[str, Any]) -> tuple[str, int]:
    """The control account of a document, and whether its total is a debit (1) or a credit (-1) there."""
    return _SIGNS[value["Type"]]


class Ledger:
    """The postings of one organisation; `direction` is the switch currency_rate."""

    def __init__(self, books: Books, direction: str) -> None:
        self._books, self._direction = books, direction
        self._accounts: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        for row in books.tables["Accounts"].rows.values():
            account = wire.decode(row.raw)
            if account.get("SystemAccount"):
                self._accounts[account["SystemAccount"]] = account["AccountID"]
            if account.get("Code"):
                self._codes[account["Code"]] = account["AccountID"]

    def system(self, name: str) -> str:
        """The id of a system account; its name where the chart has none."""
        return self._accounts.get(name, name)

    def base(self, value: dict[str, Any], figure: Decimal) -> Decimal:
        rate = value.get("CurrencyRate", 1)
        # Amounts of documents have two decimals already, so most organisations' books need no arithmetic here.
        return figure if rate == 1 else in_base(figure, Decimal(rate), self._direction)

    def postings(self) -> Iterator[Posting]:
        """Everything; the postings of each document sum to nothing."""
        for value in documents(self._books):
            account, sign = control(value)
            day = wire.day_of(value["Date"])
            if value["Type"] in ("ACCREC", "ACCPAY", "ACCRECCREDIT", "ACCPAYCREDIT"):
                yield day, self.system(account), sign * self.base(value, amount(value, "Total"))
                yield from self._lines(value, day, -sign)
            yield from self._settled(value, self.system(account), sign)
        for row in self._books.tables["BankTransactions"].rows.values():
            value = wire.decode(row.raw)
            if value.get("Status") == "AUTHORISED":
                yield from self._bank(value)

    def _lines(self, value: dict[str, Any], day: date, sign: int) -> Iterator[Posting]:
        """The other side of a document's total: its lines without tax, its tax, and what rounding leaves."""
        left = self.base(value, value["Total"])
        is_inclusive = value["LineAmountTypes"] == "Inclusive"
        for line in value.get("LineItems", ()):
            net = line.get("LineAmount")
            if net is None:
                continue
            figure = self.base(value, net - line["TaxAmount"] if is_inclusive else net)
            yield day, self._codes.get(line.get("AccountCode", ""), self.system("HISTORICAL")), sign * figure
            left -= figure
        tax = self.base(value, value["TotalTax"])
        if tax:
            yield day, self.system("GST"), sign * tax
        if left != tax:
            yield day, self.system("ROUNDING"), sign * (left - tax)

    def _settled(self, value: dict[str, Any], account: str, sign: int) -> Iterator[Posting]:
        """What uses of a document take off its control account; what is left there is always its open amount."""
        left = amount(value, "Total")
        for use in settlements(value):
            figure = self.base(value, left) - self.base(value, left - use.figure)
            left -= use.figure
            yield use.day, account, -sign * figure
            moved = Decimal(0)
            payment = self._books.get("Payments", use.payment_id) if use.payment_id else None
            if payment is not None:
                moved = self._paid(payment)
                yield use.day, payment["Account"]["AccountID"], sign * moved
            if figure != moved:
                yield use.day, self.system("REALISEDCURRENCYGAIN"), sign * (figure - moved)

    def _paid(self, payment: dict[str, Any]) -> Decimal:
        rate = amount(payment, "CurrencyRate") or Decimal(1)
        return in_base(amount(payment, "Amount"), rate, self._direction)

    def _bank(self, value: dict[str, Any]) -> Iterator[Posting]:
        day, sign = wire.day_of(value["Date"]), 1 if value["Type"].startswith("RECEIVE") else -1
        total = self.base(value, amount(value, "Total"))
        yield day, value["BankAccount"]["AccountID"], sign * total
        if value["Type"] in _SIGNS:
            yield day, self.system(_SIGNS[value["Type"]][0]), -sign * total
        else:
            yield from self._lines(value, day, -sign)
