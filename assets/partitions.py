"""Connection x day: which connections are synced together, and the day whose changes are meant.

Today's partition pulls from the watermark, as often as it is asked; a past day reads that day's window again. Days are
UTC and mean nothing for correctness: the watermark does that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

CONNECTION = "connection"
DAY = "day"
CONNECTIONS = dg.DynamicPartitionsDefinition(name=CONNECTION)


def build_connection_days(start: date) -> dg.MultiPartitionsDefinition:
    """The partitions of every asset; `end_offset` makes today's exist from midnight on."""
    days = dg.DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC", end_offset=1)
    return dg.MultiPartitionsDefinition({CONNECTION: CONNECTIONS, DAY: days})


def partition_key(connection_key: str, day: date) -> dg.MultiPartitionKey:
    return dg.MultiPartitionKey({CONNECTION: connection_key, DAY: day.isoformat()})


@dataclass(frozen=True, slots=True)
class Slice:
    """What a run is to do for one partition key of connections: catch up to now, or read a window [from, until)."""

    connection_key: str
    window: tuple[datetime, datetime] | None


def slices_of(keys: list[str], now: datetime) -> list[Slice]:
    """The work of a run's partition keys: one slice for each connection, a window over its past days.

    A range that reaches today catches up from the watermark and reads the past days again.
    """
    days_by_connection: dict[str, list[date]] = {}
    for key in keys:
        connection, day = key.split("|")
        days_by_connection.setdefault(connection, []).append(date.fromisoformat(day))
    slices: list[Slice] = []
    for connection, days in days_by_connection.items():
        past = sorted(day for day in days if day < now.date())
        if past:
            first, last = (datetime(d.year, d.month, d.day, tzinfo=UTC) for d in (past[0], past[-1]))
            slices.append(Slice(connection, (first, last + timedelta(days=1))))
        if len(past) < len(days):
            slices.append(Slice(connection, None))
    return slices


def connection_keys(keys: list[str]) -> list[str]:
    """The partition keys of connections in a run's partition keys, whatever their days."""
    return list(dict.fromkeys(key.split("|")[0] for key in keys))
