"""Bills: what we owe vendors, document by document."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from ledger.entities.documents import (
    CURRENCY_IS_KNOWN,
    DUE_NOT_BEFORE_ISSUE,
    LINES_MAKE_THE_TOTAL,
    OPEN_WITHIN_TOTAL,
    PurchaseLine,
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
    name="bills",
    side="payables",
    natural_key=("vendor", "document_number"),
    rules=(DUE_NOT_BEFORE_ISSUE, OPEN_WITHIN_TOTAL, LINES_MAKE_THE_TOTAL, CURRENCY_IS_KNOWN),
)
class Bill(Record, kw_only=True):
    """A vendor's demand for payment."""

    vendor: Annotated[LedgerId, refers_to("vendors")]
    document_number: Annotated[str, Owner.ERP, Says("the vendor's own number")] = ""
    issue_date: Annotated[date, Owner.ERP, DATED_ON]
    due_date: Annotated[date | None, Owner.LEDGER] = None
    currency: Annotated[str, Owner.ERP, IN_ISO_4217, together_with("total_amount")]
    exchange_rate: ExchangeRate = Decimal(1)
    net_amount: Annotated[Amount, together_with("total_amount"), SumOf("lines"), Says("sum of the lines, without tax")]
    tax_amount: Annotated[Amount, Owner.ERP, together_with("total_amount")] = Decimal(0)
    total_amount: Amount
    open_amount: Annotated[Amount, Owner.ERP, RestOf("total_amount"), Says("what we still owe")]
    payable_account_code: Annotated[str, code_of("accounts"), Owner.ERP] = ""
    terms_code: Annotated[str, code_of("terms")] = ""
    private_note: str = ""
    is_void: Annotated[bool, together_with("total_amount")] = False
    lines: tuple[PurchaseLine, ...] = ()
