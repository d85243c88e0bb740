"""Customer invoices, on the wire `Invoice` of Type ACCREC. Their Reference is the customer's; drafts are not owed."""

from resources.erps.xero.documents import IS_VOID, SALES_LINES, DocumentMapping, XeroDay, header, still_owed
from resources.erps.xero.markers import Reference

MAPPING = DocumentMapping(
    "invoices",
    "Invoice",
    {
        **header("customer", "InvoiceNumber"),
        "due_date": XeroDay("DueDate"),
        "open_amount": still_owed("AmountDue"),
        "po_number": Reference("Reference", length_max=255),
        "is_void": IS_VOID,
    },
    {"lines": SALES_LINES},
)
