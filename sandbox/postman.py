"""Sending webhooks: a thread that makes the requests which `webhooks.py` finds due.

Belongs here: one request and its answer, and the thread. It runs on the machine's clock for nothing but how often it
looks; what is due is told by the simulator's.
"""

import http.client
import threading
from typing import Any
from urllib.parse import urlsplit

from sandbox.notices import Delivery, Endpoint
from sandbox.webhooks import Webhooks

_LOOK_SECONDS = 0.05


class Postman:
    """Sends one delivery at a time, in order; both the thread and a flush go through the same gate."""

    def __init__(self, webhooks: Webhooks) -> None:
        self._webhooks = webhooks
        self._gate = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to send what is due as it comes; once is enough."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name="postman")
            self._thread.start()

    def flush(self, *, is_early: bool = False) -> int:
        """Send everything that is due now (`is_early`: everything that waits), however often it fails: each delivery is
        tried once. The number of attempts made."""
        made: list[tuple[int, int]] = []
        while self._send_one(is_flush=True, is_early=is_early, but=made):
            pass
        return len(made)

    def _run(self) -> None:
        while True:
            if not self._send_one(is_flush=False, is_early=False, but=[]):
                with self._webhooks.changed:
                    self._webhooks.changed.wait(_LOOK_SECONDS)

    def _send_one(self, *, is_flush: bool, is_early: bool, but: list[tuple[int, int]]) -> bool:
        """Send one delivery; `but` is what this flush has sent already, to which this one is added."""
        with self._gate:
            taken = self._webhooks.take_due(is_flush=is_flush, is_early=is_early, but=but)
            if taken is None:
                return False
            endpoint, delivery = taken
            but.append((delivery.number, delivery.copy))
            self._webhooks.settle(delivery, self._post(endpoint, delivery))
            return True

    def _post(self, endpoint: Endpoint, delivery: Delivery) -> int:
        """The status of the answer, 0 when none came in time."""
        parts, seconds = urlsplit(endpoint.url), self._webhooks.answer_seconds_max
        kind: Any = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=seconds)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("POST", path, delivery.body, delivery.headers)
            answer = connection.getresponse()
            answer.read()
            status: int = answer.status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
        return status
