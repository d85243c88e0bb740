"""Carrying out what happens in the demo organisation, in the order of its times.

Belongs here: the order, and writing by the simulator's own writers. What happens is `story.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Any

from sandbox.xero.store import Books
from sandbox.xero.switches import Switches
from sandbox.xero.work import Work
from sandbox.xero.writing import HANDLERS, Writer

Wire = dict[str, Any]


class Diary:
    """Carries events out in the order of their times, later ones too that an event plans."""

    def __init__(self, books: Books, chance: Random) -> None:
        self.books, self.chance = books, chance
        self._writer = Writer(books, Switches())
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._planned = 0
        self.now = datetime.min.replace(tzinfo=UTC)

    def plan(self, at: datetime, do: Callable[[], None]) -> None:
        self._planned += 1
        heappush(self._events, (at, self._planned, do))

    def later(self, days: int, do: Callable[[], None]) -> None:
        self.plan(self.now + timedelta(days=days, seconds=self.chance.randrange(36_000)), do)

    def live(self, until: datetime) -> None:
        """Carry out everything planned up to a moment; what lies behind it never happens."""
        while self._events and self._events[0][0] <= until:
            self.now, _, do = heappop(self._events)
            do()

    def create(self, resource: str, body: Wire) -> Wire:
        return self.run(lambda work: HANDLERS[resource].create(work, body))

    def change(self, resource: str, key: str, body: Wire) -> Wire:
        return self.run(lambda work: HANDLERS[resource].update(work, present(work, resource, key), body))

    def run(self, do: Callable[[Work], Any]) -> Any:
        return self._writer.run(self.now, do)[0]

    def get(self, resource: str, key: str) -> Wire:
        found = self.books.get(resource, key)
        assert found is not None
        return found


def present(work: Work, resource: str, key: str) -> Wire:
    found = work.get(resource, key)
    assert found is not None
    return found
