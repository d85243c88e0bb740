"""The job `push`: what it writes, what it shows, and what it leaves alone; the check on conflicts."""

from __future__ import annotations

import dagster as dg
import pytest

from tests.assets.conftest import materialized
from tests.house import CONNECTION


@pytest.fixture(scope="module", autouse=True)
def synced(runner):
    assert runner.run("delta_sync").success


def write_customer(house, name: str) -> int:
    with house.db.transaction("default") as tx:
        (ledger_id,) = tx.execute(
            "insert into ledger.customers (tenant_id, name, currency) values ('default', %s, 'USD') "
            "returning ledger_id",
            (name,),
        ).fetchone()
    return ledger_id


def test_a_push_materialises_what_it_wrote_and_leaves_the_rest_alone(runner, house, simulator):
    write_customer(house, "Dagster & Daughters")

    result = runner.run("push", ops={"push_books": {"config": {"skip_unchanged": True}}})

    assert result.success
    shown = materialized(result)
    assert set(shown) == {"push/customers"}
    assert (shown["push/customers"]["pushed"], shown["push/customers"]["held"]) == (1, 0)
    assert shown["push/customers"]["audit_head"].startswith("default:")
    assert "Dagster & Daughters" in {c["DisplayName"] for c in simulator.objects("Customer")}


def test_a_held_record_is_shown_and_the_run_is_green(runner, house):
    write_customer(house, "no:colons")

    result = runner.run("push", ops={"push_books": {"config": {"skip_unchanged": True}}})

    assert result.success
    assert materialized(result)["push/customers"]["held"] == 1


def test_an_approved_plan_pushes_nothing_else(runner, house, simulator):
    write_customer(house, "Never Approved")

    result = runner.run("push", ops={"push_books": {"config": {"approved": ["A" * 32]}}})

    assert result.success
    assert "Never Approved" not in {c["DisplayName"] for c in simulator.objects("Customer")}


def test_an_open_conflict_is_a_warning_on_its_entity(runner, house, simulator):
    with house.db.transaction("default") as tx:
        ledger_id, external_id = tx.execute(
            "select ledger_id, external_id from sync.bindings where connection = %s and entity = 'invoices' limit 1",
            (CONNECTION,),
        ).fetchone()
        tx.execute("update ledger.invoices set private_note = 'ours' where ledger_id = %s", (ledger_id,))
    simulator.post(
        "edit", {"operation": "update", "entity": "Invoice", "id": external_id, "body": {"PrivateNote": "theirs"}}
    )
    runner.run("push")

    result = runner.run("check_conflicts", key=None)

    checks = {e.asset_key.to_user_string(): e for e in result.get_asset_check_evaluations()}
    assert not checks["ledger/invoices"].passed
    assert checks["ledger/invoices"].severity is dg.AssetCheckSeverity.WARN
    assert "private_note" in checks["ledger/invoices"].description
    assert checks["ledger/bills"].passed
