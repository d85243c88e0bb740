"""Bill payments, on the wire `BillPayment`. One against a bill already paid comes back without lines, void."""

from ledger.fields import Amount, Choice, Day, Derived, Payload, Ref, Text
from ledger.mapping import WireMapping
from resources.erps.quickbooks.documents import (
    APPLICATIONS,
    DOCUMENT_NUMBER_LENGTH_MAX,
    IS_VOID,
    PRIVATE_NOTE_LENGTH_MAX,
    applied_amount,
    unapplied_amount,
)
from resources.erps.quickbooks.markers import Note

_BANK = Text("CheckPayment.BankAccountRef.value")
_CARD = Text("CreditCardPayment.CCAccountRef.value")


class _PaidFrom(Derived):
    """The account stands in the detail of the payment's own kind, `CheckPayment` or `CreditCardPayment`."""

    def write(self, body: dict[str, object], value: object) -> None:
        (_CARD if body.get("PayType") == "CreditCard" else _BANK).write(body, value or None)


def with_account_of_method(body: dict[str, object], account_code: str) -> None:
    """After a change from cheque to card or back: the account stands in the detail of the new kind, the other goes."""
    is_card = body.get("PayType") == "CreditCard"
    body.pop("CheckPayment" if is_card else "CreditCardPayment", None)
    (_CARD if is_card else _BANK).write(body, account_code or None)


def _paid_from(payload: Payload) -> object:
    return (_CARD if payload.get("PayType") == "CreditCard" else _BANK).reader()(payload)


MAPPING = WireMapping(
    "bill_payments",
    "BillPayment",
    {
        "vendor": Ref("VendorRef.value"),
        "payment_date": Day("TxnDate"),
        "document_number": Text("DocNumber", length_max=DOCUMENT_NUMBER_LENGTH_MAX),
        "method": Choice("PayType", words={"Check": "check", "CreditCard": "card"}),
        "paid_from_account_code": _PaidFrom("PayType", derive=_paid_from),
        "currency": Text("CurrencyRef.value"),
        "exchange_rate": Amount("ExchangeRate"),
        "total_amount": Amount("TotalAmt"),
        "applied_amount": Derived("Line", derive=applied_amount),
        "unapplied_amount": Derived("Line", derive=unapplied_amount),
        "private_note": Note("PrivateNote", length_max=PRIVATE_NOTE_LENGTH_MAX),
        "is_void": IS_VOID,
    },
    {"applications": APPLICATIONS},
)
