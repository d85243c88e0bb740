"""Runs a Dagster job in this process, on the instance that the UI shows, for the partition of today."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pipelines.signals import none_forgotten
from resources.services import Services
from resources.stages.sync import LEDGER_ENTITIES
from resources.stores.connections import Connection


@dataclass(frozen=True, slots=True)
class Ran:
    """One connection's part of a run; `failures` are the failed steps' own words, empty when it is green."""

    connection: str
    dagster_run_id: str
    failures: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        return not self.failures


def run_job(
    house: Services,
    job_name: str,
    chosen: Sequence[Connection],
    *,
    entity: str | None = None,
    approved: Sequence[str] | None = None,
    retry_refused: bool = False,
    says: Callable[[str], None] = lambda text: None,
) -> list[Ran]:
    """Run the job once for each partition key of the chosen connections; `says` is told what is happening.

    `approved` and `retry_refused` are for the push: see `assets.push.PushConfig`.
    """
    says("starting Dagster")
    # Importing Dagster and the definitions takes two seconds, which commands that run no job do not spend.
    from assets.keys import ledger_key, mirror_key
    from assets.partitions import CONNECTION, partition_key
    from assets.push import PUSH_STEP
    from assets.sync import SYNC_STEP
    from pipelines.definitions import defs
    from pipelines.instance import open_instance
    from pipelines.jobs import DELTA_SYNC, FULL_SYNC, PUSH

    asset_keys = None
    if entity is not None:
        asset_keys = [mirror_key(entity)] + ([ledger_key(entity)] if entity in LEDGER_ENTITIES else [])
    config: dict[str, object] = {
        "census": job_name == FULL_SYNC,
        "catch_up": True,
        "skip_unchanged": job_name == DELTA_SYNC,
    }
    if job_name == PUSH:
        config = {"retry_refused": retry_refused, "skip_unchanged": True}
        if approved is not None:
            config["approved"] = list(approved)
    house.on_progress = lambda name, what, count: says(f"{name}: {what} {count:,}")
    ran: list[Ran] = []
    with open_instance(house.settings, house.server) as instance:
        # Inside: Dagster asks the instance that is open, or else one that this process had before and that is gone.
        job = defs.resolve_job_def(job_name)
        for key in dict.fromkeys(c.partition_key for c in chosen):
            instance.add_dynamic_partitions(CONNECTION, [key])
            with none_forgotten():
                result = job.execute_in_process(
                    instance=instance,
                    partition_key=partition_key(key, datetime.now(UTC).date()),
                    asset_selection=asset_keys,
                    raise_on_error=False,
                    run_config={
                        "ops": {PUSH_STEP if job_name == PUSH else SYNC_STEP: {"config": config}},
                        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                    },
                    tags={"tieout/connection": key},
                )
            failures = () if result.success else tuple(_failures(result)) or ("the run failed without saying why",)
            ran += [Ran(c.name, result.run_id, failures) for c in chosen if c.partition_key == key]
    return ran


def _failures(result: object) -> list[str]:
    """What the failed steps said: our own sentences as they are, anything else by its class and message."""
    said: list[str] = []
    for event in result.all_events:  # type: ignore[attr-defined]
        if not event.is_step_failure:
            continue
        failure = event.step_failure_data
        if failure.user_failure_data is not None and failure.user_failure_data.description:
            said.append(failure.user_failure_data.description)
        elif failure.error is not None:
            cause = failure.error.cause or failure.error
            said.append(f"{event.step_key}: {cause.message.strip()}")
    return said
