"""What QuickBooks documents have in common on the wire: lines, links, voids.

Sources: reference of the Accounting API v3; line shapes as captured from sandboxes 2020-2026, `GroupLineDetail` and
`TDSLineDetail` as in Intuit's published schema only.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import chain, compress, repeat
from operator import attrgetter, is_
from typing import Any

from msgspec import UNSET, Raw

from ledger.fields import Amount, Choice, Day, Derived, Parts, Payload, Ref, Text, Variant
from ledger.money import InvalidAmountError, parse_amount
from ledger.shapes import Shaped

DOCUMENT_NUMBER_LENGTH_MAX = 21
PRIVATE_NOTE_LENGTH_MAX = 4000
_VOIDED = "Voided"

# A pseudo item: the shipping charge that QuickBooks keeps on the form instead of in the item list.
SHIPPING_ITEM = frozenset({"SHIPPING_ITEM_ID"})

SALES_LINES = Parts(
    path="Line",
    variant_path="DetailType",
    nested_path="GroupLineDetail.Line",
    variants={
        "SalesItemLineDetail": Variant(
            implies={"kind": "item"},
            fields={
                "line_key": Text("Id"),
                "description": Text("Description"),
                "amount": Amount("Amount"),
                "item": Ref("SalesItemLineDetail.ItemRef.value", pseudo=SHIPPING_ITEM),
                "quantity": Amount("SalesItemLineDetail.Qty"),
                "unit_price": Amount("SalesItemLineDetail.UnitPrice"),
                "account_code": Text("SalesItemLineDetail.ItemAccountRef.value", is_read_only=True),
                "tax_code": Text("SalesItemLineDetail.TaxCodeRef.value"),
                "service_date": Day("SalesItemLineDetail.ServiceDate"),
            },
        ),
        "DiscountLineDetail": Variant(
            implies={"kind": "discount"},
            fields={
                "line_key": Text("Id"),
                "description": Text("Description"),
                "amount": Amount("Amount", is_negated=True),
                "account_code": Text("DiscountLineDetail.DiscountAccountRef.value"),
                "tax_code": Text("DiscountLineDetail.TaxCodeRef.value"),
            },
        ),
        "DescriptionOnly": Variant(
            implies={"kind": "description", "amount": Decimal(0)},
            fields={"line_key": Text("Id"), "description": Text("Description")},
        ),
        # The header of a bundle: its amount is that of the lines nested in it, which follow as lines of their own.
        "GroupLineDetail": Variant(
            implies={"kind": "group", "amount": Decimal(0)},
            fields={
                "line_key": Text("Id"),
                "description": Text("Description"),
                "item": Ref("GroupLineDetail.GroupItemRef.value"),
                "quantity": Amount("GroupLineDetail.Quantity"),
            },
        ),
        "SubTotalLineDetail": None,
    },
)

PURCHASE_LINES = Parts(
    path="Line",
    variant_path="DetailType",
    variants={
        "ItemBasedExpenseLineDetail": Variant(
            implies={"kind": "item"},
            fields={
                "line_key": Text("Id"),
                "description": Text("Description"),
                "amount": Amount("Amount"),
                "item": Ref("ItemBasedExpenseLineDetail.ItemRef.value"),
                "customer": Ref("ItemBasedExpenseLineDetail.CustomerRef.value"),
                "quantity": Amount("ItemBasedExpenseLineDetail.Qty"),
                "unit_price": Amount("ItemBasedExpenseLineDetail.UnitPrice"),
                "tax_code": Text("ItemBasedExpenseLineDetail.TaxCodeRef.value"),
                "is_billable": Choice(
                    "ItemBasedExpenseLineDetail.BillableStatus",
                    words={"NotBillable": False, "Billable": True, "HasBeenBilled": True},
                ),
            },
        ),
        "AccountBasedExpenseLineDetail": Variant(
            implies={"kind": "account"},
            fields={
                "line_key": Text("Id"),
                "description": Text("Description"),
                "amount": Amount("Amount"),
                "account_code": Text("AccountBasedExpenseLineDetail.AccountRef.value"),
                "customer": Ref("AccountBasedExpenseLineDetail.CustomerRef.value"),
                "tax_code": Text("AccountBasedExpenseLineDetail.TaxCodeRef.value"),
                "is_billable": Choice(
                    "AccountBasedExpenseLineDetail.BillableStatus",
                    words={"NotBillable": False, "Billable": True, "HasBeenBilled": True},
                ),
            },
        ),
        "DescriptionOnly": Variant(
            implies={"kind": "description", "amount": Decimal(0)},
            fields={"line_key": Text("Id"), "description": Text("Description")},
        ),
        "SubTotalLineDetail": None,
    },
)

# Lines that a subtotal below them has in it, and that itself.
_SUMMED_UP = frozenset({"SalesItemLineDetail", "DescriptionOnly", "SubTotalLineDetail"})

# The transactions a payment can settle. Where the ledger has no such entity, the ERP's own kind of document is named.
SETTLED = {
    "Invoice": "invoices",
    "CreditMemo": "credit_memos",
    "Bill": "bills",
    "VendorCredit": "vendor_credits",
    "JournalEntry": "journal_entries",
    "Expense": "expenses",
    "Check": "checks",
    "CreditCardCredit": "credit_card_credits",
    "Deposit": "deposits",
    "Charge": "charges",
    "StatementCharge": "statement_charges",
    "ReimburseCharge": "reimburse_charges",
}

APPLICATIONS = Parts(
    path="Line",
    variant_path=None,
    variants={
        "": Variant(
            implies={},
            fields={
                "amount": Amount("Amount"),
                "document_entity": Choice("LinkedTxn.0.TxnType", words=SETTLED),
                "document": Ref("LinkedTxn.0.TxnId", is_read_only=True),
                "document_key": Text("LinkedTxn.0.TxnId"),
            },
        )
    },
)

# Credits that a payment consumes instead of settling: they count against what it applies.
CREDITS = frozenset({"CreditMemo", "VendorCredit", "CreditCardCredit", "Deposit"})

ADDRESS_FIELDS = {
    "billing_line1": Text("BillAddr.Line1"),
    "billing_line2": Text("BillAddr.Line2"),
    "billing_city": Text("BillAddr.City"),
    "billing_region": Text("BillAddr.CountrySubDivisionCode"),
    "billing_postal_code": Text("BillAddr.PostalCode"),
    "billing_country": Text("BillAddr.Country"),
}


def is_void(payload: Payload) -> bool:
    """QuickBooks has no status for it: a void is a zero total under a note that begins with "Voided"."""
    return str(payload.get("PrivateNote") or "").startswith(_VOIDED) and _exact(payload.get("TotalAmt")) == 0


def are_void(documents: Sequence[Shaped]) -> Sequence[bool] | None:
    """The same of many, as long as none of them bears that note."""
    if "PrivateNote" in type(documents[0]).__struct_fields__:
        notes = map(str, map(attrgetter("PrivateNote"), documents))
        if any(note.startswith(_VOIDED) for note in notes):
            return None
    return [False] * len(documents)


IS_VOID = Derived("PrivateNote", derive=is_void, derive_all=are_void)


def still_void(note: str) -> str:
    """A note written on a void document, with the word that says so, or nobody would know it for one any more."""
    if note.startswith(_VOIDED):
        return note
    return f"{_VOIDED} - {note}" if note else _VOIDED


def net_of_sales_lines(payload: Payload) -> Decimal:
    """The service's own subtotal less discounts; without a subtotal, the item lines less discounts.

    The subtotal counts more than the lines show: an invoice made from statement charges has no line for them (captured:
    invoice 42 of the public sample company). A subtotal that a person put between lines has an Id and is passed over.
    """
    items: list[Payload] = []
    discounts, groups, subtotal = Decimal(0), Decimal(0), None
    for line in _lines(payload):
        kind = line.get("DetailType")
        if kind == "SalesItemLineDetail":
            items.append(line)
        elif kind == "DiscountLineDetail":
            discounts += _exact(line.get("Amount"))
        elif kind == "GroupLineDetail":
            group = line.get("GroupLineDetail")
            groups += net_of_sales_lines(group) if isinstance(group, Mapping) else 0
        elif kind == "SubTotalLineDetail" and "Id" not in line:
            subtotal = _exact(line.get("Amount"))
    if subtotal is None:
        subtotal = sum((_exact(line.get("Amount")) for line in items), groups)
    return subtotal - discounts


def nets_of_sales_lines(documents: Sequence[Shaped]) -> Sequence[str] | None:
    """The same of many, as long as it is the subtotal of each, which then stands as it was sent."""
    items = type(documents[0]).lists.get("Line")
    if items is None or not {"DetailType", "Amount"} <= {*items.__struct_fields__}:
        return None
    lines = [*map(attrgetter("Line"), documents)]
    # Nor is anything there where it is UNSET.
    if not all(lines):
        return None
    kinds = [*map(attrgetter("DetailType"), chain.from_iterable(lines))]
    if not _SUMMED_UP.issuperset(kinds):
        return None
    is_subtotal = [*map("SubTotalLineDetail".__eq__, kinds)]
    owners = compress(chain.from_iterable(map(repeat, documents, map(len, lines))), is_subtotal)
    subtotals = [*compress(chain.from_iterable(lines), is_subtotal)]
    amounts = [*map(attrgetter("Amount"), subtotals)]
    is_one_each = len(subtotals) == len(documents) and all(map(is_, owners, documents))
    is_own = "Id" not in items.__struct_fields__ or {*map(attrgetter("Id"), subtotals)} == {UNSET}
    if not (is_one_each and is_own) or {*map(type, amounts)} != {Raw}:
        return None
    return Amount("Line").convert_all(amounts, {Raw})


NET_OF_SALES_LINES = Derived("Line", derive=net_of_sales_lines, derive_all=nets_of_sales_lines)


def net_of_purchase_lines(payload: Payload) -> Decimal:
    """Item and account lines; subtotals repeat what others say."""
    return sum(
        (_exact(line.get("Amount")) for line in _lines(payload) if line.get("DetailType") != "SubTotalLineDetail"),
        Decimal(0),
    )


def applied_amount(payload: Payload) -> Decimal:
    """What the payment's lines settle, less the credits they use up."""
    applied = Decimal(0)
    for line in _lines(payload):
        amount = _exact(line.get("Amount"))
        applied += -amount if _settled_kind(line) in CREDITS else amount
    return applied


def _settled_kind(line: Payload) -> str:
    links = line.get("LinkedTxn")
    link = links[0] if isinstance(links, list) and links else None
    kind = link.get("TxnType") if isinstance(link, Mapping) else None
    return kind if isinstance(kind, str) else ""


def unapplied_amount(payload: Payload) -> Decimal:
    """A bill payment does not say what it leaves unapplied: it is what its lines do not settle."""
    return _exact(payload.get("TotalAmt")) - applied_amount(payload)


def _lines(payload: Payload) -> list[Mapping[str, Any]]:
    lines = payload.get("Line") or []
    return [line for line in lines if isinstance(line, (dict, Shaped, Mapping))] if isinstance(lines, list) else []


def _exact(value: Any) -> Decimal:
    # What cannot be read as an amount is reported where the field itself is mapped; here it only must not be counted.
    try:
        return parse_amount(value)
    except InvalidAmountError:
        return Decimal(0)
