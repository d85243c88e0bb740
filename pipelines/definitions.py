"""The composition root: entities in, one Dagster `Definitions` out. `dagster dev -m pipelines.definitions` works."""

from __future__ import annotations

import dagster as dg

from assets.checks import build_quality_checks
from assets.partitions import build_connection_days
from assets.reconciliation import build_reconciliation_assets
from assets.sync import build_sync_assets
from pipelines.jobs import DELTA_SYNC, FULL_SYNC, RECONCILE, build_jobs
from pipelines.schedules import build_schedules
from resources.configured import ServicesResource
from resources.settings import load_settings
from sensors.freshness import build_due_sensor


def build_definitions() -> dg.Definitions:
    """Everything Dagster serves. Raises SettingsError, one sentence a setting, if the environment is wrong."""
    connection_days = build_connection_days(load_settings().partition_start)
    sync_assets = build_sync_assets(connection_days)
    reconciliation_assets = build_reconciliation_assets(connection_days)
    return dg.Definitions(
        assets=[sync_assets, reconciliation_assets],
        asset_checks=[build_quality_checks(connection_days)],
        jobs=build_jobs(sync_assets, reconciliation_assets),
        schedules=build_schedules(census_job=FULL_SYNC, reconcile_job=RECONCILE),
        sensors=[build_due_sensor(DELTA_SYNC)],
        resources={"services": ServicesResource()},
        executor=dg.in_process_executor,
    )


defs = build_definitions()
