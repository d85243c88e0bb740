"""Schedules that failed once, kept in the form in which they did, for ever: what else a seed means may change."""

from __future__ import annotations

from typing import Any

from tests.faults.schedule import Step


def _kill(point: str, nth: int) -> dict[str, Any]:
    return {"point": point, "nth": nth, "how": "kill"}


# What it showed, over which ERP, the seed, and the steps that were left when it was shortened.
KEPT: tuple[tuple[str, str, int, list[Step]], ...] = (
    (
        "a deletion right after a push is not undone by the echo",
        "quickbooks",
        29,
        [Step(2, "edit_here"), Step(6, "work", "push"), Step(7, "end_here")],
    ),
    (
        "what changes under a clock that was set back is not missed",
        "quickbooks",
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
        "quickbooks",
        62,
        [Step(0, "edit_both"), Step(1, "work", "delta"), Step(2, "edit_here"), Step(3, "edit_here")],
    ),
    (
        "what was made for a row that was deleted meanwhile is recorded once",
        "quickbooks",
        102,
        [Step(0, "make_here"), Step(2, "work", "push", strike=_kill("intent_committed", 2)), Step(4, "end_here")],
    ),
    (
        "what changes before a time that was seen already is not missed",
        "quickbooks",
        161,
        [
            Step(0, "make_here"),
            Step(4, "work", "push", long_while=True, edit_meanwhile=True),
            Step(5, "work", "delta", clock_seconds=-600),
            Step(6, "make_here"),
        ],
    ),
    (
        "a note written on a void document leaves it void",
        "quickbooks",
        97,
        [
            Step(1, "end_there"),
            Step(7, "work", "delta", strike={"point": "merge_committed", "nth": 2, "how": "write"}),
            Step(9, "work", "push", strike=_kill("after_send", 1)),
            Step(11, "work", "push", strike={"point": "found_committed", "nth": 1, "how": "write"}),
        ],
    ),
    (
        "what a merge has brought meanwhile is recorded once",
        "quickbooks",
        6302,
        [
            Step(0, "make_here"),
            Step(1, "make_here"),
            Step(2, "work", "push", fault="answer_lost", strike=_kill("after_send", 1)),
            Step(5, "work", "delta", fault="truncated_reading", strike=_kill("merge_written", 3)),
            Step(16, "edit_both", of="bills"),
            Step(17, "edit_both", of="bills"),
            Step(18, "work", "push", fault="answer_lost_thrice"),
            Step(19, "edit_here"),
        ],
    ),
    (
        "what changes under a clock that was set back is not missed where no feed says so",
        "xero",
        5090,
        [
            Step(1, "edit_here"),
            Step(5, "work", "push", strike=_kill("after_send", 1)),
            Step(11, "work", "push", fault="fault_in_200", strike=_kill("after_send", 1), clock_seconds=-600),
            Step(14, "edit_both"),
        ],
    ),
    (
        "an amount that was written and voided away is in no conflict to be shown",
        "quickbooks",
        10261,
        [Step(15, "edit_both", of="invoices"), Step(19, "edit_there"), Step(21, "end_there")],
    ),
    (
        "a note that a void has made something else of is in no conflict to be shown",
        "quickbooks",
        10742,
        [Step(5, "edit_both", of="invoices"), Step(8, "end_there")],
    ),
    (
        "the ledger's field may be taken for written unseen where nobody knew that ours had arrived",
        "quickbooks",
        10765,
        [
            Step(13, "edit_here"),
            Step(14, "work", "push", fault="answer_lost", strike=_kill("after_send", 1)),
            Step(18, "edit_apart"),
        ],
    ),
    (
        "what changes while a clock stays set back is not missed when it has gone on",
        "quickbooks",
        11027,
        [
            Step(10, "make_here", of="items"),
            Step(14, "work", "full", clock_seconds=-600),
            Step(19, "work", "push"),
            Step(21, "edit_there"),
            Step(22, "work", "delta", long_while=True),
        ],
    ),
    (
        "what is held from a later time is not missed when a clock that was set back has gone on",
        "quickbooks",
        11450,
        [
            Step(9, "edit_both"),
            Step(13, "work", "full", clock_seconds=-600),
            Step(18, "edit_there"),
            Step(19, "work", "delta", long_while=True),
        ],
    ),
    (
        "an amount that its own hand voided away is in no conflict to be shown",
        "quickbooks",
        10761,
        [Step(9, "edit_both", of="invoices"), Step(15, "end_there")],
    ),
    (
        "a batch of which nothing has happened goes again whole, also with what moved over there meanwhile",
        "quickbooks",
        15966,
        [
            Step(2, "make_there"),
            Step(3, "edit_there", of="payments"),
            Step(5, "apply_here"),
            Step(6, "make_there", of="payments"),
            Step(10, "make_here", of="payments"),
            Step(15, "work", "push", strike={"point": "before_send", "nth": 1, "how": "zombie"}),
        ],
    ),
    (
        "what is deleted before the time of the version held is not missed",
        "quickbooks",
        18520,
        [
            Step(0, "make_here"),
            Step(5, "work", "push", fault="truncated", long_while=True),
            Step(6, "work", "delta", fault="reading_down", clock_seconds=-600),
            Step(15, "end_there"),
            Step(17, "make_here", of="purchase_orders"),
            Step(18, "work", "push", strike={"point": "push_claimed", "nth": 1, "how": "write"}),
        ],
    ),
    (
        "a note that both wrote is asked about together with a total that is another there",
        "quickbooks",
        18950,
        [
            Step(1, "make_here"),
            Step(4, "work", "push", strike={"point": "record_written", "nth": 1, "how": "cut"}),
            Step(7, "edit_there"),
            Step(9, "edit_both"),
            Step(10, "edit_both"),
            Step(11, "work", "delta"),
            Step(12, "decide", strike={"point": "decision_committed", "nth": 1, "how": "cut"}),
        ],
    ),
    (
        "money made in two calls that comes once more beyond all memory is shown as a twin",
        "xero",
        10613,
        [Step(0, "make_here"), Step(7, "work", "push", fault="very_late"), Step(10, "work", "push")],
    ),
    (
        "a twin shows its own total, and not that of the record which was corrected since",
        "xero",
        12415,
        [
            Step(0, "make_here"),
            Step(1, "edit_both"),
            Step(2, "edit_both"),
            Step(3, "work", "push"),
            Step(5, "make_there"),
            Step(8, "make_there"),
            Step(9, "edit_here"),
            Step(10, "make_here"),
            Step(11, "work", "push", strike=_kill("before_send", 1)),
            Step(12, "work", "push", fault="copy_comes_later", clock_seconds=600),
            Step(13, "edit_here"),
            Step(14, "work", "push", fault="error_before", strike=_kill("after_send", 1)),
        ],
    ),
    (
        "what was under way before somebody changed the record there comes over it, where no version refuses it",
        "xero",
        11757,
        [
            Step(6, "edit_here"),
            Step(7, "make_here"),
            Step(8, "work", "push", fault="very_late"),
            Step(10, "edit_both"),
        ],
    ),
)
