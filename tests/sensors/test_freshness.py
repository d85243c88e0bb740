"""The sensor that wakes due deltas: what it asks for, and what it says when it asks for nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest

from resources.configured import ServicesResource
from sensors.freshness import build_due_sensor
from tests.assets.conftest import house, simulator  # noqa: F401  The same house, on a database of this module's own.
from tests.house import CONNECTION


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def tick(instance, house):  # noqa: F811
    sensor = build_due_sensor("delta_sync")
    context = dg.build_sensor_context(instance=instance, resources={"services": ServicesResource()})
    return sensor(context)


def test_a_due_connection_gets_one_run_for_today_and_its_partition_is_made(instance, house):  # noqa: F811
    asked = tick(instance, house)

    (request,) = asked.run_requests
    assert str(request.partition_key) == f"{CONNECTION}|{datetime.now(UTC):%Y-%m-%d}"
    assert request.run_config["ops"]["sync_books"]["config"]["skip_unchanged"] is True
    assert instance.get_dynamic_partitions("connection") == [CONNECTION]


def test_nothing_is_asked_for_while_a_run_for_it_is_unfinished(instance, house):  # noqa: F811
    instance.create_run_for_job(
        dg.job(name="delta_sync")(lambda: None),
        tags={"tieout/connection": CONNECTION},
        status=dg.DagsterRunStatus.STARTED,
    )

    assert CONNECTION in tick(instance, house).skip_message


def test_a_connection_whose_interval_has_not_passed_is_left_alone(instance, house):  # noqa: F811
    with house.db.transaction("default") as tx:
        tx.execute("update sync.connections set next_pull_at = now() + interval '1 minute'")

    assert tick(instance, house).skip_message == "no connection is due"


def test_a_paused_connection_is_left_alone(instance, house):  # noqa: F811
    with house.db.transaction("default") as tx:
        tx.execute("update sync.connections set next_pull_at = now() - interval '1 minute', state = 'paused'")

    assert tick(instance, house).skip_message == "no connection is due"
