"""One file an entity. The order here is the order of syncing: parents before the documents that refer to them."""

from ledger.entities import (  # noqa: F401, I001
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

# Kept in the mirror only: the ledger has no table for them, mappings and control totals read them there.
REFERENCE_ENTITIES = ("accounts", "tax_codes", "tax_rates", "terms", "payment_methods", "company_info", "preferences")
