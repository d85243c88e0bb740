"""Credit memos, on the wire `CreditNote` of Type ACCRECCREDIT. What they were used for comes as payments of nothing."""

from resources.erps.xero.documents import IS_VOID, SALES_LINES, DocumentMapping, header, still_owed
from resources.erps.xero.markers import Reference

MAPPING = DocumentMapping(
    "credit_memos",
    "CreditNote",
    {
        **header("customer", "CreditNoteNumber"),
        "open_amount": still_owed("RemainingCredit"),
        "memo": Reference("Reference", length_max=255),
        "is_void": IS_VOID,
    },
    {"lines": SALES_LINES},
)
