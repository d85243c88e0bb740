"""The small scope, exhaustively: every point killed at its first and second passing, under each of the main faults."""

from __future__ import annotations

import pytest

from resources.points import POINTS
from tests.faults.running import attempt, shortened
from tests.faults.scope import ONCE, schedules
from tests.faults.world import World

pytestmark = pytest.mark.long

SCHEDULES = list(schedules())
CHUNK = 5


@pytest.mark.parametrize("first", range(0, len(SCHEDULES), CHUNK), ids=lambda first: f"schedules from {first}")
def test_whatever_dies_where_nothing_is_lost_doubled_or_overwritten(world: World, first: int):
    failed = []
    for seed, steps in SCHEDULES[first : first + CHUNK]:
        tried = attempt(world, seed, steps)
        if tried.found:
            failed.append(shortened(world, tried))
    assert "\n".join(failed) == ""


def test_every_point_was_really_struck(world: World):
    """Comes after the schedules, in the same world."""
    assert [point for point in POINTS if not world.killed[point, 1]] == []
    assert [point for point in POINTS if point not in ONCE and not world.killed[point, 2]] == []
    assert [point for point in POINTS if not world.struck[point, "restart"]] == []
