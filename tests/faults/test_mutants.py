"""The programme bites: each way of breaking the protocol on purpose is found out. The others run in `make chaos`."""

from __future__ import annotations

import pytest

from tests.faults.bites import BITES
from tests.faults.mutants import mutants_of
from tests.faults.running import first_failure
from tests.faults.world import World

SEEDS = range(20)
WITH_EVERY_CHANGE = ("no_probe", "deletion_unasked", "watermark_before_page", "fresh_token")


@pytest.mark.parametrize("mutant", WITH_EVERY_CHANGE)
def test_a_broken_protocol_is_found(world: World, mutant: str):
    assert first_failure(world, SEEDS, mutant) is not None


@pytest.mark.long
@pytest.mark.parametrize("mutant", [name for name in mutants_of("quickbooks") if name not in WITH_EVERY_CHANGE])
def test_every_other_broken_protocol_is_found(world: World, mutant: str):
    assert first_failure(world, SEEDS, mutant) is not None


def test_there_is_a_schedule_for_each_broken_protocol():
    assert set(BITES) == set(mutants_of("quickbooks")) >= set(mutants_of("xero"))
