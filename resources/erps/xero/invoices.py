"""Customer invoices, on the wire `Invoice` of Type ACCREC. Their Reference is the customer's; drafts are not owed."""

from ledger.fields import Derived
from resources.erps.xero.documents import SALES_LINES, DocumentMapping, XeroDay, amount_due, header, is_void
from resources.erps.xero.markers import Reference

MAPPING = DocumentMapping(
    "invoices",
    "Invoice",
    {
        **header("customer", "InvoiceNumber"),
        "due_date": XeroDay("DueDate"),
        "open_amount": Derived("AmountDue", derive=amount_due),
        "po_number": Reference("Reference", length_max=255),
        "is_void": Derived("Status", derive=is_void),
    },
    {"lines": SALES_LINES},
)
