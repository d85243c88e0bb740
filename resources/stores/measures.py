"""What a tenant's books are doing, as numbers for a monitor: one statement for each kind, whatever the tenant's size.

Belongs here: the statements. What they are called for whoever scrapes them is `gateway/metrics.py`. Runs are counted
over those that are kept, so everything but the runs reads an index over what is open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

DURATION_BUCKETS_SECONDS = (1, 5, 15, 60, 300, 1800)


@dataclass(frozen=True, slots=True)
class Measures:
    """Each by its labels. Ages are seconds; a duration: how many runs took so long at most, and their sum.
    Dead deliveries are by webhook, and 0 where there are none, so that an alarm knows the webhook before.
    """

    runs: Mapping[tuple[str, str, str], int]
    durations: Mapping[tuple[str, str], tuple[list[int], float]]
    errors: Mapping[tuple[str, str], int]
    queues: Mapping[str, int]
    dead_deliveries: Mapping[int, int]
    watermark_ages: Mapping[tuple[str, str], float]
    token_ages: Mapping[str, float]


def calls_left(tx: psycopg.Connection[Any], companies: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """How many calls each company still allows in each of its windows, by whatever name it is given for.

    `companies` is name -> key of the quota (`quota.company_key`). One that was never called has no windows yet.
    """
    names = {key: name for name, key in companies.items()}
    found = tx.execute(
        "select company, lane, count(*) filter (where free_at <= clock_timestamp()) from sync.api_slots"
        " where company = any(%s) and lane not in ('flight', 'pause') group by 1, 2",
        (list(names),),
    )
    return {(names[company], lane): count for company, lane, count in found}


def read(tx: psycopg.Connection[Any]) -> Measures:
    """The tenant's numbers as they are now."""
    buckets = ", ".join(f"count(*) filter (where took <= {seconds})" for seconds in DURATION_BUCKETS_SECONDS)
    return Measures(
        runs={
            (connection, kind, state): count
            for connection, kind, state, count in tx.execute(
                "select connection, kind, state, count(*) from sync.runs group by 1, 2, 3"
            )
        },
        durations={
            (connection, kind): ([*counts, total], float(seconds or 0))
            for connection, kind, seconds, total, *counts in tx.execute(
                f"select connection, kind, sum(took), count(*), {buckets} from (select connection, kind,"
                "  extract(epoch from ended_at - started_at) as took from sync.runs where ended_at is not null) ended"
                " group by 1, 2"
            )
        },
        errors={
            (connection, kind): count
            for connection, kind, count in tx.execute(
                "select connection, kind, count(*) from sync.errors where resolved_at is null group by 1, 2"
            )
        },
        queues=dict(
            tx.execute(
                "select 'edits', count(*) from sync.edits"
                " union all select 'outbox', count(*) from sync.outbox where ended_at is null"
                " union all select 'conflicts', count(*) from sync.conflicts where state = 'open'"
                " union all select 'webhooks', count(*) from sync.deliveries where state = 'waiting'"
            ).fetchall()
        ),
        dead_deliveries=dict(
            tx.execute(
                "select h.webhook_id, count(d.webhook_id) from sync.webhooks h left join sync.deliveries d"
                " on d.webhook_id = h.webhook_id and d.state = 'dead' group by 1"
            ).fetchall()
        ),
        watermark_ages={
            (connection, entity): float(age)
            for connection, entity, age in tx.execute(
                "select connection, entity, extract(epoch from now() - watermark)"
                " from sync.cursors where watermark is not null"
            )
        },
        token_ages={
            connection: float(age)
            for connection, age in tx.execute(
                "select connection, extract(epoch from now() - max(received_at)) from sync.token_journal group by 1"
            )
        },
    )
