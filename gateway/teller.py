"""Tells webhooks what has happened, as long as the gateway runs.

A short loop, and no Dagster sensor with a job: a run takes four seconds of CPU to start and one event is sent in
milliseconds, so a book that changes once a minute would cost a run a minute, each for one POST. Nor at the end of a
sync or push, which a receiver that does not answer would hold up. What remains Dagster's is what made the event, and
sweeping up (`housekeeping`). The loop decides nothing and keeps nothing: what is due, whose turn it is and who has it
is in Postgres, so there may be as many gateways as one likes, and one that is killed is nothing lost.
"""

from __future__ import annotations

import logging
import threading

import psycopg

from resources.delivering import deliver
from resources.errors import TieoutError
from resources.services import Services

LOG = logging.getLogger("tieout.gateway")
# One indexed query when nothing is due.
PAUSE_SECONDS = 1.0
PAUSE_AFTER_FAILURE_SECONDS = 10.0


class Teller:
    """A thread that delivers while the block lasts."""

    def __init__(self, services: Services, *, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._services = services
        self._pause_seconds = pause_seconds
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="teller", daemon=True)

    def __enter__(self) -> Teller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; what is under way is finished by whoever takes it over."""
        self._is_over.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        pause = 0.0
        while not self._is_over.wait(pause):
            try:
                pause = 0.0 if deliver(self._services) else self._pause_seconds
            except (TieoutError, psycopg.Error) as error:
                LOG.warning("webhooks wait: %s", error if isinstance(error, TieoutError) else type(error).__name__)
                pause = PAUSE_AFTER_FAILURE_SECONDS
