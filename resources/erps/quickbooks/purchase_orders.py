"""Purchase orders, on the wire `PurchaseOrder`. One with a total of zero is closed at once."""

from ledger.fields import Amount, Choice, Day, Derived, Ref, Text
from ledger.mapping import WireMapping
from resources.erps.quickbooks.documents import (
    DOCUMENT_NUMBER_LENGTH_MAX,
    PRIVATE_NOTE_LENGTH_MAX,
    PURCHASE_LINES,
    net_of_purchase_lines,
)
from resources.erps.quickbooks.markers import Note

MAPPING = WireMapping(
    "purchase_orders",
    "PurchaseOrder",
    {
        "vendor": Ref("VendorRef.value"),
        "document_number": Text("DocNumber", length_max=DOCUMENT_NUMBER_LENGTH_MAX),
        "issue_date": Day("TxnDate"),
        "expected_date": Day("DueDate"),
        "status": Choice("POStatus", words={"Open": "open", "Closed": "closed"}),
        "currency": Text("CurrencyRef.value"),
        "exchange_rate": Amount("ExchangeRate"),
        "net_amount": Derived("Line", derive=net_of_purchase_lines),
        "tax_amount": Amount("TxnTaxDetail.TotalTax"),
        "total_amount": Amount("TotalAmt", is_read_only=True),
        "payable_account_code": Text("APAccountRef.value"),
        "email": Text("POEmail.Address"),
        "memo": Text("Memo", length_max=4000),
        "private_note": Note("PrivateNote", length_max=PRIVATE_NOTE_LENGTH_MAX),
    },
    {"lines": PURCHASE_LINES},
)
