"""What a long reading would cost of a day's calls, and when it would end.

Belongs here: counting and reckoning. The limits are `profile.py`, keeping them is `resources/stores/quota.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from resources.connector import CallForecast
from resources.erps.xero import profile
from resources.erps.xero.profile import Resource
from resources.erps.xero.records import PREFIXES
from resources.erps.xero.values import header_instant
from resources.erps.xero.wire import Answer, Wire


@dataclass(frozen=True, slots=True)
class Reading:
    """One walk over one list that is to come: all of it, or what is modified in [since, until), under a condition.

    `has_banks`: the bank accounts of over- and prepayments, which are another list, are read along.
    """

    resource: Resource
    where: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    has_banks: bool = True


def forecast_of(
    wire: Wire, readings: Iterable[Reading], calls_per_day: int, calls_today: int, *, further_calls: int = 0
) -> CallForecast:
    """One call for each of these that is paged, for a single record of it and the number of all; two for a window."""
    calls, made_at = further_calls, None
    for one in readings:
        count = 1
        if one.resource.is_paged:
            count, made_at = _counted(wire, one, one.since)
            if one.until is not None:
                count -= _counted(wire, one, one.until)[0]
        calls += max(1, ceil(count / profile.PAGE_ROWS_MAX))
        if one.has_banks and one.resource in PREFIXES and count:
            # At least as many as there are credits made by one of the two kinds of bank transactions.
            calls += max(1, ceil(count / profile.PAGE_ROWS_MAX))
    left = calls_per_day - calls_today if wire.calls_left_today is None else wire.calls_left_today
    began_at = made_at or datetime.now(UTC)
    # Beyond what is left of today it waits for the next day's calls.
    days = max(0, ceil((calls - left) / calls_per_day))
    seconds = days * profile.DAY_SECONDS + calls * profile.MINUTE_SECONDS / profile.CALLS_PER_MINUTE_MAX
    return CallForecast(calls, calls_per_day, left, began_at + timedelta(seconds=seconds))


def _counted(wire: Wire, one: Reading, since: datetime | None) -> tuple[int, datetime | None]:
    """How many records a walk from then on gives, and Xero's clock."""
    chosen = {"where": one.where, "if_modified_since": since and header_instant(since)}
    return wire.read(
        one.resource.read,
        lambda answer: (_count(wire, answer), answer.made_at),
        doing="counting",
        page=1,
        page_size=1,
        **{name: value for name, value in chosen.items() if value is not None},
    )


def _count(wire: Wire, answer: Answer) -> int:
    paging = answer.root.get("pagination") if isinstance(answer.root, dict) else None
    found = paging.get("itemCount") if isinstance(paging, dict) else None
    if not isinstance(found, int):
        raise wire.damaged("a page without itemCount", "the number of records")
    return found
