"""What came of each reconciliation, kept for good: results, what differed in them, and what had to be said.

Belongs here: results, sightings and statements of every run. Breaks that last are `breaks.py`, both books' figures
`ageing.py` and `documents_compared.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row

from ledger.reconcile import Cause, Result, Statement


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
    statements: Sequence[Statement],
    break_ids: Mapping[tuple[str, str], int],
    run_id: int | None,
) -> None:
    """Store the results of one module with what differed; `break_ids` is (currency, identity) -> the break seen."""
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
                "insert into reconciliation.sightings "
                "(result_id, tenant_id, cause, party_external_id, party_name, amount, says, break_id) "
                "values (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    (
                        *(row[0], tenant, b.cause.value, b.party_external_id, b.party_name, b.amount, b.says),
                        break_ids.get((result.currency, b.identity)),
                    )
                    for b in result.breaks
                ],
            )
    with tx.cursor() as cursor:
        cursor.executemany(
            "insert into reconciliation.statements "
            "(tenant_id, connection, module, cutoff_at, code, is_blocking, says, run_id) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [(tenant, connection, module, cutoff_at, s.code, s.is_blocking, s.says, run_id) for s in statements],
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
    """How one connection stands in one module and currency since it was last reconciled.

    `says`: what keeps its books from being compared at all, then its largest breaks.
    """

    connection: str
    currency: str
    cutoff_at: datetime
    difference_amount: Decimal
    break_count: int
    is_unexplained: bool
    blocking: Sequence[str]
    largest: Sequence[str]

    @property
    def says(self) -> Sequence[str]:
        return [*self.blocking, *self.largest]

    @property
    def ties_out(self) -> bool:
        return not self.difference_amount and not self.break_count and not self.blocking


def standings(tx: psycopg.Connection[Any], module: str) -> list[Standing]:
    """Of every connection the tenant has, by its last reconciliation of the module; none of one that had none yet."""
    with tx.cursor(row_factory=class_row(Standing)) as rows:
        return rows.execute(
            """
            select r.connection, r.currency, r.cutoff_at, r.difference_amount, count(b.sighting_id)::int as break_count,
                   coalesce(bool_or(b.cause = %(unexplained)s), false) as is_unexplained,
                   array(select s.says from reconciliation.statements s
                          where s.is_blocking and s.connection = r.connection and s.module = r.module
                            and s.cutoff_at = r.cutoff_at and s.run_id is not distinct from r.run_id
                          order by s.statement_id limit 5) as blocking,
                   coalesce((array_agg(b.says order by abs(b.amount) desc, b.sighting_id)
                             filter (where b.says is not null))[1:5], '{}') as largest
              from sync.connections c
              join lateral (select s.run_id, s.cutoff_at from reconciliation.results s
                             where s.connection = c.connection and s.module = %(module)s
                             order by s.cutoff_at desc, s.result_id desc limit 1) newest on true
              join reconciliation.results r on r.connection = c.connection and r.module = %(module)s
               and r.cutoff_at = newest.cutoff_at and r.run_id is not distinct from newest.run_id
              left join reconciliation.sightings b on b.result_id = r.result_id
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
                "select cause, party_name, amount, says, break_id from reconciliation.sightings "
                "where result_id = %s order by abs(amount) desc, sighting_id",
                (result.pop("result_id"),),
            ).fetchall()
            result["breaks"] = {}
            for one in result["listed"]:
                result["breaks"][one["cause"]] = result["breaks"].get(one["cause"], Decimal(0)) + one["amount"]
    return found


def statements_of_dagster_run(
    tx: psycopg.Connection[Any], connection: str, dagster_run_id: str
) -> list[dict[str, Any]]:
    """What had to be said of the comparisons of one Dagster run."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            "select s.module, s.code, s.is_blocking, s.says from reconciliation.statements s "
            "join sync.runs r on r.run_id = s.run_id where s.connection = %s and r.dagster_run_id = %s "
            "order by s.statement_id",
            (connection, dagster_run_id),
        ).fetchall()
