"""Schedules that failed once, kept in the form in which they did, for ever: what else a seed means may change."""

from __future__ import annotations

from tests.faults.schedule import Step

# What it showed, the seed, and the steps that were left when it was shortened.
KEPT: tuple[tuple[str, int, list[Step]], ...] = (
    (
        "a deletion right after a push is not undone by the echo",
        29,
        [Step(2, "edit_here"), Step(6, "work", "push"), Step(7, "end_here")],
    ),
    (
        "what changes under a clock that was set back is not missed",
        41,
        [
            Step(0, "make_here"),
            Step(1, "work", "push"),
            Step(2, "work", "delta", clock_seconds=-600),
            Step(3, "edit_there"),
            Step(4, "edit_there"),
            Step(5, "make_there"),
        ],
    ),
    (
        "a conflict shows what the row says now",
        62,
        [Step(0, "edit_both"), Step(1, "work", "delta"), Step(2, "edit_here"), Step(3, "edit_here")],
    ),
)
