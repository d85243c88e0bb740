"""The second quarter of the schedules that run with every change; files of one length, for as many workers."""

from __future__ import annotations

import pytest

from tests.faults.running import failures
from tests.faults.world import World

SEEDS = range(110, 220)
CHUNK = 5


@pytest.mark.parametrize("start", SEEDS[::CHUNK], ids=lambda start: f"seeds {start} to {start + CHUNK - 1}")
def test_nothing_is_lost_doubled_or_overwritten_unseen(world: World, start: int):
    assert "\n".join(failures(world, range(start, start + CHUNK))) == ""
