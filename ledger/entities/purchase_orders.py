"""Purchase orders: what we asked vendors for. They move no money until a bill answers them."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from ledger.entities.documents import CURRENCY_IS_KNOWN, PurchaseLine
from ledger.spec import (
    DATED_ON,
    IN_ISO_4217,
    Amount,
    ExchangeRate,
    LedgerId,
    Owner,
    Record,
    Says,
    SumOf,
    code_of,
    entity,
    refers_to,
    together_with,
)


@entity(
    name="purchase_orders",
    side="payables",
    natural_key=("vendor", "document_number"),
    rules=(CURRENCY_IS_KNOWN,),
)
class PurchaseOrder(Record, kw_only=True):
    """An order to a vendor; `closed` once everything on it was billed, or by hand."""

    vendor: Annotated[LedgerId, refers_to("vendors")]
    document_number: Annotated[str, Owner.ERP] = ""
    issue_date: Annotated[date, Owner.ERP, DATED_ON]
    expected_date: date | None = None
    status: Annotated[Literal["open", "closed"], Owner.ERP]
    currency: Annotated[str, Owner.ERP, IN_ISO_4217, together_with("total_amount")]
    exchange_rate: ExchangeRate = Decimal(1)
    net_amount: Annotated[Amount, together_with("total_amount"), SumOf("lines"), Says("sum of the lines, without tax")]
    tax_amount: Annotated[Amount, Owner.ERP, together_with("total_amount")] = Decimal(0)
    total_amount: Amount
    payable_account_code: Annotated[str, code_of("accounts"), Owner.ERP] = ""
    email: str = ""
    memo: Annotated[str, Owner.LEDGER, Says("what the vendor reads")] = ""
    private_note: str = ""
    lines: tuple[PurchaseLine, ...] = ()
