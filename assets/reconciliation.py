"""The assets `reconciliation/ar` and `reconciliation/ap`: both books by control totals, and every difference named."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import dagster as dg

from assets.failures import failing_clearly, failure_of, seen_failure
from assets.keys import OWNERS, ledger_key, reconciliation_key
from assets.partitions import slices_of
from assets.plots import ageing_plot, trend_plot
from ledger.ageing import by_bucket
from ledger.reconcile import MODULES, Module
from resources.configured import ServicesResource
from resources.errors import TieoutError
from resources.reporting.write import WrittenReport, write_report
from resources.services import Services
from resources.stages.gate import gated_entities
from resources.stages.reconcile import Reconciliation
from resources.stages.sync import reconcile
from resources.stores import connections, reconciliation
from resources.stores.reconciliation import Standing

RECONCILE_STEP = "compare_books"
CHECK_NAME = "ties_out"
_GROUPS = {"ar": "receivables", "ap": "payables"}
_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("connection", "text", description="the ERP company compared with"),
        dg.TableColumn("module", "text", description="ar or ap"),
        dg.TableColumn("currency", "text", description="never added to another"),
        dg.TableColumn("cutoff_at", "timestamptz", description="the ERP's clock when its totals were read"),
        dg.TableColumn("ledger_amount", "numeric", description="the sum of our open amounts"),
        dg.TableColumn(
            "erp_amount", "numeric", description="the ERP's control account, or its parties' sum without one"
        ),
        dg.TableColumn("parties_amount", "numeric", description="the sum of the parties' balances in the ERP"),
        dg.TableColumn("difference_amount", "numeric", description="erp less ledger"),
    ]
)


def build_reconciliation_assets(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """One asset a module, each with a check `ties_out`: an error where a cent has no cause, a warning if all have."""

    @dg.multi_asset(
        name=RECONCILE_STEP,
        specs=[_spec(module) for module in MODULES.values()],
        check_specs=[
            dg.AssetCheckSpec(
                CHECK_NAME,
                asset=reconciliation_key(module.name),
                description=f"{module.title}: each ERP and the ledger said the same, to the cent, when last compared.",
            )
            for module in MODULES.values()
        ],
        can_subset=True,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    @failing_clearly
    def run_reconcile(context: dg.AssetExecutionContext, services: ServicesResource) -> Iterator[dg.MaterializeResult]:
        house = services.open()
        wanted = [m for m in MODULES.values() if reconciliation_key(m.name) in context.selected_asset_keys]
        compared: list[tuple[str, Reconciliation]] = []
        written: dict[str, WrittenReport] = {}
        failures: list[TieoutError] = []
        for part in slices_of(list(context.partition_keys), datetime.now(UTC)):
            with house.fleet() as tx:
                members = connections.in_partition(tx, part.connection_key)
            for connection in members:
                try:
                    found = reconcile(house, connection.name, wanted, dagster_run_id=context.run_id)
                except Exception as error:
                    failures.append(seen_failure(context, connection.name, "reconciling", error))
                    continue
                compared += [(connection.name, one) for one in found]
                try:
                    written[connection.name] = write_report(house, connection.name)
                except Exception as error:
                    failures.append(seen_failure(context, connection.name, "writing its report", error))
        for module in wanted:
            mine = [(name, one) for name, one in compared if one.module == module]
            if mine:
                standings = _standings(house, module, mine)
                yield dg.MaterializeResult(
                    asset_key=reconciliation_key(module.name),
                    metadata=_metadata(house, module, mine, standings, written),
                    check_results=[_verdict(module, standings)],
                )
        if failures:
            raise failure_of(failures)

    return run_reconcile


def _spec(module: Module) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=reconciliation_key(module.name),
        deps=[ledger_key(entity) for entity in gated_entities(module)],
        description=f"{module.title}: the ERP's own balances and control account against the ledger, by currency and "
        f"{module.party.removesuffix('s')}; each difference is a break with a cause.",
        group_name=_GROUPS[module.name],
        kinds={"postgres", "table"},
        owners=OWNERS,
        tags={"tieout/stage": "reconciliation"},
        metadata={"dagster/column_schema": _COLUMNS, "dagster/table_name": "reconciliation.results"},
    )


def _standings(house: Services, module: Module, compared: Sequence[tuple[str, Reconciliation]]) -> list[Standing]:
    """Of all connections whose books are one ledger with those just compared."""
    found: list[Standing] = []
    for tenant in dict.fromkeys(house.connection(name).tenant for name, _ in compared):
        with house.db.transaction(tenant) as tx:
            found += reconciliation.standings(tx, module.name)
    return found


def _verdict(module: Module, standings: Sequence[Standing]) -> dg.AssetCheckResult:
    """A check has one verdict, so it speaks for every connection: the run of one must not cover up another's."""
    said = [f"{one.connection}: {says}" for one in standings for says in one.says]
    is_unexplained = any(one.is_unexplained for one in standings)
    is_blocked = any(one.blocking for one in standings)
    return dg.AssetCheckResult(
        asset_key=reconciliation_key(module.name),
        check_name=CHECK_NAME,
        passed=all(one.ties_out for one in standings),
        severity=dg.AssetCheckSeverity.ERROR if is_unexplained or is_blocked else dg.AssetCheckSeverity.WARN,
        description="; ".join(said[:5]) or "both books say the same: " + ", ".join(_names(standings)),
        metadata={"breaks": sum(one.break_count for one in standings), "connections": _shown(standings)},
    )


def _shown(standings: Sequence[Standing]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "connection": one.connection,
                    "currency": one.currency,
                    "difference": f"{one.difference_amount:,.2f}",
                    "breaks": one.break_count,
                    "cutoff": f"{one.cutoff_at:%Y-%m-%d %H:%M:%S}Z",
                }
            )
            for one in standings
        ]
    )


def _names(standings: Sequence[Standing]) -> list[str]:
    return list(dict.fromkeys(one.connection for one in standings))


def _metadata(
    house: Services,
    module: Module,
    compared: Sequence[tuple[str, Reconciliation]],
    standings: Sequence[Standing],
    written: Mapping[str, WrittenReport],
) -> dict[str, object]:
    rows = [(name, one, result) for name, one in compared for result in one.results]
    shown: dict[str, object] = {
        "ties_out": all(one.ties_out for _, one in compared),
        "breaks": sum(len(result.breaks) for _, _, result in rows),
        "totals": dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "connection": name,
                        "currency": result.currency,
                        "ledger": f"{result.ledger_amount:,.2f}",
                        "erp": f"{result.erp_amount:,.2f}",
                        "difference": f"{result.difference:,.2f}",
                        "cutoff": f"{one.cutoff_at:%Y-%m-%d %H:%M:%S}Z",
                    }
                )
                for name, one, result in rows
            ]
        ),
    }
    listed = [
        dg.TableRecord({"connection": name, "cause": b.cause.value, "amount": f"{b.amount:,.2f}", "says": b.says})
        for name, _, result in rows
        for b in result.breaks[:50]
    ]
    if len(_names(standings)) > len(compared):
        # This run's totals are those of its partition; the page of the asset shows no other run's.
        shown["every_connection"] = _shown(standings)
    if listed:
        shown["break_table"] = dg.MetadataValue.table(listed)
    said = [
        dg.TableRecord({"connection": name, "blocking": s.is_blocking, "code": s.code, "says": s.says})
        for name, one in compared
        for s in one.statements
    ]
    if said:
        shown["statements"] = dg.MetadataValue.table(said)
    shown["ageing"] = dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "connection": name,
                    "as of": f"{one.as_of}",
                    "currency": one.home_currency,
                    "bucket": bucket,
                    "ledger": _told(total.ledger_amount),
                    "mirror": _told(total.mirror_amount),
                    "ERP report": _told(total.reported_amount),
                }
            )
            for name, one in compared
            for bucket, total in by_bucket(one.home).items()
        ]
    )
    for name, one in compared:
        if name in written:
            places = written[name].places
            shown[f"report of {name}"] = dg.MetadataValue.md(
                "\n".join(f"- {form}: `{place}`" for form, place in places.items())
            )
        if one.home:
            shown[f"ageing of {name}"] = dg.MetadataValue.md(ageing_plot(module.title, one.home, one.home_currency))
        connection = house.connection(name)
        with house.db.transaction(connection.tenant) as tx:
            points = reconciliation.trend(tx, name, module.name)
        shown[f"open {module.name.upper()} of {name}"] = dg.MetadataValue.md(trend_plot(module.title, points))
    return shown


def _told(amount: Decimal | None) -> str:
    return "not known" if amount is None else f"{amount:,.2f}"
