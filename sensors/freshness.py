"""Wakes `delta_sync` for the connections whose next pull is due."""

from datetime import UTC, datetime

import dagster as dg

from assets.partitions import CONNECTION, partition_key
from assets.sync import SYNC_STEP, SyncConfig
from resources.configured import ServicesResource
from resources.stores import connections

PARTITIONS_PER_TICK_MAX = 10
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def build_due_sensor(job_name: str) -> dg.SensorDefinition:
    """The work list is `sync.connections.next_pull_at`; a run key would burn a connection whose run was lost."""

    @dg.sensor(
        name="due_deltas",
        job_name=job_name,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Pulls what changed from every connection whose interval has passed; one run a partition key.",
    )
    def due_deltas(context: dg.SensorEvaluationContext, services: ServicesResource) -> dg.SensorResult | dg.SkipReason:
        with services.open().fleet() as tx:
            due = [key for key, _ in connections.due_partitions(tx, PARTITIONS_PER_TICK_MAX)]
        if not due:
            return dg.SkipReason("no connection is due")
        unfinished = context.instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=_UNFINISHED))
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
                    partition_key=partition_key(key, today),
                    tags={"tieout/connection": key},
                    run_config=dg.RunConfig(ops={SYNC_STEP: SyncConfig(catch_up=True, skip_unchanged=True)}),
                )
                for key in wanted
            ]
        )

    return due_deltas
