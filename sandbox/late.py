"""Requests that take effect after their sender has given them up.

Belongs here: the queue and when each is due. Carrying one out is `service.py`. It is what a network may do to a request
that timed out, and the hardest case for a client which asks whether its request arrived: it did not, and then it does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.faults import Late
from sandbox.http import Request


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request; `due_at` on the simulator's clock, `due_after` counts requests of the ERP's API since the start."""

    number: int
    request: Request
    put_aside_at: datetime
    due_at: datetime | None
    due_after: int | None


class LateQueue:
    """What waits, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._numbers = 0

    def put(self, request: Request, late: Late, now: datetime, requests_seen: int) -> None:
        self._numbers += 1
        due_at = None if late.seconds is None else now + timedelta(seconds=late.seconds)
        # The request being put aside is not among those that come after it.
        due_after = None if late.requests is None else requests_seen + 1 + late.requests
        self._waiting.append(Waiting(self._numbers, request, now, due_at, due_after))

    def take_due(self, now: datetime, requests_seen: int) -> list[Request]:
        """Take out what is due by the clock or by the count."""
        return self._take(
            each
            for each in self._waiting
            if (each.due_at is not None and each.due_at <= now)
            or (each.due_after is not None and each.due_after <= requests_seen)
        )

    def take(self, numbers: list[int] | None) -> list[Request]:
        """Take out these, or all. Raises ValueError for a number that does not wait."""
        known = {each.number for each in self._waiting}
        if numbers is not None and not set(numbers) <= known:
            raise ValueError(f"no late request {sorted(set(numbers) - known)}; there are {sorted(known)}")
        return self._take(each for each in self._waiting if numbers is None or each.number in numbers)

    def _take(self, chosen: Iterable[Waiting]) -> list[Request]:
        taken = list(chosen)
        if taken:
            self._waiting = [each for each in self._waiting if each not in taken]
        return [each.request for each in taken]

    def clear(self) -> None:
        self._waiting = []

    def report(self) -> list[dict[str, Any]]:
        return [
            {
                "number": each.number,
                "method": each.request.method,
                "path": each.request.path,
                "query": each.request.query_string,
                "put_aside_at": each.put_aside_at,
                "due_at": each.due_at,
                "due_after_requests": each.due_after,
            }
            for each in self._waiting
        ]

    def snapshot(self) -> list[Waiting]:
        return list(self._waiting)

    def restore(self, snapshot: list[Waiting]) -> None:
        self._waiting = list(snapshot)
