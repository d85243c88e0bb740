"""What Xero is known to refuse about a document's lines and totals, or would compute otherwise; see `refusing.py`.

Xero computes: LineAmount = quantity x price, rounded half up; the tax of each line rounded half up by itself; TotalTax
their sum, never the tax of the sum (reference of the API; 79 captured invoices without an exception).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from resources.connector import Refusal, Wanted
from resources.erps.xero.company import Company, cents
from resources.erps.xero.lines import is_product
from resources.erps.xero.profile import AUTHORISED
from resources.errors import ErrorKind

UNIT_PRICE_STEP = Decimal("0.0001")


def of_amounts(wanted: Wanted, company: Company) -> Iterator[Refusal]:
    record, base = wanted.record, wanted.base
    if base is not None and record.lines == base.lines:  # type: ignore[attr-defined]
        if record.total_amount != base.total_amount:  # type: ignore[attr-defined]
            yield Refusal("total_amount", str(record.total_amount), "the sum of lines and tax", "change its lines")  # type: ignore[attr-defined]
        return
    if base is not None and (wanted.held or {}).get("LineAmountTypes") == "Inclusive":
        yield Refusal(
            "lines",
            "other lines on a document whose amounts include the tax",
            "the lines it has: without tax they would round otherwise",
            "change its lines in Xero",
        )
        return
    yield from _of_lines(wanted, company)
    yield from _of_totals(record, company)


def _of_lines(wanted: Wanted, company: Company) -> Iterator[Refusal]:
    lines: Any = wanted.record.lines  # type: ignore[attr-defined]
    if not any(line.kind != "description" for line in lines):
        yield Refusal("lines", "no line with an amount", "at least one", "add a line")
    for number, line in enumerate(lines, 1):
        place = f"lines[{number}]"
        if line.kind in ("group", "shipping"):
            yield Refusal(f"{place}.kind", line.kind, "item, discount or description", "enter it as an item line")
        if line.kind == "description":
            continue
        if line.amount != cents(line.amount):
            yield Refusal(f"{place}.amount", str(line.amount), "whole cents", "round it")
        elif not is_product(line):
            yield Refusal(
                f"{place}.amount",
                str(line.amount),
                f"quantity x unit price = {cents(line.quantity * line.unit_price)}",
                "correct one of the three, or leave quantity and unit price empty",
            )
        if line.unit_price is not None and line.unit_price != line.unit_price.quantize(UNIT_PRICE_STEP):
            yield Refusal(f"{place}.unit_price", str(line.unit_price), "at most four decimals", "round it")
        if company.document_status == AUTHORISED and not line.account_code and not line.item:
            yield Refusal(
                f"{place}.account_code", "nothing", "the account, or an item that has one", "name it", ErrorKind.MAPPING
            )


def _of_totals(record: Any, company: Company) -> Iterator[Refusal]:
    if record.total_amount < 0:
        yield Refusal("total_amount", str(record.total_amount), "0 or more", "enter it as a credit instead")
    net = sum((line.amount for line in record.lines), Decimal(0))
    if net + record.tax_amount != record.total_amount:
        yield Refusal(
            "total_amount",
            str(record.total_amount),
            f"what its lines and tax come to, {net + record.tax_amount}: Xero adds them up itself",
            "correct the total, the tax or a line",
        )
    taxes = [company.tax_of(line.tax_code, line.amount) for line in record.lines if line.kind != "description"]
    if any(tax is None for tax in taxes):
        return
    computed = sum((tax for tax in taxes if tax is not None), Decimal(0))
    if computed != record.tax_amount:
        yield Refusal(
            "tax_amount",
            str(record.tax_amount),
            f"{computed}: the tax of each line rounded by itself, then added up",
            "correct the tax, or the tax codes of the lines",
            ErrorKind.MAPPING if not any(line.tax_code for line in record.lines) else ErrorKind.VALIDATION,
        )
