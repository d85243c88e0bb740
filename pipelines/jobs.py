"""The jobs people and sensors run. All in one process: a step of its own process costs more than the work in it."""

from __future__ import annotations

from typing import Any

import dagster as dg

from assets.sync import SYNC_STEP, SyncConfig

DELTA_SYNC = "delta_sync"
FULL_SYNC = "full_sync"
RECONCILE = "reconcile"
PUSH = "push"
CHECK_CONFLICTS = "check_conflicts"
HOUSEKEEPING = "housekeeping"
ANALYTICS = "analytics"


def build_jobs(
    sync_assets: dg.AssetsDefinition,
    push_assets: dg.AssetsDefinition,
    reconciliation_assets: dg.AssetsDefinition,
    conflict_checks: dg.AssetChecksDefinition,
    analytics_assets: dg.AssetsDefinition,
) -> list[Any]:
    """`delta_sync`, `full_sync`, `push`, `reconcile` over connection x day; `check_conflicts`, `analytics` over all."""
    books = dg.AssetSelection.assets(*sync_assets.keys)
    totals = dg.AssetSelection.assets(*reconciliation_assets.keys)
    return [
        dg.define_asset_job(
            DELTA_SYNC,
            selection=books - dg.AssetSelection.all_asset_checks(),
            executor_def=dg.in_process_executor,
            description="Pull what changed since the watermark, merge it into the ledger.",
            tags={"tieout/lane": "delta", "dagster/priority": "5"},
        ),
        dg.define_asset_job(
            FULL_SYNC,
            selection=books - dg.AssetSelection.all_asset_checks(),
            executor_def=dg.in_process_executor,
            config=dg.RunConfig(ops={SYNC_STEP: SyncConfig(census=True)}),
            description="As delta_sync, and a census: every id of the ERP against the mirror, differences repaired.",
            tags={"tieout/lane": "bulk", "dagster/priority": "0"},
        ),
        dg.define_asset_job(
            PUSH,
            selection=dg.AssetSelection.assets(*push_assets.keys),
            executor_def=dg.in_process_executor,
            description="Write what was edited in the ledger into the ERP, each edit once.",
            tags={"tieout/lane": "push", "dagster/priority": "10"},
        ),
        dg.define_asset_job(
            CHECK_CONFLICTS,
            selection=dg.AssetSelection.checks(*conflict_checks.check_keys),
            executor_def=dg.in_process_executor,
            description="Show on the ledger's assets which records are held in conflicts.",
            tags={"tieout/lane": "delta", "dagster/priority": "4"},
        ),
        dg.define_asset_job(
            ANALYTICS,
            selection=dg.AssetSelection.assets(*analytics_assets.keys),
            executor_def=dg.in_process_executor,
            description="Count every view that analysts read, and say how long each took.",
            tags={"tieout/lane": "bulk", "dagster/priority": "0"},
        ),
        dg.define_asset_job(
            RECONCILE,
            selection=(books | totals) - dg.AssetSelection.checks(*conflict_checks.check_keys),
            executor_def=dg.in_process_executor,
            config=dg.RunConfig(ops={SYNC_STEP: SyncConfig(catch_up=True)}),
            description="Sync, check the ledger's rows, then compare both books by control totals.",
            tags={"tieout/lane": "delta", "dagster/priority": "3"},
        ),
    ]
