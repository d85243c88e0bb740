"""Ledger rows and their parts written in place, many at once: a statement for each table, not for each row.

Belongs here: how canonical values become rows. What they mean for one connection (external ids, codes) is `records.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from ledger.spec import EntitySpec, FieldSpec, PartSpec, parent_column, spec_of


@dataclass(frozen=True, slots=True)
class Head:
    """What a row shall say: column -> value."""

    ledger_id: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PartRow:
    """What a part shall say. `part_id` is None for a new one; `part_key` None keeps the key it has, or makes one."""

    ledger_id: int
    part_id: int | None
    part_key: str | None
    values: Mapping[str, Any]


def update_heads(
    tx: psycopg.Connection[Any],
    *,
    connection: str,
    entity: str,
    heads: Sequence[Head],
    changed_by: str,
    run_id: int | None,
    is_deleted: bool,
) -> dict[int, int]:
    """Make existing rows say this; returns ledger id -> version afterwards, without rows that do not exist."""
    rows = [{"ledger_id": head.ledger_id, **head.values} for head in heads]
    return dict(
        tx.execute(
            _update_heads(entity),
            {
                "rows": _as_json(rows),
                "connection": connection,
                "changed_by": changed_by,
                "run_id": run_id,
                "is_deleted": is_deleted,
            },
        ).fetchall()
    )


def write_parts(
    tx: psycopg.Connection[Any], spec: EntitySpec, part: PartSpec, ledger_ids: Sequence[int], rows: Sequence[PartRow]
) -> None:
    """Make these rows all the parts of their kind that the ledger rows have; what is not named goes."""
    table = sql.Identifier("ledger", spec.part_table_names[part.name])
    keep = [row.part_id for row in rows if row.part_id is not None]
    tx.execute(
        sql.SQL("delete from {} where {} = any(%s) and not (part_id = any(%s))").format(
            table, sql.Identifier(parent_column(spec))
        ),
        (list(ledger_ids), keep),
    )
    if keep:
        named = sql.SQL("select part_id, part_key from {} where part_id = any(%s)").format(table)
        old = dict(tx.execute(named, (keep,)).fetchall())
        moved = [row.part_id for row in rows if row.part_id in old and row.part_key not in (None, old[row.part_id])]
        # Keys may pass from one row to the next, which a unique key lets happen only by way of keys nobody has.
        if moved:
            tx.execute(
                sql.SQL("update {} set part_key = '~' || part_id where part_id = any(%s)").format(table), (moved,)
            )
        tx.execute(_update_parts(spec.name, part.name), (_as_json(_plain(rows, is_new=False)),))
    if new := _plain(rows, is_new=True):
        tx.execute(_insert_parts(spec.name, part.name), (_as_json(new),))


def _plain(rows: Sequence[PartRow], *, is_new: bool) -> list[dict[str, Any]]:
    return [
        {"ledger_id": row.ledger_id, "part_id": row.part_id, "part_key": row.part_key, **row.values}
        for row in rows
        if (row.part_id is None) is is_new
    ]


def _as_json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Amounts are texts that keep their scale, which PostgreSQL reads as numeric."""
    return msgspec.json.encode(rows).decode()


_SQL_TYPES = {"str": "text", "int": "bigint", "bool": "boolean", "Decimal": "numeric", "date": "date"}


def _columns(fields: Sequence[FieldSpec], template: str, separator: str = ", ") -> sql.Composed:
    """The template for each field; `{c}` its column, `{t}` its SQL type."""
    return sql.SQL(separator).join(
        sql.SQL(template).format(
            c=sql.Identifier(f.column), t=sql.SQL("bigint" if f.reference else _SQL_TYPES[f.kind.__name__])
        )
        for f in fields
    )


@cache
def _update_heads(entity: str) -> sql.Composed:
    fields = spec_of(entity).fields
    return sql.SQL(
        "update {table} l set {assigned}, connection = coalesce(l.connection, %(connection)s), "
        "is_deleted = %(is_deleted)s, changed_by = %(changed_by)s, run_id = %(run_id)s "
        "from json_to_recordset(%(rows)s::json) as n (ledger_id bigint, {typed}) "
        "where l.ledger_id = n.ledger_id returning l.ledger_id, l.version"
    ).format(
        table=sql.Identifier("ledger", entity),
        assigned=_columns(fields, "{c} = n.{c}"),
        typed=_columns(fields, "{c} {t}"),
    )


@cache
def _update_parts(entity: str, part_name: str) -> sql.Composed:
    spec, part = _part(entity, part_name)
    return sql.SQL(
        "update {table} l set part_key = coalesce(n.part_key, l.part_key), {assigned} "
        "from json_to_recordset(%s::json) as n (part_id bigint, part_key text, {typed}) "
        "where l.part_id = n.part_id "
        "and (l.part_key, {held}) is distinct from (coalesce(n.part_key, l.part_key), {wanted})"
    ).format(
        table=sql.Identifier("ledger", spec.part_table_names[part_name]),
        assigned=_columns(part.fields, "{c} = n.{c}"),
        typed=_columns(part.fields, "{c} {t}"),
        held=_columns(part.fields, "l.{c}"),
        wanted=_columns(part.fields, "n.{c}"),
    )


@cache
def _insert_parts(entity: str, part_name: str) -> sql.Composed:
    spec, part = _part(entity, part_name)
    return sql.SQL(
        "insert into {table} ({parent}, part_key, tenant_id, {columns}) "
        "select n.ledger_id, coalesce(n.part_key, sync.new_part_key()), sync.current_tenant(), {values} "
        "from json_to_recordset(%s::json) as n (ledger_id bigint, part_key text, {typed})"
    ).format(
        table=sql.Identifier("ledger", spec.part_table_names[part_name]),
        parent=sql.Identifier(parent_column(spec)),
        columns=_columns(part.fields, "{c}"),
        values=_columns(part.fields, "n.{c}"),
        typed=_columns(part.fields, "{c} {t}"),
    )


def _part(entity: str, part_name: str) -> tuple[EntitySpec, PartSpec]:
    spec = spec_of(entity)
    return spec, next(part for part in spec.parts if part.name == part_name)
