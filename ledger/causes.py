"""Why one document is not the same in both books: what differs, its one cause, and what it does to the balances.

Pure. What is known about a document besides its two versions (an open conflict, an edit under way, a tombstone ...) is
given as `Facts`; reading it is `resources/stages/documents.py`. The rules are the table of docs/reconciliation.md.

A difference is the ERP's figure less the ledger's. Its effects stand with the party and currency that each book shows,
so that a document with another party, or in another currency, moves two balances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from ledger.reconcile import Cause

# A tax that was rounded another way differs by cents: one a line at most, and no more than this.
TAX_ROUNDING_MAX = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class DocumentState:
    """A document as it is compared: what both books say of it in the same words. Amounts are in its own currency.

    `party` is the external id of its customer or vendor; `open` is what is owed or not yet applied, positive for
    credits too; `parts_hash` stands for its lines or applications.
    """

    party: str
    number: str
    day: date | None
    due: date | None
    currency: str
    rate: Decimal
    total: Decimal
    tax: Decimal
    open: Decimal
    is_void: bool
    parts_hash: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a document besides its two versions."""

    conflict: str = ""  # what is in conflict, as a sentence
    pending: str = ""  # why our version is not there yet: an edit that waits, an intent under way or refused
    is_bound: bool = True
    is_tombstone: bool = False  # the mirror has been told that it is deleted
    waits_here: str = ""  # why their version is not here yet: it waits for the merge, or came after the last reading
    twin: str = ""  # a document with the same party, number, day and total, in the book that has this one
    payers: Sequence[tuple[str, Cause]] = ()  # what settles it and differs itself, with the cause of that


@dataclass(frozen=True, slots=True)
class Difference:
    """One document that is not the same in both books."""

    entity: str
    external_id: str | None
    ledger_id: int | None
    kind: str
    cause: Cause
    says: str
    party: str
    currency: str
    fields: Sequence[tuple[str, str, str]]  # name, in the ledger, in the ERP
    effects: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)  # (party, currency) -> ERP less ledger

    @property
    def identity(self) -> str:
        """The same from run to run, whatever is found out about it."""
        return f"{self.entity}/{self.external_id}" if self.external_id else f"{self.entity}/#{self.ledger_id}"


# What may differ, in the order in which it is named: the first one is the kind of the difference.
_FIELDS = (
    ("status", "is_void"),
    ("currency", "currency"),
    ("party", "party"),
    ("total", "total"),
    ("tax", "tax"),
    ("open", "open"),
    ("rate", "rate"),
    ("date", "day"),
    ("due_date", "due"),
    ("lines", "parts_hash"),
    ("number", "number"),
)
# What the ERP reckons itself: an edit that changes only this will never be sent.
_RECKONED = frozenset({"open"})
_NOT_MONEY = {"rate": Cause.EXCHANGE_RATE, "date": Cause.TIMING, "due_date": Cause.TIMING}


def difference(
    *,
    entity: str,
    external_id: str | None,
    ledger_id: int | None,
    sign: int,
    ours: DocumentState | None,
    theirs: DocumentState | None,
    facts: Facts,
    erp_title: str,
    party_name: str,
) -> Difference | None:
    """What differs between the two versions of one document and why; None if nothing does.

    `sign` is +1 for what raises a balance (an invoice) and -1 for what lowers it (a credit, an unapplied payment).
    """
    if ours is None and theirs is None:
        return None
    fields = _differing(ours, theirs)
    if ours is not None and theirs is not None and not fields:
        return None
    kind = _kind(ours, theirs, fields)
    cause, why = _cause(kind, ours, theirs, fields, facts, erp_title)
    shown = theirs or ours
    assert shown is not None
    name = f"{entity}/{external_id or f'#{ledger_id}'}" + (f" ({shown.number})" if shown.number else "")
    return Difference(
        entity=entity,
        external_id=external_id,
        ledger_id=ledger_id,
        kind=kind,
        cause=cause,
        says=f"{name} of {party_name}: {_found(kind, ours, theirs, fields, erp_title)}: {why}",
        party=shown.party,
        currency=shown.currency,
        fields=fields,
        effects=_effects(sign, ours, theirs),
    )


def _differing(ours: DocumentState | None, theirs: DocumentState | None) -> list[tuple[str, str, str]]:
    if ours is None or theirs is None:
        return []
    return [
        (title, _told(getattr(ours, name)), _told(getattr(theirs, name)))
        for title, name in _FIELDS
        if getattr(ours, name) != getattr(theirs, name)
    ]


def _kind(ours: DocumentState | None, theirs: DocumentState | None, fields: Sequence[tuple[str, str, str]]) -> str:
    if theirs is None:
        return "missing_in_erp"
    if ours is None:
        return "missing_in_ledger"
    return fields[0][0]


def _cause(
    kind: str,
    ours: DocumentState | None,
    theirs: DocumentState | None,
    fields: Sequence[tuple[str, str, str]],
    facts: Facts,
    erp_title: str,
) -> tuple[Cause, str]:
    """The one cause, and why it is that; what is under way comes before what is wrong."""
    names = {name for name, _, _ in fields}
    if facts.conflict:
        return Cause.CONFLICT_OPEN, facts.conflict
    if facts.pending and not (names and names <= _RECKONED):
        return Cause.IN_FLIGHT, facts.pending
    if facts.waits_here:
        return Cause.TIMING, facts.waits_here
    if theirs is None or ours is None:
        return _missing(theirs is None, facts, erp_title)
    if kind == "status":
        if theirs.is_void:
            return Cause.DELETED_THERE, f"it is void in {erp_title}, and the ledger was not told"
        return Cause.AMOUNT, f"it is void in the ledger, and not in {erp_title}"
    if kind in ("total", "tax"):
        return _total(ours, theirs)
    if kind == "open":
        for payer, cause in facts.payers:
            return cause, f"{payer}, which settles it, differs itself"
        return Cause.UNAPPLIED, "money or a credit is applied to it in one book and not in the other"
    if kind in _NOT_MONEY:
        return _NOT_MONEY[kind], "only this differs, and no balance with it"
    return Cause.AMOUNT, "the two books hold different versions of it, and nothing is under way"


def _missing(is_there_missing: bool, facts: Facts, erp_title: str) -> tuple[Cause, str]:
    if facts.twin:
        return Cause.DUPLICATE, f"{facts.twin} is the same document once more"
    if not is_there_missing:
        return Cause.MISSING_IN_LEDGER, "it never came here"
    if facts.is_tombstone or facts.is_bound:
        return Cause.DELETED_THERE, f"{erp_title} had it, and has it no longer"
    return Cause.MISSING_IN_ERP, "it never went there, and nothing is under way"


def _total(ours: DocumentState, theirs: DocumentState) -> tuple[Cause, str]:
    total, tax = theirs.total - ours.total, theirs.tax - ours.tax
    if total == tax and abs(tax) <= TAX_ROUNDING_MAX:
        return Cause.TAX_ROUNDING, f"the tax was rounded another way, by {tax:+,.2f}"
    return Cause.AMOUNT, "the two books hold different amounts of it, and nothing is under way"


def _found(
    kind: str,
    ours: DocumentState | None,
    theirs: DocumentState | None,
    fields: Sequence[tuple[str, str, str]],
    erp_title: str,
) -> str:
    if theirs is None or ours is None:
        state, book = (ours, "the ledger") if theirs is None else (theirs, erp_title)
        assert state is not None
        return f"only in {book}, {state.total:,.2f} {state.currency}, of which {state.open:,.2f} open"
    if kind == "lines":
        return "its lines or applications differ"
    return ", ".join(f"{name} {here} in the ledger, {there} in {erp_title}" for name, here, there in fields[:3])


def _effects(sign: int, ours: DocumentState | None, theirs: DocumentState | None) -> dict[tuple[str, str], Decimal]:
    effects: dict[tuple[str, str], Decimal] = {}
    for state, direction in ((theirs, sign), (ours, -sign)):
        if state is not None:
            key = (state.party, state.currency)
            effects[key] = effects.get(key, Decimal(0)) + direction * state.open
    return {key: amount for key, amount in effects.items() if amount}


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "void" if value else "not void"
    if isinstance(value, Decimal):
        return f"{value:,.2f}" if value == round(value, 2) else f"{value.normalize():f}"
    return str(value) if value not in (None, "") else "empty"
