"""What documents have in common: the lines of sales and purchases, and the rules that hold for every document.

Not an entity: the shared form of several. A document's amounts are all in its own `currency`.
"""

from datetime import date
from typing import Annotated, Literal

from ledger.spec import (
    Amount,
    LedgerId,
    Owner,
    Part,
    Quantity,
    RefersToAny,
    RestOf,
    Rule,
    Says,
    SumOf,
    code_of,
    refers_to,
    together_with,
)


class SalesLine(Part, kw_only=True):
    """One line of a sales document."""

    line_key: Annotated[str, Owner.ERP, Says("the line's id in the ERP, empty for lines it does not number")] = ""
    position: Annotated[int, Says("order on the document, from 1")]
    kind: Literal["item", "discount", "description", "shipping", "group"]
    item: Annotated[LedgerId | None, refers_to("items")] = None
    description: str = ""
    quantity: Annotated[Quantity | None, together_with("amount")] = None
    unit_price: Annotated[Amount | None, together_with("amount")] = None
    amount: Annotated[Amount, Says("without tax, signed: discounts are negative")]
    account_code: Annotated[str, code_of("accounts"), Owner.ERP] = ""
    tax_code: Annotated[str, code_of("tax_codes")] = ""
    service_date: Annotated[date | None, Says("day the work was done")] = None


class PurchaseLine(Part, kw_only=True):
    """One line of a purchase document."""

    line_key: Annotated[str, Owner.ERP, Says("the line's id in the ERP, empty for lines it does not number")] = ""
    position: Annotated[int, Says("order on the document, from 1")]
    kind: Literal["item", "account", "description"]
    item: Annotated[LedgerId | None, refers_to("items")] = None
    account_code: Annotated[str, code_of("accounts")] = ""
    customer: Annotated[LedgerId | None, refers_to("customers"), Says("whom the cost is billed on to")] = None
    description: str = ""
    quantity: Annotated[Quantity | None, together_with("amount")] = None
    unit_price: Annotated[Amount | None, together_with("amount")] = None
    amount: Annotated[Amount, Says("without tax, signed")]
    tax_code: Annotated[str, code_of("tax_codes")] = ""
    is_billable: bool = False


class Application(Part, kw_only=True):
    """One part of a payment that settles one document."""

    position: Annotated[int, Says("order on the payment, from 1")]
    document_entity: Annotated[str, Says("entity of the settled document, or the ERP's word for one the ledger lacks")]
    document: Annotated[LedgerId | None, RefersToAny("document_entity"), Says("the settled document")] = None
    document_key: Annotated[str, Owner.ERP, Says("the settled document's id in the ERP")]
    amount: Annotated[Amount, Says("in the payment's currency")]


# Credits that a payment consumes instead of settling: they count against what it applies.
CREDITS = frozenset(
    {"credit_memos", "vendor_credits", "credit_card_credits", "deposits", "overpayments", "prepayments"}
)
APPLIED = SumOf("applications", less=("document_entity", CREDITS))
UNAPPLIED = RestOf("total_amount", less="applied_amount")

OPEN_WITHIN_TOTAL = Rule(
    "open_within_total",
    sql="open_amount between least(total_amount, 0) and greatest(total_amount, 0)",
    says="what is open lies between nothing and the whole",
)
UNAPPLIED_WITHIN_TOTAL = Rule(
    "unapplied_within_total",
    sql="unapplied_amount between least(total_amount, 0) and greatest(total_amount, 0)",
    says="what is not applied lies between nothing and the whole",
    is_blocking=False,
)
LINES_MAKE_THE_TOTAL = Rule(
    "lines_make_the_total",
    sql="is_void or net_amount + tax_amount = total_amount",
    says="lines and tax add up to the total",
)
DUE_NOT_BEFORE_ISSUE = Rule(
    "due_not_before_issue",
    sql="due_date is null or due_date >= issue_date",
    says="nothing is due before its date",
    is_blocking=False,
)
CURRENCY_IS_KNOWN = Rule("currency_is_known", sql="currency ~ '^[A-Z]{3}$'", says="the currency is a three-letter code")
