"""What the programme must know of an ERP: one folder each, with one object like `Erp`, and nothing anywhere else.

Belongs here: the seam. Facts about an ERP's book are said apart from the product's own mappings on purpose, so that one
wrong belief does not stand on both sides of a test. A wire record is one that the simulator's control API gives.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib import import_module
from typing import Any, Protocol

from tests.books import Books
from tests.faults.faults import Requests
from tests.faults.kinds import Kind

Wire = Mapping[str, Any]


class Erp(Protocol):
    """One ERP as the programme sees it."""

    name: str
    kinds: Mapping[str, Kind]
    """Entity -> what both books call it, for every kind of record that schedules work on."""
    requests: Requests
    any_request: str
    """Path of every request of the product that is not about tokens, as a regular expression."""
    switches: Mapping[str, Any]
    item: str
    """External id of the item that every line is about."""
    parties: Mapping[str, str]
    """`customers` and `vendors` -> external id of the one that documents are with."""
    settles_always: frozenset[str]
    """The kinds of money that are entered for a document and for nothing else."""
    gives_back: Mapping[str, tuple[str, ...]]
    """By kind of money, the kinds of credits, and of money with a rest, out of which it is given back."""
    uses_have_names: bool
    """The use of a credit is a payment with a name and a mark; if not, it is known by what it says alone."""
    uses_go_with_money: bool
    """A payment may use up a credit beside the money that it is over."""
    has_batches: bool
    income_code: str
    expense_code: str
    payable_code: str
    bank_code: str
    pace: float
    """What the product multiplies its waits with: nearly nothing, so that nobody sits them out."""
    rest_seconds: tuple[int, int] | None
    """Since a write that is in doubt was sent: when its key may be forgotten, and when nothing of it can still arrive.
    Between the two it must rest. None where there is no such rest.
    """
    reads_to_write: bool
    """It has no version tokens: what is changed there is read right before and right after."""
    taken_name: str
    """A vendor's name that the ERP refuses as a customer's; empty if it has separate lists."""

    def warm_up(self) -> None:
        """Import what every process of the product needs, and shorten every wait of this ERP's connector."""

    def furnish(self, books: Books) -> None:
        """Put into the empty company what every schedule begins with."""

    def chosen_switches(self, chance: random.Random) -> Mapping[str, Any]:
        """What differs from one schedule to the next."""

    def id_of(self, one: Wire) -> str: ...

    def lists_of(self, kind: Kind) -> tuple[str, ...]:
        """Where the control API has the records of a kind."""

    def is_of(self, kind: Kind, one: Wire) -> bool:
        """Whether a record of the kind's list is of that kind: some lists hold two."""

    def name_of(self, kind: Kind, one: Wire) -> str | None: ...

    def edit_of(self, operation: str, kind: Kind, one: Wire | None, body: Wire | None = None) -> dict[str, Any]:
        """How the control API is asked for what a person does to `one`, or to make one."""

    def made(self, kind: Kind, said: Wire) -> dict[str, Any]:
        """The record in the answer to an edit."""

    def text_at(self, one: Wire, path: str) -> str:
        """What people wrote there, without the mark in it."""

    def with_text(self, one: Wire | None, path: str, value: str) -> dict[str, Any]:
        """The body by which a person writes a text, beside the mark that a program put there."""

    def is_gone(self, one: Wire) -> bool: ...

    def is_void(self, one: Wire) -> bool: ...

    def is_active(self, one: Wire) -> bool:
        """Whether it is not put away."""

    def activity(self, is_active: bool) -> dict[str, Any]:
        """The body by which a person puts a record away, or takes it out again."""

    def total_of(self, one: Wire) -> Decimal: ...

    def open_of(self, kind: Kind, one: Wire) -> Decimal: ...

    def texts_of_void(self, kind: Kind) -> frozenset[str]:
        """The texts of which a void makes something else."""

    def balance_of(self, kind: Kind, party: Wire) -> Decimal | None:
        """What a customer owes or a vendor is owed, as the ERP itself keeps it; None if it is not to be compared."""

    def is_applied(self, kind: Kind, one: Wire) -> bool:
        """Whether a payment settles anything."""

    def may_end(self, one: Wire) -> bool:
        """Whether a person can end it where it is listed."""

    def party_of(self, kind: Kind, one: Wire) -> str: ...

    def new(self, kind: Kind, name: str, amount: Decimal) -> dict[str, Any]:
        """The body of a new record; of a document, over one line."""

    def with_party(self, kind: Kind, party: str) -> dict[str, Any]: ...

    def money(self, kind: Kind, amount: Decimal, settles: Sequence[tuple[Kind, Wire, Decimal]]) -> dict[str, Any]:
        """What a new payment says of its amount, and of the documents that it settles and the credits that it uses."""

    def rest_of(self, one: Wire) -> Decimal:
        """What of money settles nothing yet."""

    def part_of_rest(self, external_id: str | None) -> dict[str, Any]:
        """How the ledger names the rest of money that is given back."""

    def allocation(self, kind: Kind, one: Wire, document_kind: Kind, document: Wire, amount: Decimal) -> dict[str, Any]:
        """How the control API is asked to use money with a rest, or a credit, on a document."""

    def taken_off(self, note: Wire, document: Wire, amount: Decimal) -> dict[str, Any] | None:
        """How it is asked to take a use back that has no name; None if there is none that says this."""

    def settled_by(self, kind: Kind, one: Wire) -> list[tuple[str, Decimal]]:
        """What money settles and what it is given back out of, or what a credit without names for it is used on: ids,
        and how much of each.
        """

    def batch(self, parts: Sequence[tuple[str, Wire, Decimal]]) -> dict[str, Any]:
        """How it is asked to pay documents at once: name of each payment, what it pays, how much of it."""

    def batched(self, said: Wire) -> list[str]:
        """The ids of the payments in the answer, in order."""

    def end_of_batch(self, one: Wire) -> dict[str, Any]:
        """How it is asked to delete the batch that a payment stands in."""

    def edited(self, kind: Kind, one: Wire) -> dict[str, Any]:
        """What every edit of a record has to repeat."""

    def new_amount(self, kind: Kind, one: Wire, amount: Decimal) -> dict[str, Any]: ...

    def was_refused(self, said: Wire) -> bool: ...

    def written_to(self, kind: Kind, external_id: str) -> tuple[str, str]:
        """What the journal of effects calls the record that a write to this id changes."""

    def marker_of(self, one: Wire) -> str:
        """The mark by which a record of ours is known there; empty if it has none."""

    def marker_in(self, told: str) -> str:
        """The mark in what the journal of effects gives as one; empty if it is none of ours."""


def erp_of(name: str) -> Erp:
    return import_module(f"tests.faults.erps.{name}.erp").ERP
