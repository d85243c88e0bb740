"""Bill payments: money we sent to vendors, and what it settles."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from ledger.entities.documents import APPLIED, CURRENCY_IS_KNOWN, UNAPPLIED, UNAPPLIED_WITHIN_TOTAL, Application
from ledger.spec import (
    DATED_ON,
    IN_ISO_4217,
    Amount,
    ExchangeRate,
    LedgerId,
    Owner,
    Record,
    Rule,
    Says,
    code_of,
    entity,
    refers_to,
    together_with,
)


@entity(
    name="bill_payments",
    side="payables",
    natural_key=("vendor", "payment_date", "document_number"),
    rules=(
        Rule(
            "applied_and_unapplied_make_the_total",
            sql="is_void or applied_amount + unapplied_amount = total_amount",
            says="what is applied and what is not add up to what was paid",
        ),
        UNAPPLIED_WITHIN_TOTAL,
        CURRENCY_IS_KNOWN,
    ),
)
class BillPayment(Record, kw_only=True):
    """Money paid. `applied_amount` settles bills, net of the vendor credits it was paired with."""

    vendor: Annotated[LedgerId, refers_to("vendors")]
    payment_date: Annotated[date, Owner.ERP, DATED_ON]
    document_number: Annotated[str, Says("cheque number")] = ""
    method: Annotated[Literal["check", "card"], Owner.ERP]
    paid_from_account_code: Annotated[str, code_of("accounts"), Owner.ERP, Says("bank or card account")] = ""
    currency: Annotated[str, Owner.ERP, IN_ISO_4217, together_with("total_amount")]
    exchange_rate: ExchangeRate = Decimal(1)
    total_amount: Amount
    applied_amount: Annotated[Amount, Owner.ERP, APPLIED, Says("applied to bills less vendor credits applied with it")]
    unapplied_amount: Annotated[Amount, Owner.ERP, UNAPPLIED, Says("paid beyond the bills it settles")]
    private_note: str = ""
    is_void: Annotated[bool, together_with("total_amount")] = False
    applications: tuple[Application, ...] = ()
