"""What failed once does not fail again."""

from __future__ import annotations

import pytest

from tests.faults.running import attempt, told
from tests.faults.schedule import Step
from tests.faults.seeds import KEPT
from tests.faults.world import World


@pytest.mark.parametrize(("seed", "steps"), [kept[1:] for kept in KEPT], ids=[kept[0] for kept in KEPT])
def test_a_schedule_that_failed_once_does_not_fail_again(world: World, seed: int, steps: list[Step]):
    tried = attempt(world, seed, steps)

    assert not tried.found, told(world, tried)
