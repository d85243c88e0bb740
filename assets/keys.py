"""Asset keys and what every asset shares: `stage/entity`, its group, its owners."""

from __future__ import annotations

import dagster as dg

from ledger.spec import spec_of
from resources.stages.sync import LEDGER_ENTITIES

OWNERS = ["team:finance-data"]
REFERENCE_GROUP = "reference"


def mirror_key(entity: str) -> dg.AssetKey:
    return dg.AssetKey(["mirror", entity])


def ledger_key(entity: str) -> dg.AssetKey:
    return dg.AssetKey(["ledger", entity])


def push_key(entity: str) -> dg.AssetKey:
    return dg.AssetKey(["push", entity])


def reconciliation_key(module: str) -> dg.AssetKey:
    return dg.AssetKey(["reconciliation", module])


def analytics_key(view: str) -> dg.AssetKey:
    return dg.AssetKey(["analytics", view])


def sync_key(table: str) -> dg.AssetKey:
    return dg.AssetKey(["sync", table])


def group_of(entity: str) -> str:
    """receivables, payables, shared, or reference for what only the mirror keeps."""
    return spec_of(entity).side if entity in LEDGER_ENTITIES else REFERENCE_GROUP


def title_of(entity: str) -> str:
    return entity.replace("_", " ").capitalize()
