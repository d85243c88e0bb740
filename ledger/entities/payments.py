"""Payments: money that customers sent, and what it settles."""

from datetime import date
from decimal import Decimal
from typing import Annotated

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
    name="payments",
    side="receivables",
    natural_key=("customer", "payment_date", "reference_number"),
    rules=(
        Rule(
            "applied_and_unapplied_make_the_total",
            sql="is_void or applied_amount + unapplied_amount = total_amount",
            says="what is applied and what is not add up to what came in",
        ),
        UNAPPLIED_WITHIN_TOTAL,
        CURRENCY_IS_KNOWN,
    ),
)
class Payment(Record, kw_only=True):
    """Money received. `applied_amount` settles invoices, net of the credits it was paired with."""

    customer: Annotated[LedgerId, refers_to("customers")]
    payment_date: Annotated[date, Owner.ERP, DATED_ON]
    reference_number: Annotated[str, Says("cheque or transfer number")] = ""
    currency: Annotated[str, Owner.ERP, IN_ISO_4217, together_with("total_amount")]
    exchange_rate: ExchangeRate = Decimal(1)
    total_amount: Amount
    applied_amount: Annotated[Amount, Owner.ERP, APPLIED, Says("applied to invoices less credits applied with it")]
    unapplied_amount: Annotated[Amount, Owner.ERP, UNAPPLIED, Says("not yet applied to any document")]
    method_code: Annotated[str, code_of("payment_methods"), Says("payment method as the ERP identifies it")] = ""
    deposit_account_code: Annotated[str, code_of("accounts"), Owner.ERP] = ""
    private_note: str = ""
    is_void: Annotated[bool, together_with("total_amount")] = False
    applications: tuple[Application, ...] = ()
