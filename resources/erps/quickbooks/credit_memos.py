"""Credit memos, on the wire `CreditMemo`. They cannot be voided, only deleted; `RemainingCredit` is what is left."""

from ledger.fields import Amount, Day, Ref, Text
from ledger.mapping import WireMapping
from resources.erps.quickbooks.documents import (
    DOCUMENT_NUMBER_LENGTH_MAX,
    IS_VOID,
    NET_OF_SALES_LINES,
    PRIVATE_NOTE_LENGTH_MAX,
    SALES_LINES,
)
from resources.erps.quickbooks.markers import Note

MAPPING = WireMapping(
    "credit_memos",
    "CreditMemo",
    {
        "customer": Ref("CustomerRef.value"),
        "document_number": Text("DocNumber", length_max=DOCUMENT_NUMBER_LENGTH_MAX),
        "issue_date": Day("TxnDate"),
        "currency": Text("CurrencyRef.value"),
        "exchange_rate": Amount("ExchangeRate"),
        "net_amount": NET_OF_SALES_LINES,
        "tax_amount": Amount("TxnTaxDetail.TotalTax"),
        "total_amount": Amount("TotalAmt", is_read_only=True),
        "open_amount": Amount("RemainingCredit", is_read_only=True),
        "memo": Text("CustomerMemo.value", length_max=1000),
        "private_note": Note("PrivateNote", length_max=PRIVATE_NOTE_LENGTH_MAX),
        "is_void": IS_VOID,
    },
    {"lines": SALES_LINES},
)
