"""Purchase orders, on the wire `PurchaseOrder`. BILLED is closed; nothing else closes one but its deletion."""

from ledger.fields import Choice, Text
from resources.erps.xero.documents import PURCHASE_LINES, DocumentMapping, XeroDay, header
from resources.erps.xero.markers import Reference

MAPPING = DocumentMapping(
    "purchase_orders",
    "PurchaseOrder",
    {
        **header("vendor", "PurchaseOrderNumber"),
        "expected_date": XeroDay("DeliveryDate"),
        "status": Choice(
            "Status",
            words={"AUTHORISED": "open", "DRAFT": "open", "SUBMITTED": "open", "BILLED": "closed", "DELETED": "closed"},
        ),
        "memo": Text("DeliveryInstructions", length_max=500),
        "private_note": Reference("Reference", length_max=255),
    },
    {"lines": PURCHASE_LINES},
)
