"""A check on each `ledger/*`: no record of it is held in a conflict. Only a warning: it holds nothing else."""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets.failures import failing_clearly
from assets.keys import ledger_key, title_of
from resources.configured import ServicesResource
from resources.stages.sync import LEDGER_ENTITIES, check_conflicts
from resources.stores.conflicts import Conflict

CHECK_NAME = "no_open_conflict"
SHOWN_MAX = 20


def build_conflict_checks() -> dg.AssetChecksDefinition:
    """One check an entity over all connections, all in one step: conflicts are few, and each names its connection."""
    specs = [
        dg.AssetCheckSpec(
            CHECK_NAME,
            asset=ledger_key(entity),
            description=f"{title_of(entity)}: no record is held because both sides changed it.",
        )
        for entity in LEDGER_ENTITIES
    ]

    @dg.multi_asset_check(name="conflicts", specs=specs)
    @failing_clearly
    def conflicts(services: ServicesResource) -> Iterator[dg.AssetCheckResult]:
        found = check_conflicts(services.open())
        for entity in LEDGER_ENTITIES:
            key = dg.AssetCheckKey(ledger_key(entity), CHECK_NAME)
            yield _result(key, [one for one in found if one.entity == entity])

    return conflicts


def _result(key: dg.AssetCheckKey, found: Sequence[Conflict]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=not found,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(one.says for one in found[:3]) or "nothing is held",
        metadata={
            "open": len(found),
            "conflicts": dg.MetadataValue.table(
                [
                    dg.TableRecord(
                        {
                            "id": one.conflict_id,
                            "connection": one.connection,
                            "record": one.record,
                            "kind": one.kind,
                            "fields": ", ".join(f["name"] for f in one.fields),
                            "opened": f"{one.opened_at:%Y-%m-%d %H:%M}Z",
                        }
                    )
                    for one in found[:SHOWN_MAX]
                ],
                schema=dg.TableSchema(
                    columns=[
                        dg.TableColumn("id", "int"),
                        *[
                            dg.TableColumn(name, "string")
                            for name in ("connection", "record", "kind", "fields", "opened")
                        ],
                    ]
                ),
            ),
            "next": "tieout conflicts show ID",
        },
    )
