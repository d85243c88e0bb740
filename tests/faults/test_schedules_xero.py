"""Short schedules over Xero, which run with every change; the long ones run in `make chaos`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.running import failures
from tests.faults.world import World, running_world

SEEDS = range(60)
CHUNK = 5


@pytest.fixture(scope="module")
def xero_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("xero"), "xero") as running:
        yield running


@pytest.mark.parametrize("start", SEEDS[::CHUNK], ids=lambda start: f"seeds {start} to {start + CHUNK - 1}")
def test_nothing_is_lost_doubled_or_overwritten_unseen(xero_world: World, start: int):
    assert "\n".join(failures(xero_world, range(start, start + CHUNK))) == ""
