"""How a tenant's syncs went, in equal steps of time: what the console draws.

Belongs here: one statement over the runs of a period. The same figures for a whole period, for analysts, are the view
`analytics.sync_health`; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import psycopg


@dataclass(frozen=True, slots=True)
class Period:
    """`step_count` steps of `step_seconds` each, the last of them still under way."""

    title: str
    step_seconds: int
    step_count: int


PERIODS: Mapping[str, Period] = MappingProxyType(
    {
        "day": Period("Last 24 hours", 3600, 24),
        "week": Period("Last 7 days", 6 * 3600, 28),
        "month": Period("Last 30 days", 24 * 3600, 30),
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """What began in one step, over the connections that were asked for. Seconds are of runs that ended."""

    begins_at: datetime
    done: int = 0
    failed: int = 0
    running: int = 0
    api_calls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Health:
    """`steps` in order of time, none missing; `by_connection` sums of the period, by name."""

    period: Period
    steps: list[Step]
    by_connection: dict[str, Step]


def read(tx: psycopg.Connection[Any], period: Period, *, connection: str | None = None) -> Health:
    """The runs that began in a period up to now."""
    span = timedelta(seconds=period.step_seconds * period.step_count)
    (now,) = tx.execute("select now()").fetchone() or (None,)
    assert now is not None
    begins = now - span
    of_one = "" if connection is None else "and c.connection = %(connection)s"
    rows = tx.execute(
        f"""
        select r.connection, floor(extract(epoch from r.started_at - %(begins)s) / %(step)s)::int as place,
               count(*) filter (where r.state = 'done'), count(*) filter (where r.state = 'failed'),
               count(*) filter (where r.state = 'running'), coalesce(sum(r.api_calls), 0)::int8,
               coalesce(sum(extract(epoch from r.ended_at - r.started_at)), 0)::float8
          from sync.connections c join sync.runs r on r.connection = c.connection
         where c.state <> 'removed' and r.started_at > %(begins)s and r.started_at <= %(now)s
           {of_one}
         group by 1, 2
        """,
        {"begins": begins, "now": now, "step": period.step_seconds, "connection": connection},
    ).fetchall()
    steps = [Step(begins + timedelta(seconds=period.step_seconds * place)) for place in range(period.step_count)]
    by_connection: dict[str, Step] = {}
    for name, place, *figures in rows:
        # What began just now stands at the very end of the last step.
        place = min(max(place, 0), period.step_count - 1)
        steps[place] = _plus(steps[place], figures)
        by_connection[name] = _plus(by_connection.get(name, Step(begins)), figures)
    return Health(period, steps, dict(sorted(by_connection.items())))


def _plus(step: Step, figures: list[Any]) -> Step:
    done, failed, running, calls, seconds = figures
    return Step(
        step.begins_at,
        step.done + done,
        step.failed + failed,
        step.running + running,
        step.api_calls + calls,
        step.seconds + seconds,
    )


def recent_failures(
    tx: psycopg.Connection[Any], begins_at: datetime, *, connection: str | None, limit: int
) -> list[Any]:
    """The runs of the period that failed, the newest first: (run id, connection, kind, started, ended, Dagster's)."""
    of_one = "" if connection is None else "and c.connection = %(connection)s"
    return tx.execute(
        f"""
        select r.run_id, r.connection, r.kind, r.started_at, r.ended_at, r.dagster_run_id
          from sync.connections c cross join lateral (
            select * from sync.runs r where r.connection = c.connection and r.state = 'failed'
               and r.started_at > %(begins)s order by r.started_at desc limit %(limit)s) r
         where c.state <> 'removed' {of_one}
         order by r.started_at desc limit %(limit)s
        """,
        {"begins": begins_at, "connection": connection, "limit": limit},
    ).fetchall()
