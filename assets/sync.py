"""The step behind `mirror/*` and `ledger/*`: one step for all entities of a partition, each still its own asset.

Pulling and merging stand in one step because starting a step costs more than either, and because a step that emits only
what changed would otherwise keep the next one from running. Connections that share a partition key are isolated from
each other: one that fails leaves the others done, and the run red.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

import dagster as dg

from assets.failures import failing_clearly, failure_of, seen_failure
from assets.keys import ledger_key, mirror_key
from assets.ledger import ledger_spec
from assets.mirror import mirror_spec
from assets.partitions import Slice, slices_of
from ledger.spec import entities
from resources.configured import ServicesResource
from resources.errors import TieoutError
from resources.services import Services
from resources.stages.sync import LEDGER_ENTITIES, MIRROR_ENTITIES, SyncReport, sync
from resources.stores import connections, ledger, mirror

SYNC_STEP = "sync_books"


class SyncConfig(dg.Config):
    """How far a run goes beyond its partition's day.

    `catch_up` reads from the watermark to now whatever the day: for runs that mean "now" and may start after midnight.
    `census` does too, and compares every id. `skip_unchanged` leaves assets alone that nothing happened to.
    """

    census: bool = False
    catch_up: bool = False
    skip_unchanged: bool = False


def build_sync_assets(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """All `mirror/*` and `ledger/*` assets, any subset of which can be materialised."""

    @dg.multi_asset(
        name=SYNC_STEP,
        specs=[*[mirror_spec(name) for name in MIRROR_ENTITIES], *[ledger_spec(spec) for spec in entities()]],
        can_subset=True,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        op_tags={"tieout/stage": "sync"},
    )
    @failing_clearly
    def run_sync(
        context: dg.AssetExecutionContext, config: SyncConfig, services: ServicesResource
    ) -> Iterator[dg.MaterializeResult]:
        house = services.open()
        reports: list[SyncReport] = []
        failures: list[TieoutError] = []
        parts = slices_of(list(context.partition_keys), datetime.now(UTC))
        if config.census or config.catch_up:
            parts = [Slice(key, None) for key in dict.fromkeys(part.connection_key for part in parts)]
        for part in parts:
            for connection in _connections(house, part):
                try:
                    reports.append(_sync(context, house, connection, part, config))
                except Exception as error:
                    failures.append(seen_failure(context, connection, "syncing", error))
        yield from _results(context, house, reports, config)
        if failures:
            raise failure_of(failures)

    return run_sync


def _connections(house: Services, part: Slice) -> list[str]:
    with house.fleet() as tx:
        return [c.name for c in connections.in_partition(tx, part.connection_key)]


def _sync(
    context: dg.AssetExecutionContext, house: Services, connection: str, part: Slice, config: SyncConfig
) -> SyncReport:
    selected = context.selected_asset_keys
    kind: Literal["delta", "full", "window"] = "full" if config.census else "delta"
    report = sync(
        house,
        connection,
        kind=kind if part.window is None else "window",
        mirror_entities=[e for e in MIRROR_ENTITIES if mirror_key(e) in selected],
        ledger_entities=[e for e in LEDGER_ENTITIES if ledger_key(e) in selected],
        window=part.window,
        dagster_run_id=context.run_id,
    )
    context.log.info(_summary(report))
    return report


def _summary(report: SyncReport) -> str:
    changed = {e: o for e, o in report.outcomes.items() if not o.is_quiet}
    told = ", ".join(f"{e} +{o.inserted} ~{o.updated} -{o.deleted}" for e, o in changed.items()) or "nothing changed"
    left_out = f"; switched off: {', '.join(report.switched_off)}" if report.switched_off else ""
    budget = f"; {report.forecast}" if report.forecast is not None else ""
    return f"{report.connection}: {told}{left_out}; {report.api_calls} calls, {report.seconds:.2f} s{budget}"


def _results(
    context: dg.AssetExecutionContext, house: Services, reports: Sequence[SyncReport], config: SyncConfig
) -> Iterator[dg.MaterializeResult]:
    if not reports:
        return
    # Dagster wants parents first, which is the order the entities are declared in.
    for key in [*map(mirror_key, MIRROR_ENTITIES), *map(ledger_key, LEDGER_ENTITIES)]:
        if key not in context.selected_asset_keys:
            continue
        stage, entity = key.path
        if config.skip_unchanged and all(_is_quiet(r, entity) for r in reports):
            continue
        yield dg.MaterializeResult(asset_key=key, metadata=_metadata(house, reports, stage, entity))


def _is_quiet(report: SyncReport, entity: str) -> bool:
    outcome = report.outcomes.get(entity)
    return outcome is None or (outcome.is_quiet and not outcome.held)


def _metadata(house: Services, reports: Sequence[SyncReport], stage: str, entity: str) -> dict[str, object]:
    outcomes = [r.outcomes[entity] for r in reports if entity in r.outcomes]
    shown: dict[str, object] = {
        "pulled": sum(o.pulled for o in outcomes),
        "inserted": sum(o.inserted for o in outcomes),
        "updated": sum(o.updated for o in outcomes),
        "deleted": sum(o.deleted for o in outcomes),
        "held": sum(o.held for o in outcomes),
        "api_calls": sum(o.api_calls for o in outcomes),
        "seconds": round(sum(o.seconds for o in outcomes), 3),
        "connections": ", ".join(r.connection for r in reports),
    }
    tenants = dict.fromkeys(house.connection(r.connection).tenant for r in reports)
    # Linear in the book, which is why what the sensor runs for nothing emits nothing.
    shown["dagster/partition_row_count"] = sum(_row_count(house, r.connection, stage, entity) for r in reports)
    # The table's own count, with the rows of the connections that were not synced now.
    shown["dagster/row_count"] = sum(_row_count_of_tenant(house, tenant, stage, entity) for tenant in tenants)
    forecasts = [f"{r.connection}: {r.forecast}" for r in reports if r.forecast is not None]
    if forecasts:
        shown["day_budget"] = "; ".join(forecasts)
    watermarks = [at for r in reports if (at := r.watermarks.get(entity)) is not None]
    if watermarks:
        shown["watermark"] = dg.MetadataValue.timestamp(min(watermarks))
    findings = [f for r in reports if (f := r.censuses.get(entity)) is not None]
    if findings:
        shown["census"] = (
            f"{sum(f.listed for f in findings)} listed, {sum(f.repaired for f in findings)} pulled again, "
            f"{sum(f.buried for f in findings)} found deleted"
        )
    return shown


def _row_count_of_tenant(house: Services, tenant: str, stage: str, entity: str) -> int:
    with house.db.transaction(tenant) as tx:
        return (mirror if stage == "mirror" else ledger).count_all(tx, entity)


def _row_count(house: Services, name: str, stage: str, entity: str) -> int:
    connection = house.connection(name)
    with house.db.transaction(connection.tenant) as tx:
        return (mirror if stage == "mirror" else ledger).count(tx, name, entity)
