"""The shapes of QuickBooks Online objects: one function a kind, from plain values to the dict the API would return.

Used by everything that makes up a company (demo, volume, retail). No randomness, no bookkeeping and no store here:
callers bring ids, sums and balances that are already right. Money is Decimal with two decimals. Key sets follow
recordings of real companies (2026); what no recording shows is said at the function. Fields that would be null are
left out, as the API does.
"""

from sandbox.quickbooks.shapes.common import (
    CENT,
    CURRENCY_NAMES,
    ZERO,
    Wire,
    address,
    cents,
    currency_ref,
    foreign,
    head,
    money,
    ref,
    stamp,
    user_head,
)
from sandbox.quickbooks.shapes.documents import (
    bill,
    bill_payment,
    credit_memo,
    invoice,
    payment,
    purchase_order,
    vendor_credit,
)
from sandbox.quickbooks.shapes.lines import (
    account_expense_line,
    discount_line,
    item_expense_line,
    link,
    payment_line,
    sales_line,
    subtotal_line,
    tax_line,
)
from sandbox.quickbooks.shapes.lists import (
    account,
    account_ref,
    customer,
    customer_ref,
    item,
    item_category,
    item_ref,
    payment_method,
    term,
    vendor,
    vendor_ref,
)

__all__ = [
    "CENT",
    "CURRENCY_NAMES",
    "ZERO",
    "Wire",
    "account",
    "account_expense_line",
    "account_ref",
    "address",
    "bill",
    "bill_payment",
    "cents",
    "credit_memo",
    "currency_ref",
    "customer",
    "customer_ref",
    "discount_line",
    "foreign",
    "head",
    "invoice",
    "item",
    "item_category",
    "item_expense_line",
    "item_ref",
    "link",
    "money",
    "payment",
    "payment_line",
    "payment_method",
    "purchase_order",
    "ref",
    "sales_line",
    "stamp",
    "subtotal_line",
    "tax_line",
    "term",
    "user_head",
    "vendor",
    "vendor_credit",
    "vendor_ref",
]
