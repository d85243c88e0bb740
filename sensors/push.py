"""Wakes `push` for the connections that have something to be told: an edited row, or an intent whose time has come."""

import dagster as dg

from assets.push import PUSH_STEP, PushConfig
from resources.configured import ServicesResource
from resources.stores import due_work
from sensors.waking import PARTITIONS_PER_TICK_MAX, or_says_why, wake


def build_push_sensor(job_name: str) -> dg.SensorDefinition:
    """The work lists are `sync.edits` and `sync.outbox`; what is switched off or held wakes nobody."""

    @dg.sensor(
        name="push_edits",
        job_name=job_name,
        minimum_interval_seconds=5,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Pushes what was edited in the ledger; one run a partition key, which drains all there is.",
    )
    @or_says_why
    def push_edits(context: dg.SensorEvaluationContext, services: ServicesResource) -> dg.SensorResult | dg.SkipReason:
        with services.open().fleet() as tx:
            due = due_work.partitions_to_push(tx, PARTITIONS_PER_TICK_MAX)
        if not due:
            return dg.SkipReason("no edit and no intent is due")
        return wake(context, job_name, due, dg.RunConfig(ops={PUSH_STEP: PushConfig(skip_unchanged=True)}))

    return push_edits
