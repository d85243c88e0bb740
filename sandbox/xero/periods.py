"""Lock dates: which days are closed to an app.

Belongs here: the one question. Who may still write between the two dates is not confirmed (switch locked_period).
"""

from datetime import date
from typing import Any

from sandbox.xero import wire
from sandbox.xero.wire import Refusal
from sandbox.xero.work import Work


def lock_date(work: Work) -> date | None:
    """The last closed day, None when nothing is closed."""
    names = ["EndOfYearLockDate"]
    if work.options.locked_period == "either":
        names.append("PeriodLockDate")
    return max((wire.day_of(work.organisation[name]) for name in names if work.organisation.get(name)), default=None)


def check_open(work: Work, day: date) -> None:
    locked = lock_date(work)
    if locked is not None and day <= locked:
        raise Refusal(f"The document date cannot be before the period lock date, which is currently set at {locked}")


def check_document(work: Work, value: dict[str, Any]) -> None:
    """Refuse to touch a document that is in the books of a closed period; drafts are not in them."""
    if value.get("Status") not in ("DRAFT", "SUBMITTED", None):
        check_open(work, wire.day_of(value["Date"]))
