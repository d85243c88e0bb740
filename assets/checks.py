"""Great Expectations suites as blocking asset checks on `ledger/*`: what fails them does not get reconciled.

Blocking holds inside one run only, so the verdicts are kept in Postgres as well, where reconciliation asks for them.
"""

import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from assets.keys import ledger_key
from assets.partitions import slices_of
from ledger.spec import EntitySpec, entities
from resources.configured import ServicesResource
from resources.quality import Verdict, validate
from resources.services import Services
from resources.stores import connections, verdicts

CHECK_NAME = "quality"


def build_quality_checks(partitions: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    """One suite an entity, all in one step, because loading Great Expectations costs more than running it."""

    with warnings.catch_warnings():
        # A preview in Dagster 1.13; without partitions a check could not say which connection failed.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        specs = [_spec(spec, partitions) for spec in entities()]

    @dg.multi_asset_check(name="quality", specs=specs, can_subset=True)
    def quality(context: dg.AssetCheckExecutionContext, services: ServicesResource) -> Iterator[dg.AssetCheckResult]:
        house = services.open()
        parts = slices_of([str(key) for key in context.partition_keys], datetime.now(UTC))
        for spec in entities():
            key = dg.AssetCheckKey(ledger_key(spec.name), CHECK_NAME)
            if key in context.selected_asset_check_keys:
                found: list[tuple[str, Verdict]] = []
                for name in sorted({part.connection_key for part in parts}):
                    found += _verdicts(house, name, spec)
                yield _result(key, found)

    return quality


def _spec(spec: EntitySpec, partitions: dg.PartitionsDefinition) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        CHECK_NAME,
        asset=ledger_key(spec.name),
        blocking=True,
        description=f"{spec.title}: " + "; ".join(rule.says for rule in spec.rules) + ".",
        partitions_def=partitions,
    )


def _verdicts(house: Services, connection_key: str, spec: EntitySpec) -> list[tuple[str, Verdict]]:
    with house.fleet() as tx:
        members = connections.in_partition(tx, connection_key)
    found: list[tuple[str, Verdict]] = []
    for connection in members:
        answered = validate(house.app_url, connection.tenant, connection.name, spec)
        with house.db.transaction(connection.tenant) as tx:
            for verdict in answered:
                verdicts.record(
                    tx,
                    tenant=connection.tenant,
                    connection=connection.name,
                    entity=spec.name,
                    check_name=verdict.name,
                    is_passed=verdict.is_passed or not verdict.is_blocking,
                    failed_count=verdict.failed_count,
                    sample=verdict.sample,
                )
        found += [(connection.name, verdict) for verdict in answered]
    return found


def _result(key: dg.AssetCheckKey, found: Sequence[tuple[str, Verdict]]) -> dg.AssetCheckResult:
    failed = [(connection, verdict) for connection, verdict in found if not verdict.is_passed]
    metadata: dict[str, object] = {
        "expectations": dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "connection": connection,
                        "expectation": verdict.name,
                        "says": verdict.says,
                        "rows failing": verdict.failed_count,
                        "first ledger ids": ", ".join(map(str, verdict.sample)),
                    }
                )
                for connection, verdict in found
            ]
        )
    }
    for connection, verdict in failed:
        metadata[f"{connection}: rows that break {verdict.name}"] = dg.MetadataValue.md(f"```sql\n{verdict.query}\n```")
    is_blocked = any(verdict.is_blocking for _, verdict in failed)
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if is_blocked else dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{v.failed_count} rows: {v.says}" for _, v in failed) or "every row holds",
        metadata=metadata,
    )
