"""What QuickBooks is known to refuse about a document's lines, totals and applications; see `refusing.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from ledger.fields import MappingError
from resources.connector import Refusal
from resources.erps.quickbooks.cases import Case
from resources.erps.quickbooks.company import CENT, UNTAXED, cents
from resources.erps.quickbooks.documents import SETTLED
from resources.erps.quickbooks.lines import settled_key
from resources.erps.quickbooks.profile import SALES
from resources.errors import ErrorKind

_SETTLES = {
    "payments": ("Invoice", "CreditMemo", "JournalEntry", "Expense", "Check", "CreditCardCredit"),
    "bill_payments": ("Bill", "VendorCredit", "JournalEntry", "Deposit"),
}
TAXED_LINES_MAX = 750


def of_lines(case: Case) -> Iterator[Refusal]:
    if "lines" not in case.mapping.parts:
        return
    if not any(line.kind != "discount" for line in case.get("lines")):
        yield Refusal("lines", "no line", "at least one line with an item or a text", "add a line")
    taxed = any(line.tax_code not in ("", UNTAXED) for line in case.get("lines") if hasattr(line, "service_date"))
    if taxed and len(case.get("lines")) > TAXED_LINES_MAX:
        yield Refusal(
            "lines",
            f"{len(case.get('lines'))} lines",
            f"at most {TAXED_LINES_MAX} on a taxed document",
            "split the document",
        )
    held_keys = {line.line_key: line.kind for line in getattr(case.base, "lines", ()) if line.line_key}
    for place, line in case.new_lines():
        if line.kind in ("group", "shipping") and held_keys.get(line.line_key) != line.kind:
            yield Refusal(
                f"{place}.kind",
                line.kind,
                "item, discount or description",
                "enter what is in it as item lines, or enter the line in QuickBooks",
            )
        if line.kind == "item" and not line.item and line.line_key not in held_keys:
            yield Refusal(f"{place}.item", "nothing", "the item that is sold or bought", "name the item")
        if line.kind == "account" and not line.account_code:
            yield Refusal(
                f"{place}.account_code", "nothing", "the account of the cost", "name the account", ErrorKind.MAPPING
            )
        yield from _of_amounts(place, line)


def _of_amounts(place: str, line: Any) -> Iterator[Refusal]:
    if line.kind in ("description", "group") and line.amount:
        yield Refusal(f"{place}.amount", str(line.amount), "0 on a line without an item", "put it on an item line")
    elif line.amount != cents(line.amount):
        yield Refusal(f"{place}.amount", str(line.amount), "whole cents", "round it")
    elif line.kind == "item" and line.quantity is not None and line.unit_price is not None:
        product = cents(line.quantity * line.unit_price)
        if product != line.amount:
            yield Refusal(
                f"{place}.amount",
                f"{line.amount}",
                f"quantity x unit price = {line.quantity} x {line.unit_price} = {product}",
                "correct one of the three, or leave quantity and unit price empty",
            )
    if line.kind == "discount" and line.amount > 0:
        yield Refusal(f"{place}.amount", str(line.amount), "a negative amount or 0", "turn its sign")


def of_totals(case: Case) -> Iterator[Refusal]:
    total = case.get("total_amount")
    if total is None:
        return
    if total < 0:
        yield Refusal("total_amount", str(total), "0 or more", "enter it as a credit instead")
    if total != cents(total):
        yield Refusal("total_amount", str(total), "whole cents", "round it")
    if "lines" not in case.mapping.parts:
        return
    # A document may hold more than its lines show (statement charges); what it held beyond them it keeps.
    beyond = case.base.net_amount - _sum(case.base.lines) if case.base is not None else Decimal(0)  # type: ignore[attr-defined]
    tax = case.get("tax_amount")
    comes_to = _sum(case.get("lines")) + beyond + tax
    if comes_to != total:
        yield Refusal(
            "total_amount",
            str(total),
            f"what its lines and tax come to, {comes_to}: QuickBooks adds them up itself",
            "correct the total, the tax or a line",
        )
    if not case.is_new("tax_amount"):
        return
    if tax and case.company.is_american and case.entity not in SALES:
        yield Refusal(
            "tax_amount", str(tax), "0: in the US QuickBooks has no tax on purchases", "put the tax on a line"
        )
    elif tax and not case.company.is_american and not any(line.tax_code for line in case.get("lines")):
        yield Refusal(
            "tax_amount",
            str(tax),
            "tax codes on the lines: QuickBooks computes the tax from them",
            "give the lines their tax codes",
            ErrorKind.MAPPING,
        )


def of_applications(case: Case) -> Iterator[Refusal]:
    if case.entity not in _SETTLES:
        return
    applications, total = case.get("applications"), case.get("total_amount")
    held = {_key_or_none(part) for part in getattr(case.base, "applications", ())}
    applied = Decimal(0)
    for number, part in enumerate(applications, 1):
        place, key = f"applications[{number}]", _key_or_none(part)
        if key is None or (key[0] not in _SETTLES[case.entity] and key not in held):
            can = ", ".join(sorted(SETTLED[word] for word in _SETTLES[case.entity]))
            yield Refusal(
                f"{place}.document", f"{part.document_entity} {part.document or part.document_key}", f"one of {can}",
                "apply it to such a document",
            )  # fmt: skip
            continue
        if part.amount <= 0 or part.amount != cents(part.amount):
            yield Refusal(f"{place}.amount", str(part.amount), f"at least {CENT}, in whole cents", "correct the amount")
        applied += (
            -part.amount if key[0] in ("CreditMemo", "VendorCredit", "CreditCardCredit", "Deposit") else part.amount
        )
    if applied > total or applied < 0:
        yield Refusal(
            "applications",
            f"{applied} in all, credits taken off",
            f"between 0 and the payment's total {total}",
            "apply less, or correct the total",
        )
    if case.entity == "bill_payments" and not applications:
        yield Refusal(
            "applications",
            "none",
            "at least one bill: QuickBooks has no bill payment without",
            "apply it to a bill, or enter it as an expense in QuickBooks",
        )


def _key_or_none(part: Any) -> tuple[str, str] | None:
    try:
        return settled_key(part)
    except MappingError:
        return None


def _sum(lines: Sequence[Any]) -> Decimal:
    return sum((line.amount for line in lines), Decimal(0))
