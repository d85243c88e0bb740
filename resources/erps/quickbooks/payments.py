"""Customer payments, on the wire `Payment`. Here `TotalAmt` is ours to say; `UnappliedAmt` follows from the lines."""

from ledger.fields import Amount, Day, Derived, Ref, Text
from ledger.mapping import WireMapping
from resources.erps.quickbooks.documents import APPLICATIONS, IS_VOID, PRIVATE_NOTE_LENGTH_MAX, applied_amount
from resources.erps.quickbooks.markers import Note

MAPPING = WireMapping(
    "payments",
    "Payment",
    {
        "customer": Ref("CustomerRef.value"),
        "payment_date": Day("TxnDate"),
        "reference_number": Text("PaymentRefNum", length_max=21),
        "currency": Text("CurrencyRef.value"),
        "exchange_rate": Amount("ExchangeRate"),
        "total_amount": Amount("TotalAmt"),
        "applied_amount": Derived("Line", derive=applied_amount),
        "unapplied_amount": Amount("UnappliedAmt", is_read_only=True),
        "method_code": Text("PaymentMethodRef.value"),
        "deposit_account_code": Text("DepositToAccountRef.value"),
        "private_note": Note("PrivateNote", length_max=PRIVATE_NOTE_LENGTH_MAX),
        "is_void": IS_VOID,
    },
    {"applications": APPLICATIONS},
)
