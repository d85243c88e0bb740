"""The ledger's side of a reconciliation, and what came of it: results and breaks, kept for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row

from ledger.reconcile import Cause, Module, PartyFigure, Result
from ledger.spec import spec_of


def party_figures(tx: psycopg.Connection[Any], connection: str, module: Module) -> list[PartyFigure]:
    """What the ledger says each party owes, from the open amounts of this connection's own documents.

    Linear in the connection's open and settled documents: the sum itself is what is being checked.
    """
    party = spec_of(module.party).name.removesuffix("s")
    items = sql.SQL(" union all ").join(
        sql.SQL(
            "select d.{party_id} as party_id, d.currency, {sign} * d.{amount} as amount from ledger.{entity} d "
            "join sync.bindings b on b.connection = %(connection)s and b.entity = {name} and b.ledger_id = d.ledger_id "
            "where not d.is_deleted and d.{amount} <> 0"
        ).format(
            party_id=sql.Identifier(f"{party}_id"),
            sign=sql.Literal(sign),
            amount=sql.Identifier(amount),
            entity=sql.Identifier(entity),
            name=sql.Literal(entity),
        )
        for entity, (amount, sign) in module.open_amounts.items()
    )
    query = sql.SQL(
        "select b.external_id, p.name, i.currency, sum(i.amount) from ({items}) i "
        "join ledger.{parties} p on p.ledger_id = i.party_id "
        "join sync.bindings b on b.connection = %(connection)s and b.entity = {name} and b.ledger_id = i.party_id "
        "group by b.external_id, p.name, i.currency"
    ).format(items=items, parties=sql.Identifier(module.party), name=sql.Literal(module.party))
    # After a first sync the planner has no statistics yet and would join the whole book row by row, for minutes.
    tx.execute("set local enable_nestloop = off")
    return [PartyFigure(*row) for row in tx.execute(query, {"connection": connection})]


def open_amounts(
    tx: psycopg.Connection[Any], connection: str, entity: str, amount_field: str, external_ids: Sequence[str]
) -> dict[str, Decimal]:
    """By external id, what the ledger counts for these documents; those it does not have are left out."""
    return dict(
        tx.execute(
            sql.SQL(
                "select b.external_id, l.{amount} from sync.bindings b join ledger.{entity} l "
                "on l.ledger_id = b.ledger_id and not l.is_deleted "
                "where b.connection = %s and b.entity = %s and b.external_id = any(%s)"
            ).format(amount=sql.Identifier(amount_field), entity=sql.Identifier(entity)),
            (connection, entity, list(external_ids)),
        ).fetchall()
    )


def keep(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    module: str,
    cutoff_at: datetime,
    results: Sequence[Result],
    run_id: int | None,
) -> None:
    """Store the results of one module with their breaks."""
    for result in results:
        row = tx.execute(
            """
            insert into reconciliation.results
              (tenant_id, connection, module, currency, cutoff_at, ledger_amount, erp_amount, parties_amount,
               difference_amount, run_id)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning result_id
            """,
            (
                tenant,
                connection,
                module,
                result.currency,
                cutoff_at,
                result.ledger_amount,
                result.erp_amount,
                result.parties_amount,
                result.difference,
                run_id,
            ),
        ).fetchone()
        assert row is not None
        with tx.cursor() as cursor:
            cursor.executemany(
                "insert into reconciliation.breaks "
                "(result_id, tenant_id, cause, party_external_id, party_name, amount, says) "
                "values (%s, %s, %s, %s, %s, %s, %s)",
                [
                    (row[0], tenant, b.cause.value, b.party_external_id, b.party_name, b.amount, b.says)
                    for b in result.breaks
                ],
            )


def trend(
    tx: psycopg.Connection[Any], connection: str, module: str, *, points_max: int = 60
) -> list[tuple[datetime, str, Decimal]]:
    """The ledger's totals of the last reconciliations: (cutoff, currency, amount), oldest first."""
    return tx.execute(
        """
        select cutoff_at, currency, ledger_amount from (
          select cutoff_at, currency, ledger_amount, dense_rank() over (order by cutoff_at desc) as back
            from reconciliation.results where connection = %s and module = %s
        ) r where back <= %s order by cutoff_at, currency
        """,
        (connection, module, points_max),
    ).fetchall()


@dataclass(frozen=True, slots=True)
class Standing:
    """How one connection stands in one module and currency since it was last reconciled; `says`: its largest breaks."""

    connection: str
    currency: str
    cutoff_at: datetime
    difference_amount: Decimal
    break_count: int
    is_unexplained: bool
    says: Sequence[str]

    @property
    def ties_out(self) -> bool:
        return not self.difference_amount and not self.break_count


def standings(tx: psycopg.Connection[Any], module: str) -> list[Standing]:
    """Of every connection the tenant has, by its last reconciliation of the module; none of one that had none yet."""
    with tx.cursor(row_factory=class_row(Standing)) as rows:
        return rows.execute(
            """
            select r.connection, r.currency, r.cutoff_at, r.difference_amount, count(b.break_id)::int as break_count,
                   coalesce(bool_or(b.cause = %(unexplained)s), false) as is_unexplained,
                   coalesce((array_agg(b.says order by abs(b.amount) desc, b.break_id)
                             filter (where b.says is not null))[1:5], '{}') as says
              from sync.connections c
              join lateral (select s.run_id, s.cutoff_at from reconciliation.results s
                             where s.connection = c.connection and s.module = %(module)s
                             order by s.cutoff_at desc, s.result_id desc limit 1) newest on true
              join reconciliation.results r on r.connection = c.connection and r.module = %(module)s
               and r.cutoff_at = newest.cutoff_at and r.run_id is not distinct from newest.run_id
              left join reconciliation.breaks b on b.result_id = r.result_id
             where c.tenant_id = sync.current_tenant() and c.state <> 'removed'
             group by r.result_id order by r.connection, r.currency
            """,
            {"module": module, "unexplained": Cause.UNEXPLAINED.value},
        ).fetchall()


def latest(tx: psycopg.Connection[Any], connection: str) -> list[dict[str, Any]]:
    """The newest result of each module and currency."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            "select distinct on (module, currency) module, currency, cutoff_at, ledger_amount, erp_amount, "
            "difference_amount from reconciliation.results where connection = %s "
            "order by module, currency, cutoff_at desc",
            (connection,),
        ).fetchall()


def of_dagster_run(tx: psycopg.Connection[Any], connection: str, dagster_run_id: str) -> list[dict[str, Any]]:
    """What one Dagster run found for a connection, by module and currency, with its breaks."""
    with tx.cursor(row_factory=dict_row) as rows:
        found = rows.execute(
            "select r.result_id, r.module, r.currency, r.cutoff_at, r.ledger_amount as ledger_total, "
            "r.erp_amount as erp_total, r.difference_amount as difference "
            "from reconciliation.results r join sync.runs s on s.run_id = r.run_id "
            "where r.connection = %s and s.dagster_run_id = %s order by r.module, r.currency",
            (connection, dagster_run_id),
        ).fetchall()
        for result in found:
            result["listed"] = rows.execute(
                "select cause, party_name, amount, says from reconciliation.breaks where result_id = %s "
                "order by abs(amount) desc, break_id",
                (result.pop("result_id"),),
            ).fetchall()
            result["breaks"] = {}
            for one in result["listed"]:
                result["breaks"][one["cause"]] = result["breaks"].get(one["cause"], Decimal(0)) + one["amount"]
    return found
