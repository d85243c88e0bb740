"""Credit memos: what we owe customers back."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from ledger.entities.documents import CURRENCY_IS_KNOWN, LINES_MAKE_THE_TOTAL, OPEN_WITHIN_TOTAL, SalesLine
from ledger.spec import (
    DATED_ON,
    IN_ISO_4217,
    Amount,
    ExchangeRate,
    LedgerId,
    Owner,
    Record,
    RestOf,
    Says,
    SumOf,
    entity,
    refers_to,
    together_with,
)


@entity(
    name="credit_memos",
    side="receivables",
    natural_key=("customer", "document_number"),
    rules=(OPEN_WITHIN_TOTAL, LINES_MAKE_THE_TOTAL, CURRENCY_IS_KNOWN),
)
class CreditMemo(Record, kw_only=True):
    """A credit to a customer. Amounts are positive; `open_amount` is the part not yet applied to an invoice."""

    customer: Annotated[LedgerId, refers_to("customers")]
    document_number: Annotated[str, Owner.ERP] = ""
    issue_date: Annotated[date, Owner.ERP, DATED_ON]
    currency: Annotated[str, Owner.ERP, IN_ISO_4217, together_with("total_amount")]
    exchange_rate: ExchangeRate = Decimal(1)
    net_amount: Annotated[
        Amount,
        together_with("total_amount"),
        SumOf("lines"),
        Says("sum of the lines, discounts taken off, without tax"),
    ]
    tax_amount: Annotated[Amount, Owner.ERP, together_with("total_amount")] = Decimal(0)
    total_amount: Amount
    open_amount: Annotated[Amount, Owner.ERP, RestOf("total_amount"), Says("credit not yet applied")]
    memo: Annotated[str, Owner.LEDGER, Says("what the customer reads")] = ""
    private_note: str = ""
    is_void: Annotated[bool, together_with("total_amount")] = False
    lines: tuple[SalesLine, ...] = ()
