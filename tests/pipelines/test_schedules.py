"""The weekly census and the nightly reconciliation ask for one run a connection."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest

from pipelines.schedules import build_schedules
from resources import configured
from resources.stores import connections
from tests.house import open_house, prepare_database

NIGHT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.fixture
def house(new_database, tmp_path):
    with open_house(new_database(prepare_database), tmp_path) as opened:
        yield opened


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def tick(schedule, instance):
    context = dg.build_schedule_context(
        instance, scheduled_execution_time=NIGHT, resources={"services": configured.ServicesResource()}
    )
    return list(schedule(context))


def test_each_active_connection_gets_one_run_for_the_day(instance, house):
    for name, state in (("qbo_in", "active"), ("qbo_us", "active"), ("qbo_old", "paused")):
        with house.db.transaction("default") as tx:
            connections.add(
                tx,
                name=name,
                tenant="default",
                erp="quickbooks",
                base_url=None,
                settings={"realm_id": name},
                company_key="realm_id",
                pull_interval_seconds=300,
            )
            connections.set_state(tx, name, state)
    census, _, _ = build_schedules(census_job="full_sync", reconcile_job="reconcile", analytics_job="analytics")

    asked = tick(census, instance)

    assert [str(request.partition_key) for request in asked] == ["qbo_in|2026-11-22", "qbo_us|2026-11-22"]
    assert len({request.run_key for request in asked}) == 2
    assert instance.get_dynamic_partitions("connection") == ["qbo_in", "qbo_us"]


def test_without_a_connection_it_says_so(instance, house):
    _, nightly, _ = build_schedules(census_job="full_sync", reconcile_job="reconcile", analytics_job="analytics")

    (skipped,) = tick(nightly, instance)

    assert "no connection yet" in skipped.skip_message
