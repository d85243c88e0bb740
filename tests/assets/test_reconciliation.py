"""The job `reconcile`: sync, quality checks, control totals; and the gate between the last two."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import dagster as dg

from resources.reporting.write import write_report
from resources.stores import reports
from resources.stores.views import views
from tests.assets.conftest import failure_text, materialized
from tests.house import CONNECTION

TOTALS = [dg.AssetKey(["reconciliation", "ar"]), dg.AssetKey(["reconciliation", "ap"])]


def test_both_books_tie_out_and_show_it(runner):
    result = runner.run("reconcile")

    assert result.success, failure_text(result)
    assert sorted({check.check_name for check in result.get_asset_check_evaluations()}) == ["quality", "ties_out"]
    assert len(result.get_asset_check_evaluations()) == 12
    assert all(check.passed for check in result.get_asset_check_evaluations())
    receivables = materialized(result)["reconciliation/ar"]
    assert receivables["ties_out"] is True
    assert receivables["breaks"] == 0
    totals = {row.data["currency"]: row.data["difference"] for row in receivables["totals"]}
    assert totals == {"EUR": "0.00", "USD": "0.00"}
    assert receivables[f"open AR of {CONNECTION}"].startswith("![")
    assert receivables[f"ageing of {CONNECTION}"].startswith("![")


def test_the_report_of_a_reconciliation_is_kept_and_its_asset_says_where(runner, house):
    said = materialized(runner.run("reconcile", asset_selection=TOTALS))["reconciliation/ar"]

    places = dict(re.findall(r"- (\w+): `([^`]+)`", said[f"report of {CONNECTION}"]))
    assert set(places) == {"pdf", "html", "json", "csv"}
    for place in places.values():
        assert hashlib.sha256(Path(place).read_bytes()).hexdigest() == Path(place).stem
    report = json.loads(Path(places["json"]).read_text())
    assert report["ties_out"] is True
    assert report["to_do"] == ["Nothing."]
    assert {(t["module"], t["currency"]) for t in report["totals"]} == {
        (module, currency) for module in ("ar", "ap") for currency in ("EUR", "USD")
    }
    assert all(one["ledger_amount"] == one["reported_amount"] for one in report["ageing"])
    with house.db.transaction("default") as tx:
        listed = reports.written(tx, CONNECTION, runs_max=1)
    assert {Path(f.key).name for f in listed} == {Path(place).name for place in places.values()}
    assert write_report(house, CONNECTION).places == places


def test_a_report_that_cannot_be_kept_fails_the_run_and_not_the_comparison(runner, house, monkeypatch):
    (house.settings.home / "no-folder").write_text("")
    monkeypatch.setattr(house, "settings", replace(house.settings, reports=str(house.settings.home / "no-folder")))

    result = runner.run("reconcile", asset_selection=TOTALS)

    assert not result.success
    assert "TIEOUT_REPORTS" in failure_text(result)
    assert materialized(result)["reconciliation/ar"]["ties_out"] is True


def test_every_view_is_counted(runner):
    result = runner.run("analytics", key=None)

    assert result.success, failure_text(result)
    counted = materialized(result)
    assert len(counted) == len(views())
    assert counted["analytics/invoices"]["dagster/row_count"] > 100
    assert counted["analytics/reconciliation_history"]["dagster/row_count"] >= 4


def test_a_lost_payment_is_a_break_with_the_customer_named(runner, house):
    with house.db.transaction("default") as tx:
        lost, customer, amount = tx.execute(
            "select i.ledger_id, c.name, i.open_amount from ledger.invoices i "
            "join ledger.customers c on c.ledger_id = i.customer_id where i.open_amount > 0 order by 1 limit 1"
        ).fetchone()
        tx.execute("update ledger.invoices set open_amount = 0 where ledger_id = %s", (lost,))
    try:
        result = runner.run("reconcile", asset_selection=TOTALS)
    finally:
        with house.db.transaction("default") as tx:
            tx.execute("update ledger.invoices set open_amount = %s where ledger_id = %s", (amount, lost))

    said = materialized(result)["reconciliation/ar"]
    assert said["ties_out"] is False
    (found,) = said["break_table"]
    assert customer in found.data["says"]
    verdicts = {c.asset_key.path[-1]: c for c in result.get_asset_check_evaluations()}
    assert not verdicts["ar"].passed
    assert customer in verdicts["ar"].description
    assert verdicts["ap"].passed
    assert found.data["amount"] == f"{amount:,.2f}"


def test_what_ties_out_in_one_company_does_not_cover_up_another(runner, house):
    """The check has one verdict, whichever company's run was the last."""
    with house.db.transaction("default") as tx:
        tx.execute(
            "insert into sync.connections (connection, tenant_id, erp, partition_key, state, settings, "
            "pull_interval_seconds) "
            "select 'other', tenant_id, erp, 'other', 'paused', '{}', 300 from sync.connections limit 1"
        )
        (result_id,) = tx.execute(
            "insert into reconciliation.results (tenant_id, connection, module, currency, cutoff_at, ledger_amount, "
            "erp_amount, parties_amount, difference_amount) "
            "values ('default', 'other', 'ar', 'USD', now(), 10, 12, 12, 2) returning result_id"
        ).fetchone()
        tx.execute(
            "insert into reconciliation.sightings (result_id, tenant_id, cause, amount, says) "
            "values (%s, 'default', 'timing', 2, 'Ada is 2.00 apart')",
            (result_id,),
        )
    try:
        result = runner.run("reconcile", asset_selection=TOTALS)
    finally:
        with house.db.transaction("default") as tx:
            tx.execute("update sync.connections set state = 'removed' where connection = 'other'")

    verdicts = {c.asset_key.path[-1]: c for c in result.get_asset_check_evaluations()}
    assert (verdicts["ar"].passed, verdicts["ap"].passed) == (False, True)
    assert verdicts["ar"].description == "other: Ada is 2.00 apart"
    assert verdicts["ap"].description == f"both books say the same: {CONNECTION}"
    # The page of the asset shows the last run's totals, and how every company stands.
    said = materialized(result)["reconciliation/ar"]
    assert {row.data["connection"] for row in said["totals"]} == {CONNECTION}
    assert {row.data["connection"] for row in said["every_connection"]} == {CONNECTION, "other"}


def test_rows_that_break_a_rule_stop_reconciliation_in_the_run_and_alone(runner, house):
    with house.db.transaction("default") as tx:
        bad, total = tx.execute(
            "select ledger_id, total_amount from ledger.bills where total_amount > 0 limit 1"
        ).fetchone()
        tx.execute("update ledger.bills set total_amount = total_amount + 1 where ledger_id = %s", (bad,))
    try:
        together = runner.run("reconcile")
        alone = runner.run("reconcile", asset_selection=TOTALS)
    finally:
        with house.db.transaction("default") as tx:
            tx.execute("update ledger.bills set total_amount = %s where ledger_id = %s", (total, bad))
    mended = runner.run("reconcile")

    failed = [c for c in together.get_asset_check_evaluations() if not c.passed]
    assert [c.asset_key.path[-1] for c in failed] == ["bills"]
    assert "lines and tax add up to the total" in failed[0].description
    assert not together.success
    assert not {"reconciliation/ar", "reconciliation/ap"} & set(materialized(together))
    assert not alone.success
    assert "check bills.lines_make_the_total failed for 1 rows" in failure_text(alone)
    assert f"ledger ids {bad} " in failure_text(alone)
    assert mended.success
