"""Bills, on the wire `Invoice` of Type ACCPAY. InvoiceNumber is the vendor's own, not unique; the Reference is ours."""

from resources.erps.xero.documents import IS_VOID, PURCHASE_LINES, DocumentMapping, XeroDay, header, still_owed
from resources.erps.xero.markers import Reference

MAPPING = DocumentMapping(
    "bills",
    "Invoice",
    {
        **header("vendor", "InvoiceNumber"),
        "due_date": XeroDay("DueDate"),
        "open_amount": still_owed("AmountDue"),
        "private_note": Reference("Reference", length_max=255),
        "is_void": IS_VOID,
    },
    {"lines": PURCHASE_LINES},
)
