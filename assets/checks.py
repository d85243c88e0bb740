"""Great Expectations suites as blocking asset checks on `ledger/*`: what fails them does not get reconciled.

Blocking holds inside one run only, so the verdicts are kept in Postgres as well, where reconciliation asks for them.
"""

import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg

from assets.failures import failing_clearly
from assets.keys import ledger_key
from assets.partitions import slices_of
from ledger.spec import EntitySpec, entities
from resources import data_docs
from resources.configured import ServicesResource
from resources.services import Services
from resources.stages.gate import check_rows
from resources.stores import connections, verdicts
from resources.stores.connections import Connection
from resources.stores.verdicts import KeptVerdict

CHECK_NAME = "quality"
SHOWN_ROWS_MAX = 50


def build_quality_checks(partitions: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    """One suite an entity, all in one step, because loading Great Expectations costs more than running it."""

    with warnings.catch_warnings():
        # A preview in Dagster 1.13; without partitions a check could not say which connection failed.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        specs = [_spec(spec, partitions) for spec in entities()]

    @dg.multi_asset_check(name="quality", specs=specs, can_subset=True)
    @failing_clearly
    def quality(context: dg.AssetCheckExecutionContext, services: ServicesResource) -> Iterator[dg.AssetCheckResult]:
        house = services.open()
        parts = slices_of([str(key) for key in context.partition_keys], datetime.now(UTC))
        wanted = [
            (spec, key)
            for spec in entities()
            if (key := dg.AssetCheckKey(ledger_key(spec.name), CHECK_NAME)) in context.selected_asset_check_keys
        ]
        mine: list[Connection] = []
        for connection_key in sorted({part.connection_key for part in parts}):
            with house.fleet() as tx:
                mine += connections.in_partition(tx, connection_key)
        for connection in mine:
            check_rows(house, connection, [spec for spec, _ in wanted])
        for spec, key in wanted:
            yield _result(house, key, spec, mine)

    return quality


def _spec(spec: EntitySpec, partitions: dg.PartitionsDefinition) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        CHECK_NAME,
        asset=ledger_key(spec.name),
        blocking=True,
        description=f"{spec.title}: " + "; ".join(rule.says for rule in spec.rules) + ".",
        partitions_def=partitions,
    )


def _result(
    house: Services, key: dg.AssetCheckKey, spec: EntitySpec, mine: Sequence[Connection]
) -> dg.AssetCheckResult:
    """A check has one page, so it speaks for every connection; but it stops this run only for one of the run's own."""
    found: list[KeptVerdict] = []
    rows: list[dg.TableRecord] = []
    for tenant in dict.fromkeys(connection.tenant for connection in mine):
        with house.db.transaction(tenant) as tx:
            kept = verdicts.read(tx, [spec.name])
            found += kept
            for one in kept:
                if not one.is_passed:
                    rows += _rows(tx, one)
    failed = [one for one in found if not one.is_passed]
    own = {connection.name for connection in mine}
    is_blocked = any(one.is_red and one.connection in own for one in failed)
    metadata: dict[str, object] = {
        "expectations": dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "connection": one.connection,
                        "expectation": one.check_name,
                        "says": one.says,
                        "rows": one.row_count,
                        "rows failing": one.failed_count,
                        "blocking": one.is_blocking,
                        "first ledger ids": ", ".join(map(str, one.sample)) if not one.is_passed else "",
                        "checked": f"{one.checked_at:%Y-%m-%d %H:%M:%S}Z",
                    }
                )
                for one in sorted(found, key=lambda one: (one.is_passed, one.connection, one.check_name))
            ]
        ),
        "data docs": dg.MetadataValue.url(data_docs.index_of(house.settings.data_docs_folder).absolute().as_uri()),
    }
    for page in dict.fromkeys((one.connection, one.page) for one in found if one.page):
        metadata[f"data docs of {page[0]}"] = dg.MetadataValue.url(Path(page[1]).absolute().as_uri())
    if rows:
        metadata["failing rows"] = dg.MetadataValue.table(rows[:SHOWN_ROWS_MAX])
        metadata["every failing row"] = dg.MetadataValue.md(
            f"```sql\nselect * from sync.failing_rows where entity = '{spec.name}' and cleared_at is null\n```"
        )
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if is_blocked else dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{v.connection}: {v.failed_count} rows where not: {v.says}" for v in failed)
        or "every row holds: " + ", ".join(dict.fromkeys(one.connection for one in found)),
        metadata=metadata,
    )


def _rows(tx: psycopg.Connection[Any], verdict: KeptVerdict) -> list[dg.TableRecord]:
    return [
        dg.TableRecord(
            {
                "connection": row.connection,
                "expectation": row.check_name,
                "ledger id": row.row_key,
                "called": row.called or "",
                "id there": row.external_id or "",
                "found": ", ".join(f"{name} {value}" for name, value in row.found.items()),
                "since": f"{row.first_seen_at:%Y-%m-%d %H:%M:%S}Z",
            }
        )
        for row in verdicts.rows_of(tx, verdict.connection, verdict.entity, verdict.check_name, limit=SHOWN_ROWS_MAX)
    ]
