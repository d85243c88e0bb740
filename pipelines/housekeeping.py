"""What is swept up by the clock: secrets and tokens that can be of no use any more."""

import dagster as dg

from pipelines.jobs import HOUSEKEEPING
from resources import vaulting
from resources.configured import ServicesResource


@dg.op(description="Erase secrets of removed connections, and tokens and refreshes that ended a month ago.")
def clean_vault(context: dg.OpExecutionContext, services: ServicesResource) -> None:
    erased = vaulting.clean(services.open())
    context.add_output_metadata(erased)


@dg.job(name=HOUSEKEEPING, executor_def=dg.in_process_executor, tags={"tieout/lane": "bulk"})
def housekeeping() -> None:
    """Sweep up what has ended. Running it twice changes nothing."""
    clean_vault()


def build_housekeeping_schedule() -> dg.ScheduleDefinition:
    """Sundays at 04:30 UTC, after the census."""
    return dg.ScheduleDefinition(
        name="weekly_housekeeping",
        job=housekeeping,
        cron_schedule="30 4 * * 0",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Sundays at 04:30 UTC: erases what has ended.",
    )
