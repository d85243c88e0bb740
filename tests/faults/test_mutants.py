"""The programme bites: each way of breaking the protocol on purpose is found out. The others run in `make chaos`."""

from __future__ import annotations

import pytest

from tests.faults.running import first_failure
from tests.faults.world import World

SEEDS = range(200)
# The seed that found it last comes first: if it does not any more, another one has to.
FOUND_LAST_AT = {"no_probe": 7, "watermark_before_page": 22, "fresh_token": 0}


@pytest.mark.parametrize("mutant", FOUND_LAST_AT)
def test_a_broken_protocol_is_found_within_two_hundred_schedules(world: World, mutant: str):
    assert first_failure(world, [FOUND_LAST_AT[mutant], *SEEDS], mutant) is not None
