"""Bill payments: Xero's Payments on payables, Overpayments, Prepayments and allocations; see `moved_money.py`."""

from ledger.fields import Derived
from resources.erps.xero.moved_money import APPLICATIONS, MoneyMapping, fields

MAPPING = MoneyMapping(
    "bill_payments",
    "Payment",
    {
        **fields("vendor", "document_number", "paid_from_account_code"),
        # Xero does not say how it was paid.
        "method": Derived("PaymentType", derive=lambda _: "check"),
    },
    {"applications": APPLICATIONS},
)
