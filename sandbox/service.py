"""Carrying out requests of the ERP's API, whoever sends them: a client, the control API, or the late queue.

Belongs here: the one place that calls an ERP, and what happens around each call: the clock's step, late requests that
have become due, edits bound to the n-th request, the request log. Reading sockets is `host.py`, spoiling answers
`spoil.py`.
"""

import time
from collections import deque
from typing import Any

import msgspec

from sandbox.erps import Erp
from sandbox.faults import Faults, Match
from sandbox.http import Answer, Request
from sandbox.late import LateQueue
from sandbox.world import World

LOG_ENTRIES_MAX = 200_000


class Script(msgspec.Struct, forbid_unknown_fields=True):
    """Edits somebody makes right after the request meant by `after` was carried out and before it is answered (once, if
    it names neither `nth` nor `count`: after the first)."""

    after: Match
    edit: dict[str, Any] | list[dict[str, Any]]


class Service:
    """One simulator at work."""

    def __init__(self, erp: Erp, world: World) -> None:
        self.erp, self.world = erp, world
        self.faults, self.late = Faults(), LateQueue()
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_ENTRIES_MAX)
        self.requests_seen = 0
        self._scripts: list[Script] = []
        self._script_seen: list[int] = []
        self._script_done: list[list[int]] = []

    def answer(self, request: Request, origin: str = "api") -> Answer:
        """Carry out one request of a client."""
        self.world.clock.tick()
        self.world.effects.begin(request, origin)
        answer = self.erp.handle(request)
        self._run_scripts(request)
        return answer

    def edit(self, edit: dict[str, Any]) -> Answer:
        """Somebody works in the ERP. Raises ValueError for an edit that cannot be understood."""
        request = self.erp.edit_request(edit)
        self.world.effects.begin(request, "edit")
        return self.erp.handle(request, authenticated=True)

    def reset(self, seed: str, number: int) -> dict[str, int]:
        """Start over; counts by entity. The clock, switches and the log stay. Raises ValueError."""
        counts = self.erp.reset(seed, number)
        self.faults.replace([], self.world.clock.now())
        self.set_scripts([])
        self.late.clear()
        self.world.effects.clear()
        self.world.webhooks.clear()
        self.world.rewrite(self.erp)
        return counts

    def count_request(self) -> None:
        """One more request of a client is done; what was to be late by so many requests takes effect."""
        self.requests_seen += 1
        self.deliver_due()

    def deliver_due(self) -> None:
        """Carry out late requests that are due."""
        due = self.late.take_due(self.world.clock.now(), self.requests_seen)
        if due:
            self.deliver(due)

    def deliver(self, requests: list[Request]) -> list[int]:
        """Carry out late requests now, in this order; the statuses nobody will see."""
        statuses = []
        for request in requests:
            started, began_at = time.perf_counter(), self.world.clock.now()
            status = self.answer(request, "late").status
            self.note(request, status, 0, began_at, started, spoiled=True, origin="late")
            statuses.append(status)
        return statuses

    def note(
        self,
        request: Request,
        status: int,
        sent: int,
        began_at: Any,
        started: float,
        *,
        spoiled: bool,
        origin: str = "api",
    ) -> None:
        """Add one request to the log; status 0 when the connection was cut."""
        self.log.append(
            {
                "method": request.method,
                "path": request.path,
                "query": request.query_string,
                "statement": request.body.decode("utf-8", "replace") if request.path.endswith("/query") else "",
                "status": status,
                "time": began_at,
                "ms": round((time.perf_counter() - started) * 1000, 2),
                "bytes": sent,
                "fault": spoiled,
                "origin": origin,
            }
        )

    # -- edits bound to requests -------------------------------------------------------------------------------------

    def set_scripts(self, scripts: list[Script]) -> None:
        for script in scripts:
            if script.after.nth is None and script.after.count is None and script.after.first is None:
                script.after.nth = 1
        self._scripts = list(scripts)
        self._script_seen = [0] * len(scripts)
        self._script_done = [[] for _ in scripts]

    def script_report(self) -> list[dict[str, Any]]:
        """Each script as given, `matched`: the requests it has seen, `statuses`: what its edits were answered with."""
        return [
            {**msgspec.to_builtins(script), "matched": seen, "statuses": done}
            for script, seen, done in zip(self._scripts, self._script_seen, self._script_done, strict=True)
        ]

    def _run_scripts(self, request: Request) -> None:
        for position, script in enumerate(self._scripts):
            if not script.after.matches(request):
                continue
            self._script_seen[position] += 1
            if script.after.hits(self._script_seen[position]):
                edits = script.edit if isinstance(script.edit, list) else [script.edit]
                self._script_done[position] += [self._scripted(edit) for edit in edits]

    def _scripted(self, edit: dict[str, Any]) -> int:
        """The status of one edit, 0 when it could not be understood at that moment (its object may be gone)."""
        try:
            return self.edit(edit).status
        except ValueError:
            return 0

    # -- snapshots ---------------------------------------------------------------------------------------------------

    def snapshot(self) -> Any:
        return self.world.snapshot(), self.erp.snapshot(), self.late.snapshot(), self.requests_seen

    def restore(self, snapshot: Any) -> None:
        """Put everything back but the log, fault rules and scripts, which are the tester's and not the company's."""
        world, erp, late, self.requests_seen = snapshot
        self.world.restore(world)
        self.erp.restore(erp)
        self.late.restore(late)
        self.world.rewrite(self.erp)
