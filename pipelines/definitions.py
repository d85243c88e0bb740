"""The composition root: entities in, one Dagster `Definitions` out. `dagster dev -m pipelines.definitions` works."""

from __future__ import annotations

import dagster as dg

from assets.analytics import build_analytics_assets, build_sync_tables
from assets.checks import build_quality_checks
from assets.conflicts import build_conflict_checks
from assets.partitions import build_connection_days
from assets.push import build_push_assets
from assets.reconciliation import build_reconciliation_assets
from assets.sync import build_sync_assets
from pipelines.housekeeping import build_housekeeping_schedule, housekeeping
from pipelines.jobs import ANALYTICS, CHECK_CONFLICTS, DELTA_SYNC, FULL_SYNC, PUSH, RECONCILE, build_jobs
from pipelines.schedules import build_schedules
from resources.configured import ServicesResource
from resources.settings import load_settings
from sensors.conflicts import build_conflict_sensor
from sensors.freshness import build_due_sensor
from sensors.push import build_push_sensor


def build_definitions() -> dg.Definitions:
    """Everything Dagster serves. Raises SettingsError, one sentence a setting, if the environment is wrong."""
    connection_days = build_connection_days(load_settings().partition_start)
    sync_assets = build_sync_assets(connection_days)
    push_assets = build_push_assets(connection_days)
    conflict_checks = build_conflict_checks()
    reconciliation_assets = build_reconciliation_assets(connection_days)
    analytics_assets = build_analytics_assets()
    return dg.Definitions(
        assets=[sync_assets, push_assets, reconciliation_assets, analytics_assets, *build_sync_tables()],
        asset_checks=[build_quality_checks(connection_days), conflict_checks],
        jobs=[
            *build_jobs(sync_assets, push_assets, reconciliation_assets, conflict_checks, analytics_assets),
            housekeeping,
        ],
        schedules=[
            *build_schedules(census_job=FULL_SYNC, reconcile_job=RECONCILE, analytics_job=ANALYTICS),
            build_housekeeping_schedule(),
        ],
        sensors=[
            build_due_sensor(DELTA_SYNC),
            build_push_sensor(PUSH),
            build_conflict_sensor(CHECK_CONFLICTS),
        ],
        resources={"services": ServicesResource()},
        executor=dg.in_process_executor,
    )


defs = build_definitions()
