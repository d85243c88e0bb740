"""The jobs people and sensors run. All in one process: a step of its own process costs more than the work in it."""

from __future__ import annotations

from typing import Any

import dagster as dg

from assets.sync import SYNC_STEP, SyncConfig

DELTA_SYNC = "delta_sync"
FULL_SYNC = "full_sync"
RECONCILE = "reconcile"


def build_jobs(sync_assets: dg.AssetsDefinition, reconciliation_assets: dg.AssetsDefinition) -> list[Any]:
    """`delta_sync`, `full_sync` and `reconcile`, over connection x day."""
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
            RECONCILE,
            selection=books | totals,
            executor_def=dg.in_process_executor,
            config=dg.RunConfig(ops={SYNC_STEP: SyncConfig(catch_up=True)}),
            description="Sync, check the ledger's rows, then compare both books by control totals.",
            tags={"tieout/lane": "delta", "dagster/priority": "3"},
        ),
    ]
