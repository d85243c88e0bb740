"""The simulator's own clock: what day it is in the simulated company.

Belongs here: telling the time and changing it. How an ERP writes times belongs to that ERP's `wire.py`; rate limits
and measured durations run on the machine's clock, not on this one.
"""

from datetime import UTC, datetime, timedelta
from typing import Any


class Clock:
    """Runs with the machine's clock plus an offset, or stands still, or moves a step with every request.

    `POST /_sandbox/clock {"now": "2026-11-21T09:00:00Z"}` moves it (ahead or back) and lets it run on from there;
    `"frozen": true` stops it; `{"advance_seconds": 90}` moves it on, negative back; `"step_seconds": 1` with a frozen
    clock makes every request of the ERP's API begin that much later than the one before; `{}` puts it back to the
    machine's time.
    """

    def __init__(self) -> None:
        self._offset = timedelta()
        self._frozen_at: datetime | None = None
        self._step = timedelta()

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        if self._frozen_at is not None:
            return self._frozen_at
        return datetime.now(UTC) + self._offset

    def set(
        self,
        *,
        now: datetime | None = None,
        advance: timedelta = timedelta(),
        frozen: bool = False,
        step: timedelta = timedelta(),
    ) -> datetime:
        """Move the clock. Neither `now` nor `advance` nor `frozen`: back to the machine's time."""
        self._step = step
        if now is None and not advance and not frozen:
            self._offset, self._frozen_at = timedelta(), None
            return self.now()
        target = (now if now is not None else self.now()) + advance
        self._offset = target - datetime.now(UTC)
        self._frozen_at = target if frozen else None
        return target

    def advance(self, seconds: float) -> None:
        """Move on without changing whether the clock runs."""
        self._offset += timedelta(seconds=seconds)
        if self._frozen_at is not None:
            self._frozen_at += timedelta(seconds=seconds)

    def tick(self) -> None:
        """A request begins: a stepping clock moves one step."""
        if self._step:
            self.advance(self._step.total_seconds())

    def snapshot(self) -> list[Any]:
        """Its setting as JSON values, as `restore` takes them."""
        return [self._offset.total_seconds(), self._frozen_at, self._step.total_seconds()]

    def restore(self, snapshot: list[Any]) -> None:
        offset, frozen_at, step = snapshot
        self._offset, self._step = timedelta(seconds=float(offset)), timedelta(seconds=float(step))
        self._frozen_at = datetime.fromisoformat(frozen_at) if isinstance(frozen_at, str) else frozen_at
