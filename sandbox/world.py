"""What surrounds a simulated company: its clock, its random values, the journal of its effects, its webhooks,
its file.

Belongs here: these parts together, their snapshot, and coming back from the file. A company is given one World and has
no other source of time or chance, so that the same seed and the same requests make the same answers.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.clock import Clock
from sandbox.effects import Effects
from sandbox.ids import Ids
from sandbox.persist import Journal
from sandbox.webhooks import Webhooks

if TYPE_CHECKING:
    from sandbox.erps import Erp


class World:
    """One per simulator."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.journal = journal
        self.clock, self.ids = Clock(), Ids()
        # Webhooks are written in another thread; with a source of their own they take nothing from the requests.
        self.event_ids = Ids()
        self.effects = Effects(self.clock, journal)
        self.webhooks = Webhooks(self.clock, journal)

    def seed(self, number: int | None) -> None:
        """Make all random values the same in every run with this number; None makes them unpredictable."""
        self.ids.seed(number)
        self.event_ids.seed(None if number is None else number + 1)

    def commit(self) -> None:
        """Write what the last request changed; called before its answer is sent."""
        if self.journal is not None:
            self.journal.commit()

    def keep_clock(self) -> None:
        """The clock was set: a restart must know."""
        if self.journal is not None:
            self.journal.add("world-clock", self.clock.snapshot())

    def keep_switches(self, erp: "Erp") -> None:
        if self.journal is not None:
            self.journal.add("world-switches", erp.options.values())

    # -- snapshots in memory -----------------------------------------------------------------------------------------

    def snapshot(self) -> Any:
        ids = self.ids.snapshot(), self.event_ids.snapshot()
        return self.clock.snapshot(), ids, list(self.effects.lines), self.webhooks.snapshot()

    def restore(self, snapshot: Any) -> None:
        clock, ids, lines, webhooks = snapshot
        self.clock.restore(clock)
        self.ids.restore(ids[0])
        self.event_ids.restore(ids[1])
        self.effects.lines = list(lines)
        self.webhooks.restore(webhooks)

    # -- the file ----------------------------------------------------------------------------------------------------

    def come_back(self, erp: "Erp") -> bool:
        """Take over what the file holds; False when there is nothing in it. Raises ValueError when it cannot be
        read."""
        journal, found = self.journal, False
        if journal is None:
            return False
        self.journal = None
        for kind, *values in journal.entries():
            found = True
            if kind == "world-effect":
                self.effects.take(*values)
            elif kind == "world-webhooks":
                self.webhooks.take(*values)
            elif kind == "world-clock":
                self.clock.restore(*values)
            elif kind == "world-switches":
                erp.options.turn({name: float(v) if isinstance(v, Decimal) else v for name, v in values[0].items()})
            else:
                erp.take(kind, *values)
        self.journal = journal
        if found:
            self.rewrite(erp)
        return found

    def rewrite(self, erp: "Erp") -> None:
        """Put the present state, and nothing else, into the file."""
        if self.journal is not None:
            self.journal.rewrite(self._entries(erp))

    def _entries(self, erp: "Erp") -> Iterator[tuple[Any, ...]]:
        yield "world-clock", self.clock.snapshot()
        yield "world-switches", erp.options.values()
        yield "world-webhooks", self.webhooks.entry()
        for line in self.effects.lines:
            yield "world-effect", line
        yield from erp.entries()
