"""Customer payments: Payments on receivables, Overpayments, Prepayments, allocations; see `moved_money.py`."""

from resources.erps.xero.moved_money import APPLICATIONS, MoneyMapping, fields

MAPPING = MoneyMapping(
    "payments",
    "Payment",
    fields("customer", "reference_number", "deposit_account_code"),
    {"applications": APPLICATIONS},
)
