"""Sync health: how the runs of a period went, drawn; and those that failed."""

from __future__ import annotations

from typing import Literal

from fastapi import Request, Response

from gateway.console import charts
from gateway.console.pages import new_router, render
from gateway.console.visitors import Reader
from resources.stores import sync_health
from resources.stores.sync_health import PERIODS, Step

router = new_router()
FAILURES_SHOWN_MAX = 20
CONNECTIONS_SHOWN_MAX = 100


@router.get("/health")
def page(
    request: Request,
    visitor: Reader,
    period: Literal["day", "week", "month"] = "day",
    connection: str | None = None,
) -> Response:
    chosen = connection or None
    with visitor.transaction() as tx:
        found = sync_health.read(tx, PERIODS[period], connection=chosen)
        failures = sync_health.recent_failures(
            tx, found.steps[0].begins_at, connection=chosen, limit=FAILURES_SHOWN_MAX
        )
    whole = _sum(found.steps)
    ended = whole.done + whole.failed
    worst_first = sorted(found.by_connection.items(), key=lambda one: (-one[1].failed, one[0]))
    return render(
        request,
        "health.html",
        visitor=visitor,
        periods=PERIODS,
        period=period,
        connection=chosen,
        whole=whole,
        success_percent=100 * whole.done / ended if ended else None,
        mean_seconds=whole.seconds / ended if ended else None,
        runs=charts.runs(found),
        calls=charts.calls(found),
        took=charts.seconds(found),
        steps=found.steps,
        by_connection=worst_first[:CONNECTIONS_SHOWN_MAX],
        failures=failures,
    )


def _sum(steps: list[Step]) -> Step:
    return Step(
        steps[0].begins_at,
        sum(s.done for s in steps),
        sum(s.failed for s in steps),
        sum(s.running for s in steps),
        sum(s.api_calls for s in steps),
        sum(s.seconds for s in steps),
    )
