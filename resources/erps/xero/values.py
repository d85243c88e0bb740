"""Xero's dates and instants, both ways.

Dates come as `/Date(ms+0000)/`, midnight UTC of the organisation's calendar day: the UTC date is taken and never
shifted. Requests take `YYYY-MM-DD`. Sources: reference of the API, dates; captures of 2020 and 2026.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

_MILLISECONDS = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_instant(value: Any) -> datetime | None:
    """`/Date(1588633397422+0000)/` as an aware UTC instant; None for anything else. The offset never moves it."""
    return _instant(value) if isinstance(value, str) else None


# The time of a row is asked for by the walk, by its token and by its record, and days come again and again.
@lru_cache(maxsize=4096)
def _instant(value: str) -> datetime | None:
    found = _MILLISECONDS.fullmatch(value)
    if found is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=int(found[1]))
    except OverflowError:
        return None


def read_day(value: Any) -> date | None:
    """The calendar day of a `/Date()/`, or of an ISO date as a write's body has it; None for anything else."""
    moment = read_instant(value)
    if moment is not None:
        return moment.date()
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


def header_instant(moment: datetime) -> str:
    """For If-Modified-Since: UTC, whole seconds, a fraction dropped to miss nothing."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
