"""A database put back to where it was: every row of ours from a copy, sequences included."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql


def copied(hand: psycopg.Connection[Any]) -> str:
    """Keep a copy of every row; gives the statements that put them back, sequences included."""
    hand.execute("drop schema if exists beginning cascade; create schema beginning")
    # Permissions to call are many and all alike: those in use are given back.
    undo: list[sql.Composable] = [
        sql.SQL("set session_replication_role = replica"),
        sql.SQL("update sync.api_slots set holder = null, free_at = now() where free_at > now()"),
    ]
    tables = hand.execute(
        "select schemaname, tablename from pg_tables "
        "where schemaname in ('ledger', 'mirror', 'sync', 'reconciliation') "
        "and tablename not in ('schema_version', 'api_slots')"
    ).fetchall()
    for schema, table in tables:
        name = sql.Identifier(schema, table)
        undo.append(sql.SQL("delete from {}").format(name))
        if not hand.execute(sql.SQL("select exists (select from {})").format(name)).fetchone()[0]:
            continue
        kept = sql.Identifier("beginning", f"{schema}_{table}")
        hand.execute(sql.SQL("create table {} as select * from {}").format(kept, name))
        columns = [
            sql.Identifier(column)
            for (column,) in hand.execute(
                "select column_name from information_schema.columns where table_schema = %s and table_name = %s "
                "and is_generated = 'NEVER' order by ordinal_position",
                (schema, table),
            )
        ]
        listed = sql.SQL(", ").join(columns)
        undo.append(
            sql.SQL("insert into {} ({}) overriding system value select {} from {}").format(name, listed, listed, kept)
        )
    for schema, sequence, value in hand.execute(
        "select schemaname, sequencename, last_value from pg_sequences "
        "where schemaname in ('ledger', 'mirror', 'sync', 'reconciliation')"
    ).fetchall():
        named = sql.Literal(f"{schema}.{sequence}")
        undo.append(sql.SQL("select setval({}, {}, {})").format(named, value or 1, value is not None))
    undo.append(sql.SQL("set session_replication_role = origin"))
    return sql.SQL(";\n").join(undo).as_string(hand)
