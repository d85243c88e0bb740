"""What both hands remember of a record: what each wrote, what it had seen, and what became of it.

Belongs here: the memory. The deeds are `hands.py` and, where money moves, `money.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.faults.kinds import Kind

AMOUNT = "total_amount"
STATE = "state"
ACTIVE = "is_active"
LIVE = "live"


@dataclass
class Value:
    """One field of one record: what each hand wrote last, whose word was the last of all, and whether they wrote it
    without having seen each other.
    """

    ours: Any = None
    theirs: Any = None
    last: Any = None
    is_concurrent: bool = False
    is_ours_always: bool = False
    is_over_doubt: bool = False
    """Theirs stands on ours, and nobody here knew that ours had arrived: the ledger, whose field it is, may take it for
    written unseen.
    """

    def write(self, hand: str, value: Any, *, shown: Any, in_doubt: bool = False) -> None:
        """One hand writes where its book has `shown` so far; `in_doubt`: what was sent of the record."""
        other = self.theirs if hand == "ours" else self.ours
        has_seen = other is None or shown == self.last
        setattr(self, hand, value)
        if self.is_ours_always:
            # Whoever sees what the ledger said, sees what was decided.
            self.is_concurrent = not has_seen
            self.is_over_doubt = in_doubt and hand == "theirs"
            self.last = self.ours if self.is_concurrent else value
            return
        self.is_concurrent = self.is_concurrent or not has_seen
        self.last = value

    def settle(self, value: Any) -> None:
        """Somebody decided: it is this."""
        self.ours = self.theirs = self.last = value
        self.is_concurrent = False


@dataclass
class Record:
    """One record of both books; an id is None as long as that book has none for it, or nobody has looked."""

    kind: Kind
    name: str
    ledger_id: int | None = None
    external_id: str | None = None
    values: dict[str, Value] = field(default_factory=dict)
    paid: Decimal = Decimal(0)
    """What of a document or a credit is settled, or of money given back."""
    used: Decimal = Decimal(0)
    """What of money is applied."""
    settles: list[tuple[Record, Decimal]] = field(default_factory=list)
    """What money is for, or what it is given back out of."""
    is_settled_anew: bool = False
    """Somebody decided what it settles."""
    together: list[Record] = field(default_factory=list)
    """All payments of its batch over there."""
    is_touched: bool = False
    """Somebody changed its amount or ended it: it is not paid any more, as a paid one is not changed."""
    names: set[str] = field(default_factory=set)
    """All it was ever called; `name` is the last."""

    def __post_init__(self) -> None:
        self.names.add(self.name)

    def value(self, name: str) -> Value:
        return self.values.setdefault(name, Value(is_ours_always=name in self.kind.ours_always))

    def texts_without_ours(self) -> list[str]:
        """The fields that our hand has never written."""
        return [n for n in self.kind.texts if n not in self.values or self.values[n].ours is None]

    @property
    def can_be_edited(self) -> bool:
        return bool(self.kind.texts) or self.kind.has_amount

    @property
    def is_in_both(self) -> bool:
        return self.ledger_id is not None and self.external_id is not None and not self.is_ended

    @property
    def is_ended(self) -> bool:
        """Somebody deleted or voided it, seen or not."""
        return STATE in self.values and self.values[STATE].last not in (None, LIVE)

    @property
    def label(self) -> str:
        return f"{self.kind.entity}/{self.name}"


def end(record: Record, hand: str, how: str, unseen: set[str]) -> None:
    """One hand deletes or voids a record without having seen these fields as the other hand wrote them."""
    state = record.value(STATE)
    other = state.theirs if hand == "ours" else state.ours
    setattr(state, hand, how)
    state.last = how
    record.is_touched = True
    if how == "void" and AMOUNT in record.values:
        # Whoever voids takes the amount away that stood before them, and not what they have not seen.
        if AMOUNT in unseen:
            setattr(record.values[AMOUNT], hand, None)
        else:
            record.values.pop(AMOUNT)
    if other == how:
        # Both want the same, whatever else either had written before.
        state.is_concurrent = False
        return
    if other in ("void", "delete"):
        state.is_concurrent = True
    if (how == "delete" and unseen) or (how == "void" and AMOUNT in unseen):
        state.is_concurrent = True


def edit_of_ended(record: Record, by: str, name: str, *, is_shown: bool) -> None:
    """One hand edits what the other has ended without its knowing. A void loses its amounts and nothing else."""
    state = record.values.get(STATE)
    how = getattr(state, by) if state else None
    if state and not is_shown and (how == "delete" or (how == "void" and name == AMOUNT)):
        state.is_concurrent = True
