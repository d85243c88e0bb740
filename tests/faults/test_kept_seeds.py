"""What failed once does not fail again."""

from __future__ import annotations

import pytest

from tests.faults.running import attempt, told
from tests.faults.schedule import Step
from tests.faults.seeds import KEPT
from tests.faults.world import World


@pytest.mark.parametrize(("erp", "seed", "steps"), [kept[1:] for kept in KEPT], ids=[kept[0] for kept in KEPT])
def test_a_schedule_that_failed_once_does_not_fail_again(
    request: pytest.FixtureRequest, erp: str, seed: int, steps: list[Step]
):
    world: World = request.getfixturevalue(f"{erp}_world")

    tried = attempt(world, seed, steps)

    assert not tried.found, told(world, tried)
