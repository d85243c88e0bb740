"""One simulated company, synced through Dagster's jobs on an instance that lives in memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from assets.partitions import CONNECTION as CONNECTION_DIMENSION
from assets.partitions import partition_key
from pipelines.definitions import build_definitions
from resources.services import Services
from tests.conftest import NewDatabase
from tests.house import (
    CONNECTION,
    Simulator,
    connect_simulator,
    open_house,
    prepare_database,
    running_simulator,
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator("--seed", "demo") as running:
        yield running


@pytest.fixture(scope="module")
def house(
    new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory, simulator: Simulator
) -> Iterator[Services]:
    """Services as Dagster's resource opens them, on a database of this module's own, with one connection."""
    with open_house(new_database(prepare_database), tmp_path_factory.mktemp("home")) as opened:
        connect_simulator(opened, simulator)
        yield opened


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        made.add_dynamic_partitions(CONNECTION_DIMENSION, [CONNECTION])
        yield made


@pytest.fixture(scope="module")
def definitions(house: Services, instance: dg.DagsterInstance) -> dg.Definitions:
    """Resolved while an instance is open: Dagster asks it, or else one that the process had before and that is gone."""
    return build_definitions()


class Runner:
    """Runs a job for the test's connection and today's partition."""

    def __init__(self, definitions: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self._definitions = definitions
        self.instance = instance

    def run(
        self, job: str, *, key: str | None = CONNECTION, day: Any = None, ops: dict[str, Any] | None = None, **more: Any
    ) -> dg.ExecuteInProcessResult:
        return self._definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=None if key is None else partition_key(key, day or datetime.now(UTC).date()),
            raise_on_error=False,
            run_config={"ops": ops} if ops else None,
            **more,
        )


@pytest.fixture(scope="module")
def runner(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Runner:
    return Runner(definitions, instance)


def materialized(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """Asset key as text -> metadata values of what a run materialised."""
    return {
        event.asset_key.to_user_string(): {
            name: value.records if isinstance(value, dg.TableMetadataValue) else value.value
            for name, value in event.step_materialization_data.materialization.metadata.items()
        }
        for event in result.all_events
        if event.is_step_materialization
    }


def failure_text(result: dg.ExecuteInProcessResult) -> str:
    """What the failed steps said."""
    return "\n".join(
        event.step_failure_data.user_failure_data.description
        if event.step_failure_data.user_failure_data
        else event.step_failure_data.error.message
        for event in result.all_events
        if event.is_step_failure
    )
