"""The limits: requests a minute and a day for an organisation, a minute for the app, and at once.

Belongs here: counting in fixed windows, and the headers that tell what is left. Which clock `now` is from is a switch.
Facts: reference section 7; the spelling of two of the four problems is not confirmed.
"""

from datetime import datetime, timedelta

MINUTE, AT_ONCE, APP_MINUTE = 60, 5, 10_000


class Window:
    """One fixed window: it begins with the first request in it."""

    def __init__(self, length: timedelta) -> None:
        self._length = length
        self._began: datetime | None = None
        self.count = 0

    def turn(self, now: datetime) -> None:
        if self._began is None or not self._began <= now < self._began + self._length:
            self._began, self.count = now, 0

    def seconds_left(self, now: datetime) -> int:
        end = (self._began or now) + self._length
        return max(1, -int((now - end).total_seconds() // 1))


class Limits:
    """Counts the requests of one app."""

    def __init__(self) -> None:
        self._app = Window(timedelta(minutes=1))
        self._tenants: dict[str, tuple[Window, Window]] = {}

    def clear(self) -> None:
        self.__init__()  # type: ignore[misc]

    def _windows(self, tenant_id: str, now: datetime) -> tuple[Window, Window]:
        windows = self._tenants.setdefault(tenant_id, (Window(timedelta(minutes=1)), Window(timedelta(days=1))))
        for window in (*windows, self._app):
            window.turn(now)
        return windows

    def problem(self, tenant_id: str, now: datetime, in_flight: int, day_limit: int) -> tuple[str, int | None] | None:
        """Count one request. None when it may pass, else which limit it meets and the seconds to wait, if told."""
        minute, day = self._windows(tenant_id, now)
        if in_flight > AT_ONCE:
            return "concurrent", None
        for name, window, most in (
            ("day", day, day_limit),
            ("minute", minute, MINUTE),
            ("appminute", self._app, APP_MINUTE),
        ):
            if window.count >= most:
                return name, window.seconds_left(now)
        for window in (minute, day, self._app):
            window.count += 1
        return None

    def headers(self, tenant_id: str, now: datetime, day_limit: int) -> dict[str, str]:
        minute, day = self._windows(tenant_id, now)
        return {
            "X-DayLimit-Remaining": str(max(0, day_limit - day.count)),
            "X-MinLimit-Remaining": str(max(0, MINUTE - minute.count)),
            "X-AppMinLimit-Remaining": str(max(0, APP_MINUTE - self._app.count)),
        }
