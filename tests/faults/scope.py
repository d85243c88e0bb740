"""The small scope, exhaustively: every point killed at its first and second passing, under each of the main faults, and
the database's server stopped as by a crash at each.

Belongs here: the list, which is the same in every run and draws nothing. Several cases share a schedule, one after the
other, so that all of them fit into a minute or two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from resources.points import POINTS
from tests.faults.aims import DECIDING, MERGING, PULLING
from tests.faults.schedule import Step

MAIN_FAULTS = ("", "request_lost", "answer_lost", "error_after", "late", "throttled", "token_expired", "reading_lost")
CASES_PER_SCHEDULE = 4
# Passed only once in a process, or a second time only by chance.
ONCE = frozenset({*DECIDING, "caught_up", "found_written", "found_committed", "probed", "resend_counted"})
# Reached only where something was in doubt before.
AFTER_DOUBT = frozenset({"probed", "found_written", "found_committed", "resend_counted"})
SYNCED = frozenset({*PULLING, *MERGING})
SEED = 1_000_000


def cases() -> list[tuple[str, int, str, str]]:
    """(point, passing, fault, strike)."""
    killed = [
        (point, nth, fault, "kill")
        for fault, point, nth in product(MAIN_FAULTS, POINTS, (1, 2))
        if nth == 1 or point not in ONCE
    ]
    return [*killed, *((point, 1, "", "restart") for point in POINTS)]


def schedules() -> Iterator[tuple[int, list[Step]]]:
    """(seed, steps) of each schedule of the small scope."""
    listed = cases()
    for number, first in enumerate(range(0, len(listed), CASES_PER_SCHEDULE)):
        yield SEED + number, list(_numbered(listed[first : first + CASES_PER_SCHEDULE]))


def _numbered(together: Sequence[tuple[str, int, str, str]]) -> Iterator[Step]:
    place = 0
    for case in together:
        for step in _steps(*case):
            place += 1
            yield Step(place, **step)


def _steps(point: str, nth: int, fault: str, how: str) -> Iterator[dict[str, Any]]:
    strike = {"point": point, "nth": nth, "how": how}
    yield {"what": "make_here"}
    if point in DECIDING or point == "conflict_opened":
        yield {"what": "edit_both"}
        yield {"what": "edit_both"}
        if point in DECIDING:
            yield {"what": "work", "run": "delta"}
            yield {"what": "decide", "fault": fault, "strike": strike}
            return
    if point in AFTER_DOUBT:
        doubt = "error_after" if point.startswith("found") else "request_lost"
        yield {"what": "edit_here"}
        yield {
            "what": "work",
            "run": "push",
            "fault": doubt,
            "strike": {"point": "after_send", "nth": 1, "how": "kill"},
        }
    elif point == "caught_up":
        yield {"what": "edit_both"}
    elif point in SYNCED:
        yield {"what": "make_there"}
        yield {"what": "edit_there"}
    else:
        yield {"what": "edit_here"}
        yield {"what": "make_here"}
        yield {"what": "edit_here"}
    is_delta = point in SYNCED or point == "conflict_opened"
    yield {"what": "work", "run": "delta" if is_delta else "push", "fault": fault, "strike": strike}
