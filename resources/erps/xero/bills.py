"""Bills, on the wire `Invoice` of Type ACCPAY. InvoiceNumber is the vendor's own, not unique; the Reference is ours."""

from ledger.fields import Derived
from resources.erps.xero.documents import PURCHASE_LINES, DocumentMapping, XeroDay, amount_due, header, is_void
from resources.erps.xero.markers import Reference

MAPPING = DocumentMapping(
    "bills",
    "Invoice",
    {
        **header("vendor", "InvoiceNumber"),
        "due_date": XeroDay("DueDate"),
        "open_amount": Derived("AmountDue", derive=amount_due),
        "private_note": Reference("Reference", length_max=255),
        "is_void": Derived("Status", derive=is_void),
    },
    {"lines": PURCHASE_LINES},
)
