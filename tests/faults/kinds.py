"""A kind of record that a schedule works on, and what all ERPs have in common about it.

Belongs here: how the ledger writes it. What each ERP calls it and how it is made there is `erps/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

DAY = "2026-03-01"
# What either kind of money settles, and the credits of its side.
SETTLES = {"payments": "invoices", "bill_payments": "bills"}
CREDITS = {"payments": "credit_memos", "bill_payments": "vendor_credits"}


@dataclass(frozen=True)
class Kind:
    """`texts`: field of the ledger -> path over there. `name` is what identifies a record, `wire_name` over there.

    `party`: entity of the customer or vendor of a document, None for the names themselves. `parts`: table of its lines,
    and the column that names the document. `ends`: what either hand may do to end it. `told`: what the journal of
    effects calls it, if not by `wire`. `always`: what the ledger has to say of every new one. `first`: the kind of
    document that a person over there makes together with it. `is_renamed_there`: whether people do that; where a record
    in doubt is found by its name alone, nobody could tell it from another then. `is_taken_back_whole`: money is deleted
    with what it settles. `is_archived`: people put it away and, over there, take it out again.
    """

    entity: str
    wire: str
    name: str
    wire_name: str
    texts: Mapping[str, str]
    party: str | None = None
    party_column: str = ""
    wire_party: str = ""
    parts: tuple[str, str] | None = None
    has_amount: bool = False
    wire_open: str = ""
    ends: tuple[str, ...] = ()
    ours_always: frozenset[str] = field(default_factory=frozenset)
    told: str = ""
    always: Mapping[str, Any] = field(default_factory=dict)
    first: str = ""
    is_renamed_there: bool = False
    is_taken_back_whole: bool = False
    is_archived: bool = False

    @property
    def effect(self) -> str:
        return self.told or self.wire

    @property
    def is_money(self) -> bool:
        """It settles documents, and is over an amount itself."""
        return self.entity in SETTLES


def ledger_line(kind: Kind, amount: Decimal, item_id: int, expense_code: str) -> dict[str, Any]:
    """One line over the whole amount."""
    if kind.entity in ("bills", "vendor_credits"):
        return {"kind": "account", "account_code": expense_code, "amount": amount, "description": "goods"}
    return {"kind": "item", "item_id": item_id, "amount": amount, "description": "work"}


def read_path(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def at_path(path: str, value: Any) -> dict[str, Any]:
    """The body that says one value at a path."""
    for step in reversed(path.split(".")):
        value = {step: value}
    return value
