"""Named places in the protocols where a process may die, for the fault programme to stop it there.

Belongs here: the names and the hook. Outside of tests no hook is set and `point` does nothing. What must hold whichever
place is hit is in docs/reliability.md.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS = (
    "page_fetched",
    "page_staged",
    "watermark_written",
    "page_committed",
    "merge_begun",
    "merge_written",
    "merge_committed",
    "settled",
    "push_claimed",
    "planned",
    "intent_written",
    "intent_committed",
    "before_send",
    "after_send",
    "before_record",
    "record_written",
    "record_committed",
    "probed",
    "found_written",
    "found_committed",
    "resend_counted",
    "caught_up",
    "conflict_opened",
    "decision_written",
    "decision_committed",
)

hook: Callable[[str], None] | None = None


def point(name: str) -> None:
    """Pass a labelled point; `name` is one of POINTS."""
    if hook is not None:
        hook(name)
