"""The simulator's own clock: what day it is in the simulated company.

Belongs here: telling the time and changing it. How an ERP writes times belongs to that ERP's `wire.py`; rate limits
and measured durations run on the machine's clock, not on this one.
"""

from datetime import UTC, datetime, timedelta


class Clock:
    """Runs with the machine's clock plus an offset, or stands still.

    `POST /_sandbox/clock {"now": "2026-11-21T09:00:00Z"}` moves it and lets it run on from there; `"frozen": true`
    stops it; `{"advance_seconds": 90}` moves it on; `{}` puts it back to the machine's time.
    """

    def __init__(self) -> None:
        self._offset = timedelta()
        self._frozen_at: datetime | None = None

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        if self._frozen_at is not None:
            return self._frozen_at
        return datetime.now(UTC) + self._offset

    def set(self, *, now: datetime | None = None, advance: timedelta = timedelta(), frozen: bool = False) -> datetime:
        """Move the clock. Neither `now` nor `advance` nor `frozen`: back to the machine's time."""
        if now is None and not advance and not frozen:
            self._offset, self._frozen_at = timedelta(), None
            return self.now()
        target = (now if now is not None else self.now()) + advance
        self._offset = target - datetime.now(UTC)
        self._frozen_at = target if frozen else None
        return target
