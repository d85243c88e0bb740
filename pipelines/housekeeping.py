"""What is swept up by the clock: secrets and tokens of no use any more, and answers nobody will ask for again."""

import dagster as dg

from assets.failures import foreseen
from pipelines.jobs import HOUSEKEEPING
from resources import vaulting
from resources.configured import ServicesResource
from resources.stores import repeats, webhooks


@dg.op(description="Erase secrets of removed connections, and tokens and refreshes that ended a month ago.")
@foreseen()
def clean_vault(context: dg.OpExecutionContext, services: ServicesResource) -> None:
    erased = vaulting.clean(services.open())
    context.add_output_metadata(erased)


@dg.op(description="Forget what writes through the gateway were answered a week ago.")
@foreseen()
def forget_answers(context: dg.OpExecutionContext, services: ServicesResource) -> None:
    house, forgotten = services.open(), 0
    for tenant in house.tenants():
        with house.db.transaction(tenant) as tx:
            forgotten += repeats.forget_old(tx)
    context.add_output_metadata({"answers": forgotten})


@dg.op(description="Forget what webhooks were told a month ago.")
@foreseen()
def forget_events(context: dg.OpExecutionContext, services: ServicesResource) -> None:
    house, forgotten = services.open(), 0
    for tenant in house.tenants():
        with house.db.transaction(tenant) as tx:
            forgotten += webhooks.forget_old(tx)
    context.add_output_metadata({"events": forgotten})


@dg.job(name=HOUSEKEEPING, executor_def=dg.in_process_executor, tags={"tieout/lane": "bulk"})
def housekeeping() -> None:
    """Sweep up what has ended. Running it twice changes nothing."""
    clean_vault()
    forget_answers()
    forget_events()


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
