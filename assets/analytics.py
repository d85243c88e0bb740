"""The assets `analytics/<view>`: what analysts read, each with its columns and what every one of them comes from.

The views hold nothing of their own, so there is nothing to refresh: materialising one counts it and says how long that
took. They are of all connections at once and have no partitions. What they read of schema `sync`, which no step makes
as an asset, is listed as it stands.
"""

import time
from collections.abc import Iterator, Sequence

import dagster as dg

from assets.failures import failing_clearly
from assets.keys import OWNERS, analytics_key, ledger_key, reconciliation_key, sync_key
from ledger.reconcile import MODULES
from ledger.spec import entities
from resources.configured import ServicesResource
from resources.services import Services
from resources.stores import tables
from resources.stores.views import SCHEMA, View, count, views

ANALYTICS_STEP = "count_views"
GROUP = "analytics"


def build_analytics_assets() -> dg.AssetsDefinition:
    """Every view, any subset of which can be counted."""

    @dg.multi_asset(name=ANALYTICS_STEP, specs=[_spec(view) for view in views()], can_subset=True)
    @failing_clearly
    def count_views(context: dg.AssetExecutionContext, services: ServicesResource) -> Iterator[dg.MaterializeResult]:
        house = services.open()
        for view in views():
            if analytics_key(view.name) in context.selected_asset_keys:
                rows, seconds = _counted(house, view)
                context.log.info(f"{SCHEMA}.{view.name}: {rows} rows in {seconds:.3f} s")
                yield dg.MaterializeResult(
                    asset_key=analytics_key(view.name),
                    metadata={"dagster/row_count": rows, "seconds": round(seconds, 3)},
                )

    return count_views


def build_sync_tables() -> list[dg.AssetSpec]:
    """The tables of schema sync that views read, as assets that nothing here makes."""
    names = sorted({r.partition(".")[2] for view in views() for r in view.relations if r.startswith("sync.")})
    return [_table(name) for name in names]


def _counted(house: Services, view: View) -> tuple[int, float]:
    """Rows of all tenants together, and how long counting them took."""
    rows, began = 0, time.perf_counter()
    for tenant in house.tenants():
        with house.db.transaction(tenant) as tx:
            rows += count(tx, view)
    return rows, time.perf_counter() - began


def _spec(view: View) -> dg.AssetSpec:
    lineage = {
        column.name: [dep for source in column.sources for dep in _column_deps(source)] for column in view.columns
    }
    return dg.AssetSpec(
        key=analytics_key(view.name),
        deps=list(dict.fromkeys(dep.asset_key for deps in lineage.values() for dep in deps)),
        description=view.says,
        group_name=GROUP,
        kinds={"postgres", "view"},
        owners=OWNERS,
        tags={"tieout/stage": GROUP},
        skippable=True,
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[dg.TableColumn(c.name, c.type, description=c.says) for c in view.columns]
            ),
            "dagster/column_lineage": dg.TableColumnLineage({name: deps for name, deps in lineage.items() if deps}),
            "dagster/table_name": f"{SCHEMA}.{view.name}",
        },
    )


def _column_deps(source: str) -> Sequence[dg.TableColumnDep]:
    """The assets that hold a column, `schema.table.column`; a part's column is its record's, `lines.amount`."""
    schema, table, column = source.split(".")
    if schema == SCHEMA:
        return [dg.TableColumnDep(analytics_key(table), column)]
    if schema == "sync":
        return [dg.TableColumnDep(sync_key(table), column)]
    if schema == "ledger":
        entity, part = _PARTS.get(table, (table, ""))
        return [dg.TableColumnDep(ledger_key(entity), f"{part}.{column}" if part else column)]
    named = column if table == "results" else f"{table}.{column}"
    return [dg.TableColumnDep(reconciliation_key(module), named) for module in MODULES]


_PARTS = {table: (spec.name, part) for spec in entities() for part, table in spec.part_table_names.items()}


def _table(name: str) -> dg.AssetSpec:
    table = tables.metadata.tables[f"sync.{name}"]
    return dg.AssetSpec(
        key=sync_key(name),
        description=table.comment,
        group_name=GROUP,
        kinds={"postgres", "table"},
        owners=OWNERS,
        metadata={
            "dagster/column_schema": dg.TableSchema(
                columns=[dg.TableColumn(c.name, str(c.type).lower(), description=c.comment) for c in table.columns]
            ),
            "dagster/table_name": f"sync.{name}",
        },
    )
