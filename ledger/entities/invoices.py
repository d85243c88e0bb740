"""Invoices: what customers owe us, document by document."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from ledger.entities.documents import (
    CURRENCY_IS_KNOWN,
    DUE_NOT_BEFORE_ISSUE,
    LINES_MAKE_THE_TOTAL,
    OPEN_WITHIN_TOTAL,
    SalesLine,
)
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
    code_of,
    entity,
    refers_to,
    together_with,
)


@entity(
    name="invoices",
    side="receivables",
    natural_key=("customer", "document_number"),
    rules=(DUE_NOT_BEFORE_ISSUE, OPEN_WITHIN_TOTAL, LINES_MAKE_THE_TOTAL, CURRENCY_IS_KNOWN),
)
class Invoice(Record, kw_only=True):
    """A demand for payment. A void one keeps its number and loses its amounts."""

    customer: Annotated[LedgerId, refers_to("customers")]
    document_number: Annotated[str, Owner.ERP] = ""
    issue_date: Annotated[date, Owner.ERP, DATED_ON]
    due_date: Annotated[date | None, Owner.LEDGER] = None
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
    open_amount: Annotated[Amount, Owner.ERP, RestOf("total_amount"), Says("what is still owed")]
    terms_code: Annotated[str, code_of("terms")] = ""
    po_number: str = ""
    billing_email: str = ""
    memo: Annotated[str, Owner.LEDGER, Says("what the customer reads")] = ""
    private_note: Annotated[str, Says("what the customer does not read")] = ""
    is_void: Annotated[bool, together_with("total_amount")] = False
    lines: tuple[SalesLine, ...] = ()
