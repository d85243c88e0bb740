"""All of Xero's mappings by the name of the entity; adding one means one file and one name here."""

from ledger.mapping import WireMapping
from resources.erps.xero import (
    bill_payments,
    bills,
    credit_memos,
    customers,
    invoices,
    items,
    payments,
    purchase_orders,
    vendor_credits,
    vendors,
)

MAPPINGS: dict[str, WireMapping] = {
    module.MAPPING.spec.name: module.MAPPING
    for module in (
        customers,
        vendors,
        items,
        invoices,
        credit_memos,
        payments,
        purchase_orders,
        bills,
        vendor_credits,
        bill_payments,
    )
}
