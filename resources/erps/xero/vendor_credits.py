"""Vendor credits, on the wire `CreditNote` of Type ACCPAYCREDIT; see `credit_memos.py`."""

from ledger.fields import Derived
from resources.erps.xero.documents import PURCHASE_LINES, DocumentMapping, header, is_void, remaining_credit
from resources.erps.xero.markers import Reference

MAPPING = DocumentMapping(
    "vendor_credits",
    "CreditNote",
    {
        **header("vendor", "CreditNoteNumber"),
        "open_amount": Derived("RemainingCredit", derive=remaining_credit),
        "private_note": Reference("Reference", length_max=255),
        "is_void": Derived("Status", derive=is_void),
    },
    {"lines": PURCHASE_LINES},
)
