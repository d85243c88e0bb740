"""The effects journal: one line for every change a simulator made to its books, in order.

Belongs here: keeping the lines and adding to each what the server knows of the request behind it. Which request had
which effect is told by the ERP. A test of "exactly once" counts these lines, because the ERP's own answers are what
such a test must not trust.
"""

from datetime import datetime
from typing import Any

import msgspec

from sandbox.clock import Clock
from sandbox.http import Request
from sandbox.persist import Journal


class Effect(msgspec.Struct):
    """One change, or (`replay`) one repetition of an answer which changed nothing.

    `operation`: create, update, delete, void, send, merge or replay. `key` is the request id or idempotency key it came
    with, `number` the document number, `marker` the free text in which clients leave a mark of their own, `trace` the
    ERP's id of the request. `origin`: "api", "edit" (the control API), "duplicate" (the second time a duplicated
    request was carried out) or "late" (a request that took effect after its sender had given it up).
    """

    sequence: int
    time: datetime
    origin: str
    method: str
    path: str
    entity: str
    id: str
    operation: str
    key: str = ""
    number: str = ""
    marker: str = ""
    trace: str = ""
    replay: bool = False


class Effects:
    """All lines since the last reset; `journal` also keeps them over a restart."""

    def __init__(self, clock: Clock, journal: Journal | None = None) -> None:
        self._clock, self._journal = clock, journal
        self.lines: list[Effect] = []
        self._origin = ("api", "", "")

    def begin(self, request: Request, origin: str) -> None:
        """From now on lines belong to this request."""
        self._origin = (origin, request.method, request.path)

    def add(
        self,
        entity: str,
        object_id: str,
        operation: str,
        *,
        key: str = "",
        number: str = "",
        marker: str = "",
        trace: str = "",
        replay: bool = False,
    ) -> None:
        """Add one line."""
        head = (len(self.lines) + 1, self._clock.now(), *self._origin)
        line = Effect(*head, entity, object_id, operation, key, number, marker, trace, replay)
        self.lines.append(line)
        if self._journal is not None:
            self._journal.add("world-effect", line)

    def clear(self) -> None:
        self.lines = []

    def take(self, line: Any) -> None:
        """Take over one line of a journal file."""
        self.lines.append(msgspec.convert(line, Effect))
