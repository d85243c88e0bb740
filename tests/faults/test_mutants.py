"""The programme bites: each way of breaking the protocol on purpose is found out. The others run in `make chaos`."""

from __future__ import annotations

import pytest

from tests.faults.running import first_failure
from tests.faults.world import World

SEEDS = range(200)


@pytest.mark.parametrize("mutant", ["no_probe", "watermark_before_page", "fresh_token"])
def test_a_broken_protocol_is_found_within_two_hundred_schedules(world: World, mutant: str):
    assert first_failure(world, SEEDS, mutant) is not None
