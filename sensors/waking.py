"""What sensors share that wake a job for partition keys of connections: one run a key, none while one is unfinished.

A run key would burn the work of a run that was lost: the work lists are in Postgres, and say what is due.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import dagster as dg

from assets.partitions import CONNECTION, partition_key
from resources.understanding import understood

PARTITIONS_PER_TICK_MAX = 10
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
Evaluation = Callable[..., dg.SensorResult | dg.SkipReason]


def or_says_why(evaluate: Evaluation) -> Evaluation:
    """A sensor that skips with one sentence while the database is away; its next tick looks again."""

    @wraps(evaluate)
    def run(*args: Any, **kwargs: Any) -> dg.SensorResult | dg.SkipReason:
        try:
            return evaluate(*args, **kwargs)
        except Exception as error:
            if (found := understood(error)) is None:
                raise
            return dg.SkipReason(str(found))

    return run


def wake(
    context: dg.SensorEvaluationContext, job_name: str, due: Sequence[str], run_config: dg.RunConfig
) -> dg.SensorResult | dg.SkipReason:
    """Ask for one run of the job for each partition key that has none unfinished."""
    unfinished = context.instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=UNFINISHED))
    busy = {run.tags.get("tieout/connection") for run in unfinished}
    wanted = [key for key in due if key not in busy]
    if not wanted:
        return dg.SkipReason(f"already running or queued: {', '.join(due)}")
    known = set(context.instance.get_dynamic_partitions(CONNECTION))
    missing = [key for key in wanted if key not in known]
    if missing:
        context.instance.add_dynamic_partitions(CONNECTION, missing)
    today = datetime.now(UTC).date()
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                partition_key=partition_key(key, today), tags={"tieout/connection": key}, run_config=run_config
            )
            for key in wanted
        ]
    )
