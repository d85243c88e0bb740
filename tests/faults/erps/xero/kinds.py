"""What Xero calls each kind of record, where it keeps what both hands write, and how either may end it.

A contact that people make over there comes with its first document: without one it is customer and vendor at once, and
the books would not say what a person meant. Left out on purpose: texts of payments (a payment cannot be changed), and
the item's name, which it has beside its code.
"""

from __future__ import annotations

from typing import Any

from tests.faults.kinds import Kind

DUE = {"due_date": "2026-03-31"}
CONTACT = {"email": "EmailAddress", "given_name": "FirstName", "family_name": "LastName"}
NAMES: dict[str, Any] = {"told": "Contact", "is_renamed_there": True, "is_archived": True}

KINDS: dict[str, Kind] = {
    kind.entity: kind
    for kind in (
        Kind("customers", "Contacts", "name", "Name", CONTACT, first="invoices", **NAMES),
        Kind("vendors", "Contacts", "name", "Name", CONTACT, first="bills", **NAMES),
        Kind("items", "Items", "name", "Name", {"description": "Description"}, told="Item"),
        Kind(
            "invoices",
            "Invoices",
            "document_number",
            "InvoiceNumber",
            {"po_number": "Reference"},
            "customers",
            "customer_id",
            "Contact",
            ("invoice_lines", "invoice_id"),
            True,
            "AmountDue",
            ("void",),
            told="Invoice",
            always=DUE,
        ),
        Kind(
            "credit_memos",
            "CreditNotes",
            "document_number",
            "CreditNoteNumber",
            {"memo": "Reference"},
            "customers",
            "customer_id",
            "Contact",
            ("credit_memo_lines", "credit_memo_id"),
            True,
            "RemainingCredit",
            ("void",),
            frozenset({"memo"}),
            told="CreditNote",
        ),
        Kind(
            "vendor_credits",
            "CreditNotes",
            "document_number",
            "CreditNoteNumber",
            {"private_note": "Reference"},
            "vendors",
            "vendor_id",
            "Contact",
            ("vendor_credit_lines", "vendor_credit_id"),
            True,
            "RemainingCredit",
            ("void",),
            told="CreditNote",
        ),
        Kind(
            "payments",
            "Payments",
            "reference_number",
            "Reference",
            {},
            "customers",
            "customer_id",
            "Invoice",
            ("payment_applications", "payment_id"),
            ends=("delete",),
            told="Payment",
            is_taken_back_whole=True,
            always={"deposit_account_code": "090"},
        ),
        Kind(
            "bills",
            "Invoices",
            "document_number",
            "InvoiceNumber",
            {"private_note": "Reference"},
            "vendors",
            "vendor_id",
            "Contact",
            ("bill_lines", "bill_id"),
            True,
            "AmountDue",
            ("void",),
            told="Invoice",
            always=DUE,
        ),
        Kind(
            "bill_payments",
            "Payments",
            "document_number",
            "Reference",
            {},
            "vendors",
            "vendor_id",
            "Invoice",
            ("bill_payment_applications", "bill_payment_id"),
            ends=("delete",),
            told="Payment",
            is_taken_back_whole=True,
        ),
        Kind(
            "purchase_orders",
            "PurchaseOrders",
            "document_number",
            "PurchaseOrderNumber",
            {"private_note": "Reference", "memo": "DeliveryInstructions"},
            "vendors",
            "vendor_id",
            "Contact",
            ("purchase_order_lines", "purchase_order_id"),
            True,
            "",
            ("delete",),
            frozenset({"memo"}),
            told="PurchaseOrder",
        ),
    )
}
