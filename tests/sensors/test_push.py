"""The sensors that wake a push and the conflict check: what they ask for, and what they leave asleep."""

from __future__ import annotations

import dagster as dg
import pytest

from resources import configured
from resources.configured import ServicesResource
from resources.services import Services
from resources.settings import load_settings
from sensors.conflicts import build_conflict_sensor
from sensors.freshness import build_due_sensor
from sensors.push import build_push_sensor
from tests.assets.conftest import house, simulator  # noqa: F401  The same house, on a database of this module's own.
from tests.house import CONNECTION


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def tick(instance, sensor):
    return sensor(dg.build_sensor_context(instance=instance, resources={"services": ServicesResource()}))


def write_customer(house, name):  # noqa: F811
    with house.db.transaction("default") as tx:
        tx.execute("insert into ledger.customers (tenant_id, name, currency) values ('default', %s, 'USD')", (name,))


def test_an_edit_wakes_one_push_and_only_until_it_has_been_looked_at(instance, house):  # noqa: F811
    sensor = build_push_sensor("push")
    assert "no edit" in tick(instance, sensor).skip_message

    write_customer(house, "Wake Me")
    (request,) = tick(instance, sensor).run_requests

    assert str(request.partition_key).startswith(f"{CONNECTION}|")
    assert request.run_config["ops"]["push_books"]["config"]["skip_unchanged"] is True

    with house.db.transaction("default") as tx:
        tx.execute("update sync.edits set looked_at = now()")
    assert "no edit" in tick(instance, sensor).skip_message


def test_what_is_switched_off_wakes_nobody(instance, house):  # noqa: F811
    write_customer(house, "Stay Asleep")
    with house.db.transaction("default") as tx:
        tx.execute(
            "insert into sync.switches (tenant_id, connection, module, direction, switched_by) "
            "values ('default', '', 'all', 'push', 'test')"
        )

    assert "no edit" in tick(instance, build_push_sensor("push")).skip_message


def test_a_new_conflict_wakes_one_check(instance, house):  # noqa: F811
    sensor = build_conflict_sensor("check_conflicts")
    assert "no conflict" in tick(instance, sensor).skip_message

    with house.db.transaction("default") as tx:
        tx.execute(
            "insert into sync.conflicts (tenant_id, connection, entity, ledger_id, kind, says, fields, ledger_version) "
            "values ('default', %s, 'invoices', 1, 'concurrent_update', 'both', '[]', 1)",
            (CONNECTION,),
        )

    assert len(tick(instance, sensor).run_requests) == 1


@pytest.mark.parametrize(
    "sensor", [build_due_sensor("delta_sync"), build_push_sensor("push"), build_conflict_sensor("check_conflicts")]
)
def test_while_the_database_is_away_a_sensor_skips_and_says_so(instance, monkeypatch, sensor):
    monkeypatch.setenv("TIEOUT_DATABASE_URL", "postgresql://nobody:secret-word@127.0.0.1:9/none")
    monkeypatch.setattr(configured, "_services", lambda: Services(load_settings()))

    said = tick(instance, sensor).skip_message

    assert said.startswith("tieout: connecting to the database nobody@127.0.0.1:9/none: found connection")
    assert "secret-word" not in said
