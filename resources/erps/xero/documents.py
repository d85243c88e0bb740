"""What Xero's documents have in common on the wire: dates, rates, statuses, lines.

Amounts of a line are without tax in canonical form. Xero says by `LineAmountTypes` of the document whether its lines
contain it, which one line alone does not know: so a document whose lines do is read as if they did not
(`DocumentMapping`).
Sources: reference of the API, documents; captures of 2020 to 2026.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from msgspec import UNSET, Raw, UnsetType

from ledger.fields import Amount, Derived, Field, Parts, Payload, Ref, Text, UnreadableError, Variant
from ledger.mapping import WireMapping
from ledger.money import InvalidAmountError, parse_amount
from ledger.shapes import Shaped, column, with_values
from resources.erps.xero.values import read_day

RATE_STEP = Decimal("0.000001")
DOCUMENT_NUMBER_LENGTH_MAX = 255
LINE_TEXT_LENGTH_MAX = 4000
# Not yet owed: they wait for somebody's approval, and nothing can be applied to them.
UNAPPROVED = frozenset({"DRAFT", "SUBMITTED"})
# Void and deleted documents count for nothing.
NOT_OWED = UNAPPROVED | {"VOIDED", "DELETED"}
INCLUSIVE, EXCLUSIVE = "Inclusive", "Exclusive"


@dataclass(frozen=True)
class XeroDay(Field):
    """A calendar day, read from `/Date(ms+0000)/` and written as YYYY-MM-DD."""

    def convert(self, value: Any) -> date:
        day = read_day(value)
        if day is None:
            raise UnreadableError(value, "a day as /Date(milliseconds+0000)/")
        return day

    def unconvert(self, value: date) -> str:
        return value.isoformat()


class DocumentMapping(WireMapping):
    """A document, its lines read without tax."""

    def prepared(self, payload: Payload) -> Payload:
        if payload.get("LineAmountTypes") != INCLUSIVE:
            return payload
        lines = payload.get("LineItems")
        if not isinstance(lines, list):
            return payload
        return with_values(payload, LineAmountTypes=EXCLUSIVE, LineItems=[*map(_without_tax, lines)])


_LINE_FIELDS: Mapping[str, Field] = {
    "line_key": Text("LineItemID"),
    "description": Text("Description", length_max=LINE_TEXT_LENGTH_MAX),
    "quantity": Amount("Quantity"),
    "unit_price": Amount("UnitAmount"),
    "amount": Amount("LineAmount"),
    "account_code": Text("AccountCode"),
    "tax_code": Text("TaxType"),
}
_DESCRIPTION = Variant(
    implies={"kind": "description", "amount": Decimal(0)},
    fields={"line_key": Text("LineItemID"), "description": Text("Description", length_max=LINE_TEXT_LENGTH_MAX)},
)
# A line without an item may say so by an empty code.
_ITEM = Variant(implies={"kind": "item"}, fields={**_LINE_FIELDS, "item": Ref("ItemCode", pseudo=frozenset({""}))})


def _kind_of_sale(line: Payload) -> str:
    return "item" if "LineAmount" in line else "description"


def _kinds_of_sales(lines: Sequence[Shaped]) -> Sequence[str]:
    return ["description" if amount is UNSET else "item" for amount in column(lines, "LineAmount")]


def _kind_of_purchase(line: Payload) -> str:
    return "account" if "LineAmount" in line and not line.get("ItemCode") else _kind_of_sale(line)


SALES_LINES = Parts(
    path="LineItems",
    variant_path=None,
    tell=_kind_of_sale,
    tell_all=_kinds_of_sales,
    variants={"item": _ITEM, "description": _DESCRIPTION},
)
PURCHASE_LINES = Parts(
    path="LineItems",
    variant_path=None,
    tell=_kind_of_purchase,
    variants={
        "item": _ITEM,
        "account": Variant(implies={"kind": "account"}, fields=_LINE_FIELDS),
        "description": _DESCRIPTION,
    },
)


def header(party: str, number: str) -> dict[str, Field]:
    """The fields that every document has at the same place."""
    return {
        party: Ref("Contact.ContactID"),
        "document_number": Text(number, length_max=DOCUMENT_NUMBER_LENGTH_MAX),
        "issue_date": XeroDay("Date"),
        "currency": Text("CurrencyCode"),
        "exchange_rate": Derived("CurrencyRate", derive=exchange_rate, derive_all=exchange_rates),
        "net_amount": Amount("SubTotal", is_read_only=True),
        "tax_amount": Amount("TotalTax", is_read_only=True),
        "total_amount": Amount("Total", is_read_only=True),
    }


def exchange_rate(payload: Payload) -> Decimal:
    """Base units for one unit of the document's currency. Xero counts the other way round (inferred: README.md)."""
    rate = exact(payload.get("CurrencyRate"))
    return Decimal(1) if rate in (0, 1) else (1 / rate).quantize(RATE_STEP, ROUND_HALF_UP)


def said_rate(record: Any) -> dict[str, Decimal]:
    """The rate of a record of ours, as Xero counts it. A rate of one is what the ledger has where nobody said one: left
    out, Xero takes that day's.
    """
    rate: Decimal = record.exchange_rate
    return {} if rate in (0, 1) else {"CurrencyRate": (1 / rate).quantize(RATE_STEP, ROUND_HALF_UP)}


def kept_rate(record: Any) -> Decimal:
    """What the rate of a record of ours is once Xero has rounded it; 0 where nothing would be left of it."""
    said = said_rate(record)
    return exchange_rate(said) if said.get("CurrencyRate", 1) else Decimal(0)


def exchange_rates(documents: Sequence[Shaped]) -> Sequence[Decimal] | None:
    """The same of many, which mostly are of a few currencies and days."""
    rates = column(documents, "CurrencyRate")
    if not {*map(type, rates)} <= {Raw, UnsetType}:
        return None
    written = ["" if rate is UNSET else str(rate, "ascii") for rate in rates]
    known = {rate: exchange_rate({"CurrencyRate": rate or None}) for rate in set(written)}
    return [*map(known.__getitem__, written)]


def is_void(payload: Payload) -> bool:
    return payload.get("Status") == "VOIDED"


def _are_void(documents: Sequence[Shaped]) -> Sequence[bool]:
    return [status == "VOIDED" for status in column(documents, "Status")]


IS_VOID = Derived("Status", derive=is_void, derive_all=_are_void)


def still_owed(key: str) -> Derived:
    """What is left to be paid of a document, by the amount under a key: nothing before it is approved."""

    def derive(payload: Payload) -> Decimal:
        return Decimal(0) if payload.get("Status") in NOT_OWED else exact(payload.get(key))

    def derive_all(documents: Sequence[Shaped]) -> Sequence[Any] | None:
        amounts, statuses = column(documents, key), column(documents, "Status")
        if {*map(type, amounts)} != {Raw}:
            return None
        written = Amount(key).convert_all(amounts, {Raw})
        if NOT_OWED.isdisjoint(statuses):
            return written
        return [Decimal(0) if status in NOT_OWED else amount for status, amount in zip(statuses, written, strict=True)]

    return Derived(key, derive=derive, derive_all=derive_all)


def remaining_credit(payload: Payload) -> Decimal:
    """What is left of a credit, an overpayment or a prepayment."""
    return Decimal(0) if payload.get("Status") in NOT_OWED else exact(payload.get("RemainingCredit"))


def exact(value: Any) -> Decimal:
    # What cannot be read as an amount is reported where the field itself is mapped; here it only must not be counted.
    try:
        return parse_amount(value)
    except InvalidAmountError:
        return Decimal(0)


def _without_tax(line: Any) -> Any:
    try:
        amount = parse_amount(line["LineAmount"])
    except (InvalidAmountError, LookupError, TypeError):
        # It has none, or what cannot be read and is reported where it is mapped.
        return line
    return with_values(line, LineAmount=amount - exact(line.get("TaxAmount")))
