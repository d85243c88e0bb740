"""What runs by the clock: the weekly census, the nightly reconciliation, and a look at the views after it."""

from collections.abc import Iterator

import dagster as dg

from assets.partitions import CONNECTION, partition_key
from resources.configured import ServicesResource
from resources.stores import connections


def build_schedules(*, census_job: str, reconcile_job: str, analytics_job: str) -> list[dg.ScheduleDefinition]:
    """The first two ask for one run a partition key of connections; running twice on one day changes nothing."""
    return [
        _build_schedule(
            "weekly_census", census_job, "0 2 * * 0", "Sundays at 02:00 UTC: finds and repairs what no feed reported."
        ),
        _build_schedule(
            "nightly_reconciliation", reconcile_job, "30 3 * * *", "Every night at 03:30 UTC: do both books tie out?"
        ),
        dg.ScheduleDefinition(
            name="nightly_analytics",
            job_name=analytics_job,
            cron_schedule="30 5 * * *",
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="Every night at 05:30 UTC: how large are the views, and how long do they take?",
        ),
    ]


def _build_schedule(name: str, job: str, cron: str, description: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job_name=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=description,
    )
    def schedule(
        context: dg.ScheduleEvaluationContext, services: ServicesResource
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        day = context.scheduled_execution_time.date()
        with services.open().fleet() as tx:
            keys = connections.active_partitions(tx)
        if keys:
            context.instance.add_dynamic_partitions(CONNECTION, keys)
        else:
            yield dg.SkipReason("there is no connection yet: add one with `tieout connections add`")
        for key in keys:
            yield dg.RunRequest(
                run_key=f"{key}:{day.isoformat()}",
                partition_key=partition_key(key, day),
                tags={"tieout/connection": key},
            )

    return schedule
