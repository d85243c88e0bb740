"""What reading everything once would cost of a day's calls, and when it would end.

Belongs here: counting and reckoning. The limits are `profile.py`, keeping them is `resources/stores/quota.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import ceil

from resources.connector import CallForecast
from resources.erps.xero import profile
from resources.erps.xero.profile import Resource
from resources.erps.xero.records import PREFIXES
from resources.erps.xero.wire import Answer, Wire


def forecast_of(wire: Wire, lists: Iterable[Resource], calls_per_day: int, calls_today: int) -> CallForecast:
    """One call for each of these lists that is paged, for a single record of it and the number of all.

    Each is read once, whichever entities it serves; bank accounts of over- and prepayments are another list.
    """
    calls, made_at = 0, None
    for resource in lists:
        count = 1
        if resource.is_paged:
            count, made_at = wire.read(
                resource.read,
                lambda answer: (_count(wire, answer), answer.made_at),
                doing="counting",
                page=1,
                page_size=1,
            )
        calls += max(1, ceil(count / profile.PAGE_ROWS_MAX))
        if resource in PREFIXES and count:
            # At least as many as there are credits made by one of the two kinds of bank transactions.
            calls += max(1, ceil(count / profile.PAGE_ROWS_MAX))
    left = calls_per_day - calls_today if wire.calls_left_today is None else wire.calls_left_today
    began_at = made_at or datetime.now(UTC)
    # Beyond what is left of today it waits for the next day's calls.
    days = max(0, ceil((calls - left) / calls_per_day))
    seconds = days * profile.DAY_SECONDS + calls * profile.MINUTE_SECONDS / profile.CALLS_PER_MINUTE_MAX
    return CallForecast(calls, calls_per_day, left, began_at + timedelta(seconds=seconds))


def _count(wire: Wire, answer: Answer) -> int:
    paging = answer.root.get("pagination") if isinstance(answer.root, dict) else None
    found = paging.get("itemCount") if isinstance(paging, dict) else None
    if not isinstance(found, int):
        raise wire.damaged("a page without itemCount", "the number of records")
    return found
