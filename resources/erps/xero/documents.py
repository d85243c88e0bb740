"""What Xero's documents have in common on the wire: dates, rates, statuses, lines.

Amounts of a line are without tax in canonical form. Xero says by `LineAmountTypes` of the document whether its lines
contain it, which one line alone does not know: so a document is read with its lines completed (`DocumentMapping`).
Sources: reference of the API, documents; captures of 2020 to 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ledger.fields import Amount, Derived, Field, Parts, Payload, Ref, Text, UnreadableError, Variant
from ledger.mapping import WireMapping
from ledger.money import InvalidAmountError, parse_amount
from resources.erps.xero.values import read_day

RATE_STEP = Decimal("0.000001")
DOCUMENT_NUMBER_LENGTH_MAX = 255
LINE_TEXT_LENGTH_MAX = 4000
# Not (or no longer) owed: drafts wait for an approval, void and deleted documents count for nothing.
NOT_OWED = frozenset({"DRAFT", "SUBMITTED", "VOIDED", "DELETED"})
KIND, NET = "tieout:Kind", "tieout:Net"


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
    """A document, read with what its lines do not say themselves."""

    def prepared(self, payload: Payload) -> Payload:
        return _completed(payload, is_purchase="SalesLine" not in self._line_name)

    @property
    def _line_name(self) -> str:
        return next(part.record.__name__ for part in self.spec.parts if part.name == "lines")


_LINE_FIELDS: Mapping[str, Field] = {
    "line_key": Text("LineItemID"),
    "description": Text("Description", length_max=LINE_TEXT_LENGTH_MAX),
    "quantity": Amount("Quantity"),
    "unit_price": Amount("UnitAmount"),
    "amount": Amount(NET),
    "account_code": Text("AccountCode"),
    "tax_code": Text("TaxType"),
}
_DESCRIPTION = Variant(
    implies={"kind": "description", "amount": Decimal(0)},
    fields={"line_key": Text("LineItemID"), "description": Text("Description", length_max=LINE_TEXT_LENGTH_MAX)},
)
_ITEM = Variant(implies={"kind": "item"}, fields={**_LINE_FIELDS, "item": Ref("ItemCode")})

SALES_LINES = Parts("LineItems", KIND, {"item": _ITEM, "account": _ITEM, "description": _DESCRIPTION})
PURCHASE_LINES = Parts(
    "LineItems",
    KIND,
    {
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
        "exchange_rate": Derived("CurrencyRate", derive=exchange_rate),
        "net_amount": Amount("SubTotal", is_read_only=True),
        "tax_amount": Amount("TotalTax", is_read_only=True),
        "total_amount": Amount("Total", is_read_only=True),
    }


def exchange_rate(payload: Payload) -> Decimal:
    """Base units for one unit of the document's currency. Xero counts the other way round (inferred: README.md)."""
    rate = exact(payload.get("CurrencyRate"))
    return Decimal(1) if rate in (0, 1) else (1 / rate).quantize(RATE_STEP, ROUND_HALF_UP)


def is_void(payload: Payload) -> bool:
    return payload.get("Status") == "VOIDED"


def amount_due(payload: Payload) -> Decimal:
    """What is still owed on an invoice or bill: nothing before it is approved."""
    return Decimal(0) if payload.get("Status") in NOT_OWED else exact(payload.get("AmountDue"))


def remaining_credit(payload: Payload) -> Decimal:
    """What is left of a credit, an overpayment or a prepayment."""
    return Decimal(0) if payload.get("Status") in NOT_OWED else exact(payload.get("RemainingCredit"))


def exact(value: Any) -> Decimal:
    # What cannot be read as an amount is reported where the field itself is mapped; here it only must not be counted.
    try:
        return parse_amount(value)
    except InvalidAmountError:
        return Decimal(0)


def net_of_line(line: Mapping[str, Any], amount_types: Any) -> Decimal:
    """A line's amount without tax."""
    amount = exact(line.get("LineAmount"))
    return amount - exact(line.get("TaxAmount")) if amount_types == "Inclusive" else amount


def _completed(payload: Payload, *, is_purchase: bool) -> Payload:
    lines = payload.get("LineItems")
    if not isinstance(lines, list):
        return payload
    types = payload.get("LineAmountTypes")
    return {**payload, "LineItems": [_completed_line(line, types, is_purchase) for line in lines]}


def _completed_line(line: Any, amount_types: Any, is_purchase: bool) -> Any:
    if not isinstance(line, Mapping):
        return line
    if "LineAmount" not in line:
        return {**line, KIND: "description"}
    kind = "account" if is_purchase and not line.get("ItemCode") else "item"
    # A line without an item says nothing of one rather than an empty code.
    plain = line if line.get("ItemCode") else {key: each for key, each in line.items() if key != "ItemCode"}
    return {**plain, KIND: kind, NET: net_of_line(line, amount_types)}
