"""What of any transaction the books depend on, read from its JSON without the rest of it.

Belongs here: the properties that postings, open items and stock follow from. What they mean is `entries.py`.
"""

from decimal import Decimal

import msgspec

from sandbox.quickbooks.chart import Ref


class Link(msgspec.Struct, gc=False):
    TxnId: str = ""
    TxnType: str = ""


class Party(msgspec.Struct):
    """Both forms of a party on a line: {Type, EntityRef} of journal entries, a plain reference of deposits."""

    value: str = ""
    type: str = ""
    Type: str = ""
    EntityRef: Ref | None = None


class Detail(msgspec.Struct):
    ItemRef: Ref | None = None
    ItemAccountRef: Ref | None = None
    AccountRef: Ref | None = None
    DiscountAccountRef: Ref | None = None
    GroupItemRef: Ref | None = None
    TaxRateRef: Ref | None = None
    CustomerRef: Ref | None = None
    Qty: Decimal | None = None
    PostingType: str = ""
    Entity: Party | None = None
    Line: "list[DocumentLine] | None" = None


class DocumentLine(msgspec.Struct):
    Amount: Decimal | None = None
    DetailType: str = ""
    LinkedTxn: list[Link] | None = None
    SalesItemLineDetail: Detail | None = None
    GroupLineDetail: Detail | None = None
    DiscountLineDetail: Detail | None = None
    TaxLineDetail: Detail | None = None
    AccountBasedExpenseLineDetail: Detail | None = None
    ItemBasedExpenseLineDetail: Detail | None = None
    DepositLineDetail: Detail | None = None
    JournalEntryLineDetail: Detail | None = None


class Tax(msgspec.Struct):
    TotalTax: Decimal | None = None
    TaxLine: list[DocumentLine] | None = None


class Holder(msgspec.Struct):
    """An object of which only an account and an amount matter: CheckPayment, CreditCardPayment, CashBack."""

    BankAccountRef: Ref | None = None
    CCAccountRef: Ref | None = None
    AccountRef: Ref | None = None
    Amount: Decimal | None = None


class Document(msgspec.Struct):
    """What of any transaction the books depend on."""

    Id: str = ""
    TxnDate: str = ""
    DueDate: str = ""
    DocNumber: str = ""
    TotalAmt: Decimal | None = None
    Amount: Decimal | None = None
    Balance: Decimal | None = None
    RemainingCredit: Decimal | None = None
    ExchangeRate: Decimal | None = None
    CurrencyRef: Ref | None = None
    CustomerRef: Ref | None = None
    VendorRef: Ref | None = None
    EntityRef: Party | None = None
    ARAccountRef: Ref | None = None
    APAccountRef: Ref | None = None
    DepositToAccountRef: Ref | None = None
    AccountRef: Ref | None = None
    FromAccountRef: Ref | None = None
    ToAccountRef: Ref | None = None
    BankAccountRef: Ref | None = None
    CreditCardAccountRef: Ref | None = None
    CheckPayment: Holder | None = None
    CreditCardPayment: Holder | None = None
    CashBack: Holder | None = None
    Credit: bool | None = None
    TxnTaxDetail: Tax | None = None
    Line: list[DocumentLine] | None = None


document = msgspec.json.Decoder(Document).decode
