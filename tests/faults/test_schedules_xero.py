"""Short schedules over Xero, which run with every change; the long ones run in `make chaos`."""

from __future__ import annotations

import pytest

from tests.faults.running import failures
from tests.faults.world import World

SEEDS = range(60)
CHUNK = 5


@pytest.mark.parametrize("start", SEEDS[::CHUNK], ids=lambda start: f"seeds {start} to {start + CHUNK - 1}")
def test_nothing_is_lost_doubled_or_overwritten_unseen(xero_world: World, start: int):
    assert "\n".join(failures(xero_world, range(start, start + CHUNK))) == ""
