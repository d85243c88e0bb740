"""What schedules aim at, in turn, so that every point meets every strike and every fault about equally often.

Belongs here: the pairs that can occur, those that cannot and why, and the steps that lead to each. Chance alone would
reach an answer lost while a lost answer is asked for once in thousands of schedules.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from resources.points import POINTS
from tests.faults.faults import FAULTS, READING

STRIKES = ("kill", "cut", "restart", "zombie", "write")

PULLING = ("page_fetched", "page_staged", "watermark_written", "page_committed")
MERGING = ("merge_begun", "merge_written", "merge_committed")
SENDING = (
    "push_claimed",
    "planned",
    "intent_written",
    "intent_committed",
    "before_send",
    "after_send",
    "before_record",
    "record_written",
    "record_committed",
)
FINDING = ("probed", "found_written", "found_committed")
DECIDING = ("decision_written", "decision_committed")
# Points inside a transaction that holds the lease's row: nobody can take the lease over before it ends.
LEASE_IS_HELD = (
    "page_staged",
    "watermark_written",
    "merge_written",
    "settled",
    "intent_written",
    "before_record",
    "record_written",
    "found_written",
    "conflict_opened",
)


@dataclass(frozen=True)
class Aim:
    """`way`: the steps that lead there; then the product runs under `fault`, and `strike` comes at a point."""

    way: str
    fault: str = ""
    strike: tuple[str, str] | None = None


# How often in one turn, as compared with an ordinary push under a fault: not each of them gets to where it leads.
# Figures of 309 long schedules: what was met less than a hundred times in ten thousand has more turns since.
STRIKES_IN_TURN = 4
STRIKES_IN_TURN_AT = {"resend_counted": 7, "conflict_opened": 7, "found_written": 6, "probed": 5, "record_written": 5}
READING_IN_TURN = {
    "delta": 2,
    "conflict": 3,
    "census": 3,
    "census_conflict": 5,
    "found": 5,
    "resend": 7,
    "caught_up": 6,
    "late_move": 3,
}
WRITING_IN_TURN = {"push": 1, "found": 5, "resend": 6, "caught_up": 6, "late_move": 5}


def why_not(point: str, what: str, *, reads_to_write: bool = False) -> str:
    """Why a point cannot meet a strike or a fault; empty if it can. `reads_to_write`: see `Erp`."""
    if what == "zombie" and point in LEASE_IS_HELD:
        return "the transaction has the lease's row locked: nobody takes it over before its end"
    if what == "zombie" and point in DECIDING:
        return "a decision needs no lease"
    if what in FAULTS and point in DECIDING:
        return "a decision makes no request"
    if what in FAULTS and what not in READING and point == "watermark_written":
        return "what a push reads again by id moves no watermark, and a sync writes nothing there"
    if what == "reading_down" and point in (*PULLING, *MERGING, *FINDING, "resend_counted", "caught_up"):
        return "reading is down until the action has failed, and what comes there must have read something"
    if what == "listing_down" and point in (*SENDING, *FINDING, "resend_counted", "caught_up"):
        return "only a census lists, and it pushes nothing"
    if what == "reading_down" and point == "conflict_opened":
        return "reading is down until the action has failed, and what is in conflict must have been read"
    if what == "reading_down" and point == "settled" and reads_to_write:
        return "reading is down until the action has failed, and what is changed there is read right before and after"
    return ""


def _way_to(point: str, how: str) -> str:
    if point in DECIDING:
        return "decision"
    if point in PULLING:
        return "delta"
    if point in MERGING:
        # Right behind a pull the batch is begun inside its transaction.
        return "caught_up" if (point, how) == ("merge_begun", "zombie") else "delta"
    if point in FINDING:
        return "found"
    return {"resend_counted": "resend", "caught_up": "caught_up", "conflict_opened": "conflict"}.get(point, "push")


def _all_aims() -> Iterator[tuple[Aim, int]]:
    """Each aim, and how often it has its turn."""
    for point in POINTS:
        for how in STRIKES:
            if not why_not(point, how):
                yield Aim(_way_to(point, how), strike=(point, how)), STRIKES_IN_TURN_AT.get(point, STRIKES_IN_TURN)
    for fault in FAULTS:
        for way, times in (READING_IN_TURN if fault in READING else WRITING_IN_TURN).items():
            yield Aim(way, fault), times


def _shuffled(aims: Sequence[Aim]) -> tuple[Aim, ...]:
    return tuple(random.Random("aims").sample(aims, len(aims)))


# What long runs take in turn; and each of it once, for the schedules that run with every change.
AIMS = _shuffled([aim for aim, times in _all_aims() for _ in range(times)])
EACH_AIM = _shuffled([aim for aim, _ in _all_aims()])


def steps_to(aim: Aim, chance: random.Random) -> Iterator[dict[str, Any]]:
    """The steps, as keyword arguments of `Step` without their place."""
    strike = None
    if aim.strike:
        point, how = aim.strike
        strike = {"point": point, "nth": chance.choice([1, 1, 1, 2]), "how": how}
    if aim.way == "decision":
        yield {"what": "edit_both"}
        yield {"what": "edit_both"}
        yield {"what": "work", "run": "delta"}
        yield {"what": "decide", "strike": strike and {**strike, "nth": 1}}
        return
    if aim.way in ("conflict", "census_conflict"):
        yield {"what": "edit_both"}
        yield {"what": "edit_apart"}
        yield {"what": "edit_both"}
    elif aim.way == "late_move":
        # Three kinds that are pushed first: what is lost thrice is lost for each of them, and the fourth is told.
        for of in ("customers", "vendors", "items"):
            yield {"what": "make_here", "of": of}
        yield {"what": "edit_both", "of": "invoices"}
        yield {"what": "edit_both", "of": "invoices"}
    elif aim.way in ("delta", "census"):
        yield {"what": "make_there"}
        yield {"what": "edit_there"}
    elif aim.way == "caught_up":
        yield {"what": "edit_both"}
        yield {"what": "edit_both"}
    else:
        # What is made there twice does harm, what is changed twice hardly can.
        yield {"what": "make_here" if aim.way == "found" and chance.random() < 0.6 else "edit_here"}
        if aim.way in ("found", "resend"):
            doubt = chance.choice(DOUBTS[aim.way])
            yield {"what": "work", "run": "push", "fault": doubt, "strike": _AT_SEND}
        yield {"what": "make_here"}
    run = {"delta": "delta", "conflict": "delta", "census": "full", "census_conflict": "full"}.get(aim.way, "push")
    in_doubt = aim.way in ("found", "resend")
    if strike and (in_doubt or aim.way == "caught_up"):
        strike["nth"] = 1
    # Until nobody remembers the key any more, so that only asking tells whether it has happened; and until what changed
    # is older than the overlap by which the feed is read again.
    long_while = chance.random() < (0.35 if in_doubt else 0.5 if aim.way == "delta" and strike else 0.0)
    yield {"what": "work", "run": run, "fault": aim.fault, "strike": strike, "long_while": long_while}


# What leaves a write in doubt that has happened, or one that has not.
DOUBTS = {"found": ("error_after", "answer_lost", "reset_midway"), "resend": ("request_lost", "error_before")}
_AT_SEND = {"point": "after_send", "nth": 1, "how": "kill"}
