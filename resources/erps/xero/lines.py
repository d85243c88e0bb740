"""A document's lines as they are to be sent: what we want, over what Xero holds.

A list of lines replaces the one there: with its LineItemID a line is updated, without it is another one, and what is
not sent is deleted [documentation]. So an update names all lines, each unchanged one as it is held, its tax included;
the tax of a changed one is left for Xero to compute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from resources.erps.xero.company import NO_TAX, cents

EXCLUSIVE, NO_TAX_AT_ALL = "Exclusive", "NoTax"
# What a client may say of a line; the rest is computed or looked up over there.
_SAID = (
    *("LineItemID", "ItemCode", "Description", "Quantity", "UnitAmount", "LineAmount", "AccountCode", "TaxType"),
    *("TaxAmount", "Tracking", "DiscountRate"),
)
_AMOUNTS = ("quantity", "unit_price", "amount")


def new_lines(record: Any) -> tuple[str, list[dict[str, Any]]]:
    """LineAmountTypes and the lines of a document that is to be made."""
    is_taxed = _is_taxed(record)
    return (EXCLUSIVE if is_taxed else NO_TAX_AT_ALL), [_new(line, is_taxed) for line in record.lines]


def rewritten_lines(record: Any, base: Any, held: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """The wanted lines over the held ones, in the wanted order. Documents with tax included are refused before."""
    there = {line.get("LineItemID"): line for line in held.get("LineItems") or () if isinstance(line, Mapping)}
    before = {line.line_key: line for line in base.lines if line.line_key}
    is_taxed = held.get("LineAmountTypes") == EXCLUSIVE or _is_taxed(record)
    sent: list[dict[str, Any]] = []
    for line in record.lines:
        known, was = there.get(line.line_key), before.get(line.line_key)
        sent.append(_over(line, was, known, is_taxed) if known and was else _new(line, is_taxed))
    return (EXCLUSIVE if is_taxed else NO_TAX_AT_ALL), sent


def changed_fields(line: Any, was: Any) -> set[str]:
    """In which fields two versions of a line differ, its place left aside."""
    return {name for name in line.__struct_fields__ if name != "position" and getattr(line, name) != getattr(was, name)}


def _over(line: Any, was: Any, held: Mapping[str, Any], is_taxed: bool) -> dict[str, Any]:
    body = {key: held[key] for key in _SAID if key in held}
    # Captured rows name a tracking by its words and ids; it is sent back by its words.
    tracking: Sequence[Any] = body.get("Tracking") or ()
    body["Tracking"] = [{k: one[k] for k in ("Name", "Option") if k in one} for one in tracking]
    changed = changed_fields(line, was)
    if not changed:
        return body
    body.pop("TaxAmount", None)
    for field, key in (("description", "Description"), ("account_code", "AccountCode"), ("item", "ItemCode")):
        if field in changed:
            body[key] = getattr(line, field) or ""
    if "tax_code" in changed or (is_taxed and not line.tax_code):
        body["TaxType"] = line.tax_code or NO_TAX
    if changed & set(_AMOUNTS):
        body.pop("DiscountRate", None)
        body.update(_amounts(line))
    return body


def _new(line: Any, is_taxed: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"Description": line.description or line.item or ""}
    if line.kind == "description":
        return body
    body.update(_amounts(line))
    if line.item:
        body["ItemCode"] = line.item
    if line.account_code:
        body["AccountCode"] = line.account_code
    if is_taxed:
        # Left out, the account's own tax would be taken.
        body["TaxType"] = line.tax_code or NO_TAX
    return body


def _amounts(line: Any) -> dict[str, Decimal]:
    """Quantity and price, or where they do not say the amount, one of the amount."""
    if line.quantity is None or line.unit_price is None:
        return {"Quantity": Decimal(1), "UnitAmount": line.amount, "LineAmount": line.amount}
    return {"Quantity": line.quantity, "UnitAmount": line.unit_price, "LineAmount": line.amount}


def is_product(line: Any) -> bool:
    """Whether quantity times price is the amount, as far as both are said."""
    if line.quantity is None or line.unit_price is None:
        return True
    return cents(line.quantity * line.unit_price) == line.amount


def _is_taxed(record: Any) -> bool:
    return bool(record.tax_amount) or any(line.tax_code not in ("", NO_TAX) for line in record.lines)
