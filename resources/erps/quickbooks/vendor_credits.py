"""Vendor credits, on the wire `VendorCredit`. No JSON capture of one is known: shape as in the schema and the manual.

`Balance` is missing from some answers; where it is, nothing of the credit is known to be used, so all of it is open.
"""

from ledger.fields import Amount, Day, Derived, Payload, Ref, Text
from ledger.mapping import WireMapping
from resources.erps.quickbooks.documents import (
    DOCUMENT_NUMBER_LENGTH_MAX,
    IS_VOID,
    PRIVATE_NOTE_LENGTH_MAX,
    PURCHASE_LINES,
    net_of_purchase_lines,
)
from resources.erps.quickbooks.markers import Note

_BALANCE = Amount("Balance", is_read_only=True)
_TOTAL = Amount("TotalAmt", is_read_only=True)


def _open_amount(payload: Payload) -> object:
    return _BALANCE.reader()(payload) if "Balance" in payload else _TOTAL.reader()(payload)


MAPPING = WireMapping(
    "vendor_credits",
    "VendorCredit",
    {
        "vendor": Ref("VendorRef.value"),
        "document_number": Text("DocNumber", length_max=DOCUMENT_NUMBER_LENGTH_MAX),
        "issue_date": Day("TxnDate"),
        "currency": Text("CurrencyRef.value"),
        "exchange_rate": Amount("ExchangeRate"),
        "net_amount": Derived("Line", derive=net_of_purchase_lines),
        "tax_amount": Amount("TxnTaxDetail.TotalTax"),
        "total_amount": _TOTAL,
        "open_amount": Derived("Balance", derive=_open_amount),
        "payable_account_code": Text("APAccountRef.value"),
        "private_note": Note("PrivateNote", length_max=PRIVATE_NOTE_LENGTH_MAX),
        "is_void": IS_VOID,
    },
    {"lines": PURCHASE_LINES},
)
