"""Vendor credits, on the wire `CreditNote` of Type ACCPAYCREDIT; see `credit_memos.py`."""

from resources.erps.xero.documents import IS_VOID, PURCHASE_LINES, DocumentMapping, header, still_owed
from resources.erps.xero.markers import Reference

MAPPING = DocumentMapping(
    "vendor_credits",
    "CreditNote",
    {
        **header("vendor", "CreditNoteNumber"),
        "open_amount": still_owed("RemainingCredit"),
        "private_note": Reference("Reference", length_max=255),
        "is_void": IS_VOID,
    },
    {"lines": PURCHASE_LINES},
)
