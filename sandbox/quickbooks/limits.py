"""The gateway's limits: requests a minute and requests at once.

Belongs here: counting. It runs on the machine's clock, because the limits protect a machine. Facts: reference section
12.
"""

import time
from collections import deque

REQUESTS_PER_MINUTE = 500
REQUESTS_AT_ONCE = 10
BATCHES_PER_MINUTE = 40


class Limits:
    """Counts the requests of the one app and realm there is."""

    def __init__(self) -> None:
        self._starts: deque[float] = deque()
        self._batches: deque[float] = deque()

    def admits(self, in_flight: int, is_batch: bool) -> bool:
        """Whether one more request may pass now; if so it is counted. `in_flight` includes this one."""
        now = time.monotonic()
        for starts in (self._starts, self._batches):
            while starts and starts[0] <= now - 60:
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
