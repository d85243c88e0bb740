"""The kinds of record a schedule works on: what each book calls them, which fields both hands edit, how they are made.

Belongs here: facts about the two books, said apart from the product's own mappings on purpose, so that one wrong belief
does not stand on both sides of a test. What is done with them is `hands.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

ITEM = "90"
EXPENSES = "70"
BANK = "35"
PAYABLES = "33"
DAY = "2026-03-01"


@dataclass(frozen=True)
class Kind:
    """`texts`: field of the ledger -> path over there. `name` is what identifies a record, `wire_name` over there.

    `party`: entity of the customer or vendor of a document, None for the names themselves. `parts`: table of its lines,
    and the column that names the document. `ends`: what either hand may do to end it.
    """

    entity: str
    wire: str
    name: str
    wire_name: str
    texts: Mapping[str, str]
    party: str | None = None
    party_column: str = ""
    wire_party: str = ""
    parts: tuple[str, str] | None = None
    has_amount: bool = False
    wire_open: str = ""
    ends: tuple[str, ...] = ()
    ours_always: frozenset[str] = field(default_factory=frozenset)


KINDS: dict[str, Kind] = {
    kind.entity: kind
    for kind in (
        Kind(
            "customers",
            "Customer",
            "name",
            "DisplayName",
            {"email": "PrimaryEmailAddr.Address", "phone": "PrimaryPhone.FreeFormNumber", "note": "Notes"},
            ours_always=frozenset({"note"}),
        ),
        Kind(
            "vendors",
            "Vendor",
            "name",
            "DisplayName",
            {"email": "PrimaryEmailAddr.Address", "phone": "PrimaryPhone.FreeFormNumber"},
        ),
        Kind("items", "Item", "name", "Name", {"description": "Description", "sku": "Sku"}),
        Kind(
            "invoices",
            "Invoice",
            "document_number",
            "DocNumber",
            {"private_note": "PrivateNote", "po_number": "PONumber", "memo": "CustomerMemo.value"},
            "customers",
            "customer_id",
            "CustomerRef",
            ("invoice_lines", "invoice_id"),
            True,
            "Balance",
            ("void", "delete"),
            frozenset({"memo"}),
        ),
        Kind(
            "credit_memos",
            "CreditMemo",
            "document_number",
            "DocNumber",
            {"private_note": "PrivateNote", "memo": "CustomerMemo.value"},
            "customers",
            "customer_id",
            "CustomerRef",
            ("credit_memo_lines", "credit_memo_id"),
            True,
            "RemainingCredit",
            ("delete",),
            frozenset({"memo"}),
        ),
        Kind(
            "payments",
            "Payment",
            "reference_number",
            "PaymentRefNum",
            {"private_note": "PrivateNote"},
            "customers",
            "customer_id",
            "CustomerRef",
            ("payment_applications", "payment_id"),
            ends=("delete", "void"),
        ),
        Kind(
            "bills",
            "Bill",
            "document_number",
            "DocNumber",
            {"private_note": "PrivateNote"},
            "vendors",
            "vendor_id",
            "VendorRef",
            ("bill_lines", "bill_id"),
            True,
            "Balance",
            ("delete",),
        ),
        Kind(
            "bill_payments",
            "BillPayment",
            "document_number",
            "DocNumber",
            {"private_note": "PrivateNote"},
            "vendors",
            "vendor_id",
            "VendorRef",
            ("bill_payment_applications", "bill_payment_id"),
            ends=("delete", "void"),
        ),
        Kind(
            "purchase_orders",
            "PurchaseOrder",
            "document_number",
            "DocNumber",
            {"private_note": "PrivateNote", "memo": "Memo"},
            "vendors",
            "vendor_id",
            "VendorRef",
            ("purchase_order_lines", "purchase_order_id"),
            True,
            "",
            ("delete",),
            frozenset({"memo"}),
        ),
    )
}
SETTLES = {"payments": "invoices", "bill_payments": "bills"}
WIRE_ENTITIES = tuple(kind.wire for kind in KINDS.values())


def wire_line(kind: Kind, amount: Decimal) -> dict[str, Any]:
    """One line over the whole amount, as a person over there enters it."""
    if kind.party == "customers":
        detail = {"DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": ITEM}}}
    elif kind.entity == "bills":
        detail = {
            "DetailType": "AccountBasedExpenseLineDetail",
            "AccountBasedExpenseLineDetail": {"AccountRef": {"value": EXPENSES}},
        }
    else:
        detail = {
            "DetailType": "ItemBasedExpenseLineDetail",
            "ItemBasedExpenseLineDetail": {"ItemRef": {"value": ITEM}},
        }
    return {"Amount": float(amount), **detail}


def ledger_line(kind: Kind, amount: Decimal, item_id: int) -> dict[str, Any]:
    """The same line in the ledger."""
    if kind.entity == "bills":
        return {"kind": "account", "account_code": EXPENSES, "amount": amount, "description": "goods"}
    return {"kind": "item", "item_id": item_id, "amount": amount, "description": "work"}


def read_path(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def at_path(path: str, value: Any) -> dict[str, Any]:
    """The body that says one value at a path."""
    for step in reversed(path.split(".")):
        value = {step: value}
    return value


def text_there(record: Mapping[str, Any], path: str) -> str:
    """What people wrote, without the line in which the product leaves its mark."""
    text = str(read_path(record, path) or "")
    lines = [line for line in text.split("\n") if not line.strip().startswith("[tieout:")]
    said = "\n".join(lines).removesuffix("\r")
    return said.split(" [tieout:")[0]
