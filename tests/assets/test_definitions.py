"""What Dagster shows before anything has run: names, order, words. The list of asset keys is a promise to its users."""

from __future__ import annotations

import os
import subprocess
import sys

import dagster as dg

from ledger.spec import entities
from tests.house import ROOT

LEDGER = "bill_payments bills credit_memos customers invoices items payments purchase_orders vendor_credits vendors"
REFERENCE = "accounts company_info payment_methods preferences tax_codes tax_rates terms"
DERIVED = (
    "ap_aging ar_aging cash_collected customer_balances data_quality days_to_pay delta_savings error_summary "
    "open_documents reconciliation_history sync_health vendor_balances"
)
VIEWS = (
    f"{LEDGER} {DERIVED} bill_lines bill_payment_applications credit_memo_lines invoice_lines payment_applications "
    "purchase_order_lines vendor_credit_lines"
)
KEYS = {"mirror": f"{LEDGER} {REFERENCE}", "ledger": LEDGER, "push": LEDGER, "reconciliation": "ap ar"}
KEYS |= {"analytics": VIEWS, "sync": "connections errors runs verdicts"}
WITHOUT_PARTITIONS = ("analytics", "sync")


def test_definitions_load(definitions):
    dg.Definitions.validate_loadable(definitions)


def test_the_asset_keys_are_these(definitions):
    assert sorted(key.to_user_string() for key in definitions.resolve_all_asset_keys()) == sorted(
        f"{stage}/{name}" for stage, names in KEYS.items() for name in names.split()
    )


def test_every_asset_says_what_it_is_and_whose(definitions):
    for spec in definitions.resolve_all_asset_specs():
        is_of_a_day = spec.partitions_def is not None
        assert is_of_a_day == (spec.key.path[0] not in WITHOUT_PARTITIONS)
        said = (spec.description, spec.group_name, spec.owners, spec.kinds)
        assert all(said), f"{spec.key.to_user_string()} leaves something unsaid: {said}"
        assert spec.metadata["dagster/column_schema"].columns
        assert spec.metadata["dagster/table_name"]


def test_every_column_of_the_table_is_in_the_schema_and_no_other(definitions, house):
    shown = {
        spec.key.to_user_string(): {c.name for c in spec.metadata["dagster/column_schema"].columns}
        for spec in definitions.resolve_all_asset_specs()
    }
    with house.db.transaction("default") as tx:
        for entity in entities():
            columns = {
                name
                for (name,) in tx.execute(
                    "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0",
                    (f"ledger.{entity.name}",),
                )
            }
            assert shown[f"ledger/{entity.name}"] == columns


def test_every_ledger_entity_has_a_blocking_quality_check(definitions):
    graph = definitions.resolve_asset_graph()
    for spec in entities():
        check = graph.get(dg.AssetCheckKey(dg.AssetKey(["ledger", spec.name]), "quality"))
        assert check.blocking
        assert check.description


def test_jobs_schedules_and_sensors_are_described(definitions):
    names = {"delta_sync", "full_sync", "push", "check_conflicts", "reconcile", "analytics"}
    assert names <= {job.name for job in definitions.resolve_all_job_defs()}
    for name in names:
        assert definitions.resolve_job_def(name).description
    assert {s.name: bool(s.description) for s in definitions.sensors} == {
        "due_deltas": True,
        "push_edits": True,
        "open_conflicts": True,
    }
    assert {s.name: bool(s.description) for s in definitions.schedules} == {
        "weekly_census": True,
        "nightly_reconciliation": True,
        "nightly_analytics": True,
    }


def test_importing_the_definitions_makes_neither_a_home_nor_a_key(tmp_path):
    code = "import pipelines.definitions"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
