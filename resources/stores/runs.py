"""The sync log: what ran for which connection, and what came of it."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb


def start(tx: psycopg.Connection[Any], *, tenant: str, connection: str, kind: str, dagster_run_id: str | None) -> int:
    """Open a log entry; returns its number."""
    row = tx.execute(
        "insert into sync.runs (tenant_id, connection, kind, dagster_run_id) values (%s, %s, %s, %s) returning run_id",
        (tenant, connection, kind, dagster_run_id),
    ).fetchone()
    assert row is not None
    return row[0]


def finish(tx: psycopg.Connection[Any], run_id: int, *, state: str, api_calls: int, outcome: dict[str, Any]) -> None:
    """Close a log entry as `done` or `failed`."""
    tx.execute(
        "update sync.runs set ended_at = clock_timestamp(), state = %s, api_calls = %s, outcome = %s where run_id = %s",
        (state, api_calls, Jsonb(outcome), run_id),
    )


def latest(tx: psycopg.Connection[Any], connection: str) -> dict[str, Any] | None:
    """The newest finished sync of a connection."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            "select run_id, kind, state, started_at, ended_at, api_calls, outcome from sync.runs "
            "where connection = %s and ended_at is not null order by started_at desc limit 1",
            (connection,),
        ).fetchone()


def of_dagster_run(tx: psycopg.Connection[Any], connection: str, dagster_run_id: str) -> list[dict[str, Any]]:
    """The log entries that one Dagster run made for a connection, in order."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            "select run_id, kind, state, started_at, ended_at, api_calls, outcome from sync.runs "
            "where connection = %s and dagster_run_id = %s order by run_id",
            (connection, dagster_run_id),
        ).fetchall()
