"""The assets `mirror/<entity>`: each entity as its connections sent it."""

from __future__ import annotations

import dagster as dg

from assets.keys import OWNERS, group_of, mirror_key, title_of

_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("connection", "text", description="the ERP company it came from"),
        dg.TableColumn("external_id", "text", description="its id there"),
        dg.TableColumn("tenant_id", "text"),
        dg.TableColumn("version_token", "text", description="what the ERP checks on write"),
        dg.TableColumn("modified_at", "timestamptz", description="by the ERP's clock"),
        dg.TableColumn("content_hash", "bytea", description="SHA-256 of the payload as sent"),
        dg.TableColumn("payload", "json", description="the record as sent"),
        dg.TableColumn("is_deleted", "boolean", description="a tombstone"),
        dg.TableColumn("change_seq", "bigint", description="order in which changes arrived"),
        dg.TableColumn("seen_at", "timestamptz"),
        dg.TableColumn("run_id", "bigint", description="sync.runs"),
    ]
)


def mirror_spec(entity: str) -> dg.AssetSpec:
    """One entity as the ERPs sent it; one partition is one connection's changes of one day."""
    return dg.AssetSpec(
        key=mirror_key(entity),
        description=f"{title_of(entity)} as sent: newest version of each, earlier ones in history.",
        group_name=group_of(entity),
        # Three assets of an entity share a name in the graph: the stage is told by this label below each.
        kinds={"mirror", "postgres"},
        owners=OWNERS,
        tags={"tieout/stage": "mirror"},
        skippable=True,
        metadata={"dagster/column_schema": _COLUMNS, "dagster/table_name": f"mirror.{entity}"},
    )
