"""What somebody does in one ERP, and how it is called there, so that one journey is told of every ERP.

Belongs here: words and edits. The journeys know an ERP by its name alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.books import Books

Row = dict[str, Any]


@dataclass(frozen=True)
class Hands:
    """`allow` is the button of its consent page, `reference` where an invoice keeps what we call its PO number.

    `line` makes what a line of an invoice of ours has to say besides its amount.
    """

    title: str
    allow: str
    customers: str
    customer_id: str
    customer_name: str
    invoices: str
    invoice_id: str
    number: str
    reference: str
    accounts: str
    account_id: str
    total: str
    line: Callable[[Books], Row]
    payment: Callable[[Row, int], tuple[str, Row]]

    def make_customer(self, books: Books, name: str) -> str:
        """Somebody enters a customer over there; returns its id."""
        made = books.edit("create", self.customers, **{self.customer_name: name})
        return str((made[0] if isinstance(made, list) else made)[self.customer_id])

    def invoice(self, books: Books, number: str) -> Row:
        """The only invoice of this number, as it is over there."""
        (found,) = [one for one in books.objects(self.invoices) if one[self.number] == number]
        return found

    def refer(self, books: Books, external_id: str, text: str) -> None:
        """Somebody writes another PO number onto an invoice."""
        books.edit("update", self.invoices, external_id, **{self.reference: text})

    def pay(self, books: Books, invoice: Row, amount: int) -> None:
        """Somebody enters that a part of an invoice was paid."""
        entity, body = self.payment(invoice, amount)
        books.edit("create", entity, **body)


def _quickbooks_line(books: Books) -> Row:
    """QuickBooks sells items only, which have to be there first."""
    account = next(one["Id"] for one in books.objects("Account") if one["AccountType"] == "Income")
    item = books.edit("create", "Item", Name="Bread", Type="Service", IncomeAccountRef={"value": account})
    books.sync()
    return {"item_id": books.ledger_row("items", item["Id"])["ledger_id"], "tax_code": "NON"}


def _quickbooks_payment(invoice: Row, amount: int) -> tuple[str, Row]:
    linked = {"TxnId": invoice["Id"], "TxnType": "Invoice"}
    lines = [{"Amount": amount, "LinkedTxn": [linked]}]
    return "Payment", {"CustomerRef": invoice["CustomerRef"], "TotalAmt": amount, "Line": lines}


def _xero_payment(invoice: Row, amount: int) -> tuple[str, Row]:
    body = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": amount}
    return "Payments", {**body, "Date": "2026-11-20"}


HANDS: Mapping[str, Hands] = {
    "quickbooks": Hands(
        title="QuickBooks",
        allow="Connect",
        customers="Customer",
        customer_id="Id",
        customer_name="DisplayName",
        invoices="Invoice",
        invoice_id="Id",
        number="DocNumber",
        reference="PONumber",
        accounts="Account",
        account_id="Id",
        total="TotalAmt",
        line=_quickbooks_line,
        payment=_quickbooks_payment,
    ),
    "xero": Hands(
        title="Xero",
        allow="Allow access",
        customers="Contacts",
        customer_id="ContactID",
        customer_name="Name",
        invoices="Invoices",
        invoice_id="InvoiceID",
        number="InvoiceNumber",
        reference="Reference",
        accounts="Accounts",
        account_id="Code",
        total="Total",
        line=lambda books: {"account_code": "200"},
        payment=_xero_payment,
    ),
}


def amount_of(value: Any) -> Decimal:
    """An amount of the simulator's state, whatever digits it is written with."""
    return Decimal(str(value))
