"""What schedules aim at: everything that can occur, in turn, and the reasons why the rest cannot."""

from __future__ import annotations

from resources.points import POINTS
from tests.faults.aims import AIMS, EACH_AIM, STRIKES, why_not
from tests.faults.faults import FAULTS, READING
from tests.faults.schedule import AIMS_PER_SHORT_SCHEDULE, SHORT_SEEDS, steps_of


def test_every_strike_is_aimed_at_every_point_where_it_can_come():
    aimed = {aim.strike for aim in AIMS if aim.strike}

    assert aimed == {(point, how) for point in POINTS for how in STRIKES if not why_not(point, how)}


def test_every_fault_is_aimed_at_by_every_way_that_it_can_meet():
    ways = {fault: {aim.way for aim in AIMS if aim.fault == fault} for fault in FAULTS}

    in_doubt_or_moved = {"found", "resend", "caught_up", "late_move"}
    reading = {"delta", "conflict", "census", "census_conflict"}
    assert ways == {fault: in_doubt_or_moved | (reading if fault in READING else {"push"}) for fault in FAULTS}


def test_a_seed_means_the_same_steps_every_time():
    assert steps_of(41) == steps_of(41)


def test_the_schedules_that_run_with_every_change_aim_at_everything_once():
    assert len(SHORT_SEEDS) * AIMS_PER_SHORT_SCHEDULE >= len(EACH_AIM)
    assert set(EACH_AIM) == set(AIMS)
