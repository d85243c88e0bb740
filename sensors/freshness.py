"""Wakes `delta_sync` for the connections whose next pull is due."""

import dagster as dg

from assets.sync import SYNC_STEP, SyncConfig
from resources.configured import ServicesResource
from resources.stores import connections
from sensors.waking import PARTITIONS_PER_TICK_MAX, or_says_why, wake


def build_due_sensor(job_name: str) -> dg.SensorDefinition:
    """The work list is `sync.connections.next_pull_at`."""

    @dg.sensor(
        name="due_deltas",
        job_name=job_name,
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Pulls what changed from every connection whose interval has passed; one run a partition key.",
    )
    @or_says_why
    def due_deltas(context: dg.SensorEvaluationContext, services: ServicesResource) -> dg.SensorResult | dg.SkipReason:
        with services.open().fleet() as tx:
            due = [key for key, _ in connections.due_partitions(tx, PARTITIONS_PER_TICK_MAX)]
        if not due:
            return dg.SkipReason("no connection is due")
        run_config = dg.RunConfig(ops={SYNC_STEP: SyncConfig(catch_up=True, skip_unchanged=True)})
        return wake(context, job_name, due, run_config)

    return due_deltas
