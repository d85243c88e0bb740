"""Bills, on the wire `Bill`. They cannot be voided, only deleted; the number is the vendor's, never automatic."""

from ledger.fields import Amount, Day, Derived, Ref, Text
from ledger.mapping import WireMapping
from resources.erps.quickbooks.documents import (
    DOCUMENT_NUMBER_LENGTH_MAX,
    IS_VOID,
    PRIVATE_NOTE_LENGTH_MAX,
    PURCHASE_LINES,
    net_of_purchase_lines,
)
from resources.erps.quickbooks.markers import Note

MAPPING = WireMapping(
    "bills",
    "Bill",
    {
        "vendor": Ref("VendorRef.value"),
        "document_number": Text("DocNumber", length_max=DOCUMENT_NUMBER_LENGTH_MAX),
        "issue_date": Day("TxnDate"),
        "due_date": Day("DueDate"),
        "currency": Text("CurrencyRef.value"),
        "exchange_rate": Amount("ExchangeRate"),
        "net_amount": Derived("Line", derive=net_of_purchase_lines),
        "tax_amount": Amount("TxnTaxDetail.TotalTax"),
        "total_amount": Amount("TotalAmt", is_read_only=True),
        "open_amount": Amount("Balance", is_read_only=True),
        "payable_account_code": Text("APAccountRef.value"),
        "terms_code": Text("SalesTermRef.value"),
        "private_note": Note("PrivateNote", length_max=PRIVATE_NOTE_LENGTH_MAX),
        "is_void": IS_VOID,
    },
    {"lines": PURCHASE_LINES},
)
