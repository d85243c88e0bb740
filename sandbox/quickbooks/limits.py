"""The gateway's limits: requests a minute and requests at once.

Belongs here: counting. Refused requests do not count. Facts: reference section 12; the monthly meter of reading calls
and the limit of e-mails are not simulated.
"""

from collections import deque

REQUESTS_PER_MINUTE = 500
REQUESTS_AT_ONCE = 10
BATCHES_PER_MINUTE = 40


class Limits:
    """Counts the requests of the one app and realm there is."""

    def __init__(self) -> None:
        self._starts: deque[float] = deque()
        self._batches: deque[float] = deque()

    def admits(self, in_flight: int, is_batch: bool, now: float) -> bool:
        """Whether one more request may pass at `now` (seconds); if so it is counted. `in_flight` includes this one.

        A clock set back forgets what it now has before it.
        """
        for starts in (self._starts, self._batches):
            while starts and not now - 60 < starts[0] <= now:
                starts.popleft()
        if in_flight > REQUESTS_AT_ONCE or len(self._starts) >= REQUESTS_PER_MINUTE:
            return False
        if is_batch and len(self._batches) >= BATCHES_PER_MINUTE:
            return False
        self._starts.append(now)
        if is_batch:
            self._batches.append(now)
        return True

    def clear(self) -> None:
        self._starts.clear()
        self._batches.clear()
