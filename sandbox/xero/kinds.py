"""The kinds of documents with lines, each one row: types, numbers, statuses and what may follow what.

Belongs here: what differs between invoices, credit notes, purchase orders and bank transactions without being an
algorithm. Carrying it out is `documents.py`. Facts: reference sections 8, 9 and 11; the moves of purchase orders are
not confirmed.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document.

    `types` maps each accepted Type to "sales" or "purchases"; `prefixes` the types whose number is unique and made up
    when absent to its prefix; `unsupported` are the types whose Reference or Url the published description does not
    have. `moves` maps a status to those a write may set it to. `balance` is the property that says what is left of it,
    "" where nothing is paid. `order` is the order of properties on the wire.
    """

    resource: str
    title: str
    number: str
    types: dict[str, str]
    prefixes: dict[str, str]
    moves: dict[str, set[str]]
    created_as: set[str]
    default_status: str
    ended: set[str]
    empty: dict[str, object]
    order: str
    writable: tuple[str, ...]
    balance: str = ""
    duplicate: str = ""
    days: tuple[str, ...] = ("Date", "DueDate")
    places: int = 2
    may_create_contact: bool = True
    needs_account_in: set[str] = field(default_factory=lambda: {"AUTHORISED"})
    needs_due_date: bool = False
    unsupported: frozenset[str] = frozenset()


_BILLABLE_MOVES = {
    "DRAFT": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "SUBMITTED": {"SUBMITTED", "AUTHORISED", "DRAFT", "DELETED"},
    "AUTHORISED": {"AUTHORISED", "VOIDED"},
    "PAID": {"PAID"},
}
_DOCUMENT_ORDER = (
    "Allocations AmountDue AmountPaid AmountCredited SentToContact CurrencyRate IsDiscounted HasAttachments HasErrors "
    "InvoiceAddresses Attachments Contact DateString Date DueDateString DueDate DeliveryDateString DeliveryDate "
    "BrandingThemeID Status LineAmountTypes LineItems SubTotal TotalTax Total UpdatedDateUTC UpdatedDateUTCString "
    "CurrencyCode FullyPaidOnDate"
)

INVOICE = Kind(
    resource="Invoices",
    title="Invoice",
    number="InvoiceNumber",
    types={"ACCREC": "sales", "ACCPAY": "purchases"},
    prefixes={"ACCREC": "INV-"},
    moves=_BILLABLE_MOVES,
    created_as={"DRAFT", "SUBMITTED", "AUTHORISED"},
    default_status="DRAFT",
    ended={"VOIDED", "DELETED"},
    empty={
        "Reference": "",
        "Payments": [],
        "CreditNotes": [],
        "Prepayments": [],
        "Overpayments": [],
        "IsDiscounted": False,
        "HasAttachments": False,
        "HasErrors": False,
        "InvoiceAddresses": [],
    },
    order="Type InvoiceID InvoiceNumber Reference Url Payments CreditNotes Prepayments Overpayments " + _DOCUMENT_ORDER,
    writable=("Reference", "Url", "BrandingThemeID", "ExpectedPaymentDate", "PlannedPaymentDate"),
    balance="AmountDue",
    duplicate="Invoice # must be unique.",
    days=("Date", "DueDate", "ExpectedPaymentDate", "PlannedPaymentDate"),
    needs_due_date=True,
)

CREDIT_NOTE = Kind(
    resource="CreditNotes",
    title="Credit note",
    number="CreditNoteNumber",
    types={"ACCRECCREDIT": "sales", "ACCPAYCREDIT": "purchases"},
    prefixes={"ACCRECCREDIT": "CN-"},
    moves=_BILLABLE_MOVES,
    created_as={"DRAFT", "SUBMITTED", "AUTHORISED"},
    default_status="DRAFT",
    ended={"VOIDED", "DELETED"},
    empty={
        "Reference": "",
        "Payments": [],
        "Allocations": [],
        "HasAttachments": False,
        "HasErrors": False,
        "InvoiceAddresses": [],
    },
    order="CreditNoteID CreditNoteNumber Payments ID CurrencyRate Type Reference RemainingCredit " + _DOCUMENT_ORDER,
    writable=("Reference", "BrandingThemeID"),
    unsupported=frozenset({"ACCPAYCREDIT"}),
    balance="RemainingCredit",
    duplicate="Credit Note # must be unique.",
)

PURCHASE_ORDER = Kind(
    resource="PurchaseOrders",
    title="Purchase order",
    number="PurchaseOrderNumber",
    types={"PURCHASEORDER": "purchases"},
    prefixes={"PURCHASEORDER": "PO-"},
    moves={
        "DRAFT": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
        "SUBMITTED": {"SUBMITTED", "AUTHORISED", "DRAFT", "DELETED"},
        "AUTHORISED": {"AUTHORISED", "BILLED", "DELETED"},
        "BILLED": {"BILLED"},
    },
    created_as={"DRAFT", "SUBMITTED", "AUTHORISED"},
    default_status="DRAFT",
    ended={"DELETED"},
    empty={"Reference": "", "HasErrors": False, "IsDiscounted": False, "HasAttachments": False},
    order="PurchaseOrderID PurchaseOrderNumber Reference DateString Date DeliveryDateString DeliveryDate "
    "DeliveryAddress AttentionTo Telephone DeliveryInstructions ExpectedArrivalDate HasErrors IsDiscounted Type "
    "CurrencyRate CurrencyCode " + _DOCUMENT_ORDER,
    writable=(
        "Reference",
        "BrandingThemeID",
        "DeliveryAddress",
        "AttentionTo",
        "Telephone",
        "DeliveryInstructions",
        "ExpectedArrivalDate",
    ),
    duplicate="Order number must be unique",
    days=("Date", "DeliveryDate", "ExpectedArrivalDate"),
    places=4,
    may_create_contact=False,
    needs_account_in=set(),
)

BANK_TRANSACTION = Kind(
    resource="BankTransactions",
    title="Bank transaction",
    number="",
    types={
        "RECEIVE": "sales",
        "SPEND": "purchases",
        "RECEIVE-OVERPAYMENT": "sales",
        "SPEND-OVERPAYMENT": "purchases",
        "RECEIVE-PREPAYMENT": "sales",
        "SPEND-PREPAYMENT": "purchases",
    },
    prefixes={},
    moves={"AUTHORISED": {"AUTHORISED", "DELETED"}},
    created_as={"AUTHORISED"},
    default_status="AUTHORISED",
    ended={"DELETED", "VOIDED"},
    empty={"Reference": "", "IsReconciled": False, "HasAttachments": False},
    order="BankTransactionID BankAccount Type Reference Url IsReconciled PrepaymentID OverpaymentID " + _DOCUMENT_ORDER,
    writable=("Reference", "Url"),
    unsupported=frozenset({"RECEIVE-OVERPAYMENT", "SPEND-OVERPAYMENT", "RECEIVE-PREPAYMENT", "SPEND-PREPAYMENT"}),
    days=("Date",),
)
