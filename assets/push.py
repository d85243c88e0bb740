"""The assets `push/*`: what was edited in the ledger, written into the ERP, each edit exactly once.

One step for all entities of a partition, as in `sync.py` and for the same reasons. Days mean nothing to a push: its
work list is what was edited and is not in the ERP yet.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets.failures import failing_clearly, failure_of, seen_failure
from assets.keys import OWNERS, group_of, ledger_key, push_key, title_of
from assets.partitions import connection_keys
from resources.configured import ServicesResource
from resources.errors import TieoutError
from resources.stages.push import PushReport
from resources.stages.sync import LEDGER_ENTITIES, SyncReport, push
from resources.stores import audit, connections

PUSH_STEP = "push_books"
_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("intent_id", "bigint", description="one write that was decided on"),
        dg.TableColumn("connection", "text", description="the ERP company it is written into"),
        dg.TableColumn("ledger_id", "bigint", description="the row it was made from"),
        dg.TableColumn("ledger_version", "bigint", description="the version of the row that was planned"),
        dg.TableColumn("operation", "text", description="create, update, void, delete"),
        dg.TableColumn("key", "text", description="the idempotency key it is sent with"),
        dg.TableColumn("external_id", "text", description="the record it changes, or made"),
        dg.TableColumn("version_token", "text", description="the ERP's token of the base that was merged"),
        dg.TableColumn("state", "text", description="sent (in doubt until answered), waiting, done, refused, stale"),
        dg.TableColumn("sent_at", "timestamptz", description="when it was kept, before anything was sent"),
        dg.TableColumn("answer", "text", description="what ended it"),
    ]
)


class PushConfig(dg.Config):
    """What a push goes for.

    `approved` limits it to the keys of a plan that somebody has seen. `retry_refused` sends what the ERP has refused
    once more. `skip_unchanged` leaves assets alone that nothing happened to.
    """

    approved: list[str] | None = None
    retry_refused: bool = False
    skip_unchanged: bool = False


def build_push_assets(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """All `push/*` assets, any subset of which can be materialised."""

    @dg.multi_asset(
        name=PUSH_STEP,
        specs=[_spec(entity) for entity in LEDGER_ENTITIES],
        can_subset=True,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        op_tags={"tieout/stage": "push"},
    )
    @failing_clearly
    def run_push(
        context: dg.AssetExecutionContext, config: PushConfig, services: ServicesResource
    ) -> Iterator[dg.MaterializeResult]:
        house = services.open()
        chosen = [e for e in LEDGER_ENTITIES if push_key(e) in context.selected_asset_keys]
        approved = None if config.approved is None else frozenset(config.approved)
        reports: list[tuple[SyncReport, PushReport]] = []
        failures: list[TieoutError] = []
        heads: list[str] = []
        for key in connection_keys(list(context.partition_keys)):
            with house.fleet() as tx:
                members = connections.in_partition(tx, key)
            for connection in members:
                try:
                    reports.append(
                        push(
                            house,
                            connection.name,
                            entities=chosen,
                            approved=approved,
                            retry_refused=config.retry_refused,
                            dagster_run_id=context.run_id,
                        )
                    )
                except Exception as error:
                    failures.append(seen_failure(context, connection.name, "pushing", error))
                    continue
                with house.db.transaction(connection.tenant) as tx:
                    if (head := audit.head(tx, connection.tenant)) is not None:
                        heads.append(f"{connection.tenant}:{head.seq}:{head.hash.hex()}")
                for says in reports[-1][1].says:
                    context.log.info(says)
        for entity in chosen:
            metadata = _metadata(reports, entity)
            if config.skip_unchanged and not (metadata["pushed"] or metadata["held"]):
                continue
            # Outside of our database, where whoever rewrites the audit trail does not reach it.
            metadata["audit_head"] = ", ".join(dict.fromkeys(heads))
            yield dg.MaterializeResult(asset_key=push_key(entity), metadata=metadata)
        if failures:
            raise failure_of(failures)

    return run_push


def _spec(entity: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=push_key(entity),
        deps=[ledger_key(entity)],
        description=(
            f"{title_of(entity)} that were edited in the ledger, written into the ERP: each edit exactly once. "
            "What it would refuse, and what both sides changed, is held and shown."
        ),
        group_name=group_of(entity),
        kinds={"push", "postgres"},
        owners=OWNERS,
        tags={"tieout/stage": "push"},
        skippable=True,
        metadata={"dagster/column_schema": _COLUMNS, "dagster/table_name": "sync.outbox"},
    )


def _metadata(reports: Sequence[tuple[SyncReport, PushReport]], entity: str) -> dict[str, object]:
    outcomes = [r.outcomes[entity] for r, _ in reports if entity in r.outcomes]
    return {
        "pushed": sum(pushed.pushed.get(entity, 0) for _, pushed in reports),
        "held": sum(pushed.held.get(entity, 0) for _, pushed in reports),
        "in_doubt": sum(pushed.in_doubt for _, pushed in reports),
        "api_calls": sum(o.api_calls for o in outcomes),
        "seconds": round(sum(o.seconds for o in outcomes), 3),
        "connections": ", ".join(r.connection for r, _ in reports),
    }
