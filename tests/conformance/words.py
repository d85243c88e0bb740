"""What one ERP calls what the conformance suite talks of: its simulator's lists, codes of an empty company, edits.

Belongs here: words and the reading of a simulator's own state. The tests know an ERP by its name alone. Nothing here
comes from the connectors, so that a wrong belief of theirs does not sit on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from tests.house import Simulator
from tests.resources.erps.xero.between import listened_to

State = Callable[[str], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Words:
    """`live_ids`: which external ids an entity has in the simulator's state. `ghost`: an id that no record has.

    `income`, `expense` and `bank` are account codes of an empty company; `write_method` and `write_path` choose the
    calls that make a record, for fault rules. `judged` puts a judge of all calls before a simulator, where the ERP has
    published what they must be.
    """

    live_ids: Callable[[str, State], set[str]]
    income: str
    expense: str
    bank: str
    customer_word: str
    name_key: str
    invoice_word: str
    write_path: Mapping[str, str]
    write_method: str
    ghost: str
    can_void: frozenset[str]
    judged: Callable[[Simulator], AbstractContextManager[Simulator]] = nullcontext


# QuickBooks

_QBO = {
    "customers": "Customer",
    "vendors": "Vendor",
    "items": "Item",
    "invoices": "Invoice",
    "credit_memos": "CreditMemo",
    "payments": "Payment",
    "purchase_orders": "PurchaseOrder",
    "bills": "Bill",
    "vendor_credits": "VendorCredit",
    "bill_payments": "BillPayment",
    "accounts": "Account",
    "terms": "Term",
    "payment_methods": "PaymentMethod",
}


def _quickbooks_ids(entity: str, state: State) -> set[str]:
    return {str(row["Id"]) for row in state(_QBO[entity])}


QUICKBOOKS = Words(
    live_ids=_quickbooks_ids,
    income="79",
    expense="7",
    bank="35",
    customer_word="Customer",
    name_key="DisplayName",
    invoice_word="Invoice",
    write_path={entity: f"*/{word.lower()}*" for entity, word in _QBO.items()},
    write_method="POST",
    ghost="999999",
    can_void=frozenset({"invoices", "payments", "bill_payments"}),
)

# Xero

_XERO: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "items": (("Items", "Code", ()),),
    "invoices": (("Invoices", "InvoiceID", ("ACCREC",)),),
    "bills": (("Invoices", "InvoiceID", ("ACCPAY",)),),
    "credit_memos": (("CreditNotes", "CreditNoteID", ("ACCRECCREDIT",)),),
    "vendor_credits": (("CreditNotes", "CreditNoteID", ("ACCPAYCREDIT",)),),
    "purchase_orders": (("PurchaseOrders", "PurchaseOrderID", ()),),
    "accounts": (("Accounts", "Code", ()),),
    "tax_codes": (("TaxRates", "TaxType", ()),),
}


def _xero_ids(entity: str, state: State) -> set[str]:
    if entity in ("customers", "vendors"):
        own, other = ("IsCustomer", "IsSupplier") if entity == "customers" else ("IsSupplier", "IsCustomer")
        return {row["ContactID"] for row in state("Contacts") if row.get(own) or not row.get(other)}
    if entity in ("payments", "bill_payments"):
        return set(_xero_money(state, "AR" if entity == "payments" else "AP"))
    return {
        row[key]
        for name, key, types in _XERO[entity]
        for row in state(name)
        if row.get("Status") != "DELETED" and (not types or row.get("Type") in types)
    }


def _xero_money(state: State, side: str):
    """Payments of one side; the uses of its credit notes; its over- and prepayments."""
    invoice, credit, bank = {
        "AR": ("ACCRECPAYMENT", "ACCRECCREDIT", "RECEIVE-"),
        "AP": ("ACCPAYPAYMENT", "ACCPAYCREDIT", "SPEND-"),
    }[side]
    for row in state("Payments"):
        kind = row.get("PaymentType", "")
        if row.get("Status") != "DELETED" and (kind == invoice or (kind.startswith(side) and kind != invoice)):
            yield row["PaymentID"]
    for name, key, prefix in (
        ("Overpayments", "OverpaymentID", "overpayment:"),
        ("Prepayments", "PrepaymentID", "prepayment:"),
    ):
        for row in state(name):
            if str(row.get("Type")).startswith(bank) and row.get("Status") != "VOIDED":
                yield prefix + row[key]
    for row in state("CreditNotes"):
        if row.get("Type") == credit and row.get("Status") not in ("VOIDED", "DELETED"):
            for allocation in row.get("Allocations", ()):
                yield f"allocation:{row['CreditNoteID']}/{allocation['AllocationID']}"


XERO = Words(
    live_ids=_xero_ids,
    income="200",
    expense="400",
    bank="090",
    customer_word="Contacts",
    name_key="Name",
    invoice_word="Invoices",
    write_path={
        "customers": "*/Contacts*",
        "vendors": "*/Contacts*",
        "items": "*/Items*",
        "invoices": "*/Invoices*",
        "bills": "*/Invoices*",
        "credit_memos": "*/CreditNotes*",
        "vendor_credits": "*/CreditNotes*",
        "payments": "*/Payments*",
        "bill_payments": "*/Payments*",
        "purchase_orders": "*/PurchaseOrders*",
    },
    write_method="PUT",
    ghost="00000000-0000-4000-8000-000000000099",
    can_void=frozenset({"invoices", "bills", "credit_memos", "vendor_credits"}),
    judged=listened_to,
)

WORDS: Mapping[str, Words] = {"quickbooks": QUICKBOOKS, "xero": XERO}
