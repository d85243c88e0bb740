"""The records one element of a write touches, changed together or not at all, and what undoes them.

Belongs here: reading for change, remembering how things were, saving with one time. A Refusal on the way leaves the
books as they were, because nothing is saved before `commit`; a whole request is taken back by its undo list.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.xero import wire
from sandbox.xero.resources import BY_NAME
from sandbox.xero.store import Books, Row
from sandbox.xero.switches import Switches

At = tuple[str, str]
Undo = list[tuple[str, str, Row | None, int]]
"""What commits saved: resource, key, how it was stored before, how much the change shows."""

TIME, LOOKS = 2, 1
"""How much a change shows: UpdatedDateUTC moves, or it does not."""


class Work:
    """An overlay over the books for one element. `is_fine` keeps four decimals of unit prices."""

    def __init__(self, books: Books, options: Switches, now: datetime, *, is_fine: bool = False) -> None:
        self.books, self.options, self.now, self.is_fine = books, options, now, is_fine
        self.before: dict[At, dict[str, Any] | None] = {}
        self.warnings: list[str] = []
        self._present: dict[At, dict[str, Any] | None] = {}
        self._marks: dict[At, int] = {}
        self._organisation: dict[str, Any] | None = None

    # -- reading -----------------------------------------------------------------------------------------------------

    @property
    def organisation(self) -> dict[str, Any]:
        if self._organisation is None:
            self._organisation = self.books.organisation()
        return self._organisation

    @property
    def base_currency(self) -> str:
        return str(self.organisation.get("BaseCurrency", "USD"))

    @property
    def today(self) -> date:
        """The day in the organisation; its zone is not simulated, so it is the day in UTC."""
        return self.now.date()

    def get(self, name: str, key: str) -> dict[str, Any] | None:
        """The record as it stands in this write, to be changed in place (then `touch` it); None when there is none."""
        at = (name, key)
        if at not in self._present:
            self._present[at] = self.books.get(name, key)
            # Decoded once more: that is ten times as quick as a deep copy.
            self.before[at] = self.books.get(name, key)
        return self._present[at]

    def by(self, name: str, path: str, value: Any) -> list[dict[str, Any]]:
        """The records with this property (texts regardless of case), oldest change first."""
        table = self.books.tables[name]
        keys = sorted(table.equal(path, value), key=lambda key: table.rows[key].moment)
        return [found for key in keys if (found := self.get(name, key)) is not None]

    # -- writing -----------------------------------------------------------------------------------------------------

    def touch(self, name: str, key: str, mark: int = TIME) -> None:
        self._marks[(name, key)] = max(mark, self._marks.get((name, key), 0))

    def replace(self, name: str, value: dict[str, Any], mark: int = TIME) -> None:
        """Put a new or changed record in; a new one's before is None."""
        key = value[BY_NAME[name].key]
        self.get(name, key)
        self._present[(name, key)] = value
        self.touch(name, key, mark)

    def remove(self, name: str, key: str) -> None:
        self.get(name, key)
        self._present[(name, key)] = None
        self.touch(name, key)

    def changed(self) -> list[tuple[At, dict[str, Any] | None, dict[str, Any] | None]]:
        """Every touched record: (resource and key, before, now); None where it was or is not there."""
        return [(at, self.before[at], self._present[at]) for at in self._marks]

    def commit(self) -> Undo:
        """Save everything touched, with one time for all. Returns what `undo` needs."""
        moment, undo = wire.ms_of(self.now), []
        for (name, key), mark in self._marks.items():
            undo.append((name, key, self.books.tables[name].rows.get(key), mark))
            present = self._present[(name, key)]
            if present is None:
                if self.before[(name, key)] is not None:
                    self.books.remove(name, key)
                continue
            if mark >= TIME and "modified" in BY_NAME[name].filters:
                present["UpdatedDateUTC"] = wire.stamp(moment)
                if name in ("Invoices", "CreditNotes", "Payments", "Prepayments", "Overpayments"):
                    present["UpdatedDateUTCString"] = wire.instant_text(moment)
            self.books.save(name, present)
        return undo


def undo(books: Books, steps: Undo) -> None:
    """Take back what commits saved, the newest first."""
    for name, key, was, _ in reversed(steps):
        if was is not None or key in books.tables[name].rows:
            books.restore(name, key, was)


def ordered(value: dict[str, Any], names: str) -> dict[str, Any]:
    """A record with these properties first, in this order, and all others behind them."""
    first = {name: value[name] for name in names.split() if name in value}
    return {**first, **{name: each for name, each in value.items() if name not in first}}


def amount(value: dict[str, Any], name: str) -> Decimal:
    """An amount of a stored record, 0 where it has none."""
    return wire.number(value.get(name, 0))
