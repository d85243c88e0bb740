"""Wakes `check_conflicts` when a conflict was opened, or has changed since the last look."""

import dagster as dg

from resources.configured import ServicesResource
from resources.stores import due_work
from sensors.waking import UNFINISHED, or_says_why


def build_conflict_sensor(job_name: str) -> dg.SensorDefinition:
    """The work list is `sync.conflicts`."""

    @dg.sensor(
        name="open_conflicts",
        job_name=job_name,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Shows on the ledger's assets which records are held in conflicts.",
    )
    @or_says_why
    def open_conflicts(
        context: dg.SensorEvaluationContext, services: ServicesResource
    ) -> dg.SensorResult | dg.SkipReason:
        with services.open().fleet() as tx:
            is_due = due_work.has_new_conflicts(tx)
        if not is_due:
            return dg.SkipReason("no conflict has been opened or has changed")
        if context.instance.get_runs(dg.RunsFilter(job_name=job_name, statuses=UNFINISHED), limit=1):
            return dg.SkipReason("already running or queued")
        return dg.SensorResult(run_requests=[dg.RunRequest()])

    return open_conflicts
