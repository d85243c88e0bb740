"""The jobs `delta_sync` and `full_sync` on a real simulator and a real Postgres."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import psycopg
import pytest

from assets.sync import SYNC_STEP
from ledger.spec import SpecError
from resources import configured
from resources.services import Services
from resources.settings import load_settings
from tests.assets.conftest import failure_text, materialized
from tests.house import CONNECTION, connect_simulator

SKIP_UNCHANGED = {SYNC_STEP: {"config": {"skip_unchanged": True}}}


def test_the_first_sync_brings_the_company_and_says_so(runner):
    result = runner.run("delta_sync")

    assert result.success
    said = materialized(result)
    assert len(said) == 27
    invoices = said["ledger/invoices"]
    assert invoices["inserted"] == invoices["dagster/partition_row_count"] == invoices["dagster/row_count"] == 1500
    assert invoices["held"] == 0
    assert said["mirror/invoices"]["api_calls"] == 2
    assert "watermark" in said["mirror/invoices"]


def test_a_quiet_sync_that_may_skip_emits_nothing(runner):
    result = runner.run("delta_sync", ops=SKIP_UNCHANGED)

    assert result.success
    assert materialized(result) == {}


def test_a_change_is_emitted_for_what_it_touched_and_for_nothing_else(runner, simulator):
    customer = next(c for c in simulator.objects("Customer") if c["Active"])
    named = {key: customer[key] for key in ("Id", "SyncToken")}
    simulator.edit("/customer", {**named, "sparse": True, "Notes": "Prefers to be called after ten."})

    said = materialized(runner.run("delta_sync", ops=SKIP_UNCHANGED))

    assert {key: (m["inserted"], m["updated"], m["deleted"]) for key, m in said.items()} == {
        "mirror/customers": (0, 1, 0),
        "ledger/customers": (0, 1, 0),
    }


def test_one_entity_alone_is_synced_when_it_is_all_that_is_asked_for(runner):
    result = runner.run("delta_sync", asset_selection=[dg.AssetKey(["mirror", "terms"])])

    assert set(materialized(result)) == {"mirror/terms"}


def test_a_past_day_reads_that_day_again_and_moves_no_watermark(runner, house):
    before = _watermarks(house)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)

    result = runner.run("delta_sync", day=yesterday)

    assert result.success
    assert _watermarks(house) == before


def test_a_census_that_starts_after_midnight_is_a_census_all_the_same(runner):
    yesterday = datetime.now(UTC).date() - timedelta(days=1)

    result = runner.run("full_sync", day=yesterday, asset_selection=[dg.AssetKey(["mirror", "terms"])])

    assert "found deleted" in materialized(result)["mirror/terms"]["census"]


def test_a_full_sync_takes_a_census_and_says_what_it_found(runner):
    result = runner.run("full_sync")

    assert result.success
    assert materialized(result)["mirror/invoices"]["census"].endswith("0 pulled again, 0 found deleted")


def test_a_broken_connection_turns_the_run_red_and_leaves_the_other_synced(runner, house, simulator):
    connect_simulator(house, simulator, "broken", realm_id="2", refresh_token="one-that-was-withdrawn")
    with house.db.transaction("default") as tx:
        tx.execute(
            "update sync.connections set partition_key = 'both' where connection = any(%s)", ([CONNECTION, "broken"],)
        )
    runner.instance.add_dynamic_partitions("connection", ["both"])
    try:
        result = runner.run("delta_sync", key="both", asset_selection=[dg.AssetKey(["mirror", "terms"])])
    finally:
        with house.db.transaction("default") as tx:
            tx.execute("update sync.connections set partition_key = connection")
            tx.execute("delete from sync.connections where connection = 'broken'")

    assert not result.success
    assert materialized(result)["mirror/terms"]["connections"] == CONNECTION
    assert failure_text(result).startswith("broken: ")


def _watermarks(house):
    with house.db.transaction("default") as tx:
        return dict(
            tx.execute("select entity, watermark from sync.cursors where connection = %s", (CONNECTION,)).fetchall()
        )


@pytest.mark.parametrize("job", ["delta_sync", "push", "check_conflicts", "analytics", "housekeeping"])
def test_while_the_database_is_away_each_step_fails_with_one_sentence(runner, monkeypatch, job):
    monkeypatch.setenv("TIEOUT_DATABASE_URL", "postgresql://nobody:secret-word@127.0.0.1:9/none")
    monkeypatch.setattr(configured, "_services", lambda: Services(load_settings()))

    result = runner.run(job, key=CONNECTION if job in ("delta_sync", "push") else None)

    failed = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    said = {failure.user_failure_data.description for failure in failed if failure.user_failure_data}
    assert not result.success
    assert len(said) == 1 and all(failure.user_failure_data for failure in failed)
    assert said.pop().startswith("tieout: connecting to the database nobody@127.0.0.1:9/none: found connection")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            psycopg.OperationalError("server closed the connection unexpectedly\n\tThis probably means more"),
            "tieout: connecting to the database: found server closed the connection unexpectedly, expected",
        ),
        (
            SpecError("mapping of bills to Bill: unknown fields ['colour']"),
            "tieout: reading the definitions: found mapping of bills to Bill: unknown fields ['colour'], expected",
        ),
    ],
)
def test_what_is_not_of_the_connection_is_said_in_one_sentence_too(runner, monkeypatch, error, said):
    def sync(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("assets.sync.sync", sync)

    result = runner.run("delta_sync")

    assert not result.success
    assert failure_text(result).startswith(said)
