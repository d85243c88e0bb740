"""The last verdict of each data-quality check. Reconciliation asks here: a gate inside one run is not enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb


def record(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    entity: str,
    check_name: str,
    is_passed: bool,
    failed_count: int,
    sample: Sequence[Any],
) -> None:
    """Replace the verdict of one check on one connection's rows."""
    tx.execute(
        """
        insert into sync.verdicts (connection, entity, check_name, tenant_id, is_passed, failed_count, sample)
        values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (connection, entity, check_name) do update
           set is_passed = excluded.is_passed, failed_count = excluded.failed_count, sample = excluded.sample,
               checked_at = clock_timestamp()
        """,
        (connection, entity, check_name, tenant, is_passed, failed_count, Jsonb(list(sample))),
    )


def failing(tx: psycopg.Connection[Any], connection: str, entities: Sequence[str]) -> list[dict[str, Any]]:
    """The checks whose last verdict on these entities was bad."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            "select entity, check_name, failed_count, sample, checked_at from sync.verdicts "
            "where connection = %s and entity = any(%s) and not is_passed order by entity, check_name",
            (connection, list(entities)),
        ).fetchall()
