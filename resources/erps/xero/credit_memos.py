"""Credit memos, on the wire `CreditNote` of Type ACCRECCREDIT. What they were used for comes as payments of nothing."""

from ledger.fields import Derived
from resources.erps.xero.documents import SALES_LINES, DocumentMapping, header, is_void, remaining_credit
from resources.erps.xero.markers import Reference

MAPPING = DocumentMapping(
    "credit_memos",
    "CreditNote",
    {
        **header("customer", "CreditNoteNumber"),
        "open_amount": Derived("RemainingCredit", derive=remaining_credit),
        "memo": Reference("Reference", length_max=255),
        "is_void": Derived("Status", derive=is_void),
    },
    {"lines": SALES_LINES},
)
