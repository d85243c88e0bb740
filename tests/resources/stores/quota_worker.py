"""A process that calls as fast as it may, and one that dies holding a permission. Run by `test_quota.py`."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from resources.stores.quota import CallQuota
from tests.resources.secret_tables import transactions


def call_often(
    database_url: str, limits: dict[str, Any], calls_asked: int, call_seconds: float, all_here: Any, answers: Any
) -> None:
    """Report when each call began and ended, by the clock that all processes of a machine share."""
    calls = []
    with transactions(database_url, connections_max=1) as transaction:
        quota = CallQuota(transaction, "company", **limits)
        all_here.wait()
        for _ in range(calls_asked):
            with quota.call():
                began = time.monotonic()
                time.sleep(call_seconds)
                calls.append((began, time.monotonic()))
    answers.send(calls)


def die_calling(database_url: str, limits: dict[str, Any]) -> None:
    """Take every permission in flight, then be killed."""
    with transactions(database_url, connections_max=1) as transaction:
        quota = CallQuota(transaction, "company", **limits)
        for _ in range(limits["in_flight"]):
            quota.call().__enter__()
        os.kill(os.getpid(), signal.SIGKILL)
