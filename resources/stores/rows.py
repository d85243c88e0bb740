"""Rows of the ledger as whoever stands outside the sync reads and writes them: plain values, by column, parts inside.

Belongs here: reading pages of rows, making one, changing one. What is written is signed, noted and pushed by the
triggers of the tables (docs/write-into-the-ledger.md), as it is for any program of the company. Columns come from the
entity's spec and from nowhere else; values travel as parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ledger.spec import EntitySpec, PartSpec, parent_column

# What every row has beside its entity's own fields.
OWN_COLUMNS = ("ledger_id", "connection", "version", "changed_by", "changed_at", "is_deleted")
PART_ID = "part_id"

Row = dict[str, Any]
Tx = psycopg.Connection[Any]


def page(
    tx: Tx,
    spec: EntitySpec,
    *,
    after: int,
    limit: int,
    connection: str | None = None,
    changed_since: datetime | None = None,
) -> list[Row]:
    """Rows with their parts, by ledger id, from the one behind `after`; `changed_since` is inclusive."""
    where = [sql.SQL("ledger_id > {}").format(after)]
    if connection is not None:
        where.append(sql.SQL("connection = {}").format(connection))
    if changed_since is not None:
        where.append(sql.SQL("changed_at >= {}").format(changed_since))
    query = sql.SQL("select {} from {} where {} order by ledger_id limit {}").format(
        _listed(_columns(spec)), _table(spec.name), sql.SQL(" and ").join(where), limit
    )
    with tx.cursor(row_factory=dict_row) as rows:
        found = rows.execute(query).fetchall()
    _add_parts(tx, spec, found)
    return found


def get(tx: Tx, spec: EntitySpec, ledger_id: int) -> Row | None:
    """One row with its parts; None if there is none of that id."""
    query = sql.SQL("select {} from {} where ledger_id = {}").format(
        _listed(_columns(spec)), _table(spec.name), ledger_id
    )
    with tx.cursor(row_factory=dict_row) as rows:
        found = rows.execute(query).fetchall()
    _add_parts(tx, spec, found)
    return found[0] if found else None


def lock(tx: Tx, spec: EntitySpec, ledger_id: int) -> int | None:
    """Hold a row until the transaction ends; returns its version."""
    query = sql.SQL("select version from {} where ledger_id = {} for update").format(_table(spec.name), ledger_id)
    row = tx.execute(query).fetchone()
    return None if row is None else row[0]


def make(tx: Tx, spec: EntitySpec, values: Mapping[str, Any], parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> int:
    """A new row with its parts; what is not given follows from the rest or is the table's default. Returns its id."""
    ledger_id = _insert(tx, _table(spec.name), values, "ledger_id")
    for name, given in parts.items():
        for one in given:
            _insert(tx, _part_table(spec, name), {parent_column(spec): ledger_id, **one}, PART_ID)
    return ledger_id


def change(
    tx: Tx,
    spec: EntitySpec,
    ledger_id: int,
    values: Mapping[str, Any],
    parts: Mapping[str, Sequence[Mapping[str, Any]]],
) -> None:
    """Change a row that is held. Parts that are given replace all of their kind: one with a `part_id` is changed, one
    without is new, one that is not among them is deleted. Raises KeyError for a `part_id` that the row has not.
    """
    if values:
        _update(tx, _table(spec.name), "ledger_id", ledger_id, values)
    for name, given in parts.items():
        table, parent = _part_table(spec, name), sql.Identifier(parent_column(spec))
        present = {
            part_id
            for (part_id,) in tx.execute(
                sql.SQL("select part_id from {} where {} = {}").format(table, parent, ledger_id)
            )
        }
        kept = {one[PART_ID] for one in given if one.get(PART_ID) is not None}
        if unknown := kept - present:
            raise KeyError(min(unknown))
        tx.execute(
            sql.SQL("delete from {} where {} = {} and not part_id = any({})").format(
                table, parent, ledger_id, sorted(kept)
            )
        )
        for one in given:
            written = {column: value for column, value in one.items() if column != PART_ID}
            if one.get(PART_ID) is None:
                _insert(tx, table, {parent_column(spec): ledger_id, **written}, PART_ID)
            elif written:
                _update(tx, table, PART_ID, one[PART_ID], written)


def _add_parts(tx: Tx, spec: EntitySpec, found: Sequence[Row]) -> None:
    by_id = {row["ledger_id"]: row for row in found}
    for part in spec.parts:
        for row in found:
            row[part.name] = []
        if not found:
            continue
        parent = parent_column(spec)
        query = sql.SQL("select {} from {} where {} = any({}) order by position, part_id").format(
            _listed([parent, *_part_columns(part)]), _part_table(spec, part.name), sql.Identifier(parent), list(by_id)
        )
        with tx.cursor(row_factory=dict_row) as rows:
            for one in rows.execute(query):
                by_id[one.pop(parent)][part.name].append(one)


def _columns(spec: EntitySpec) -> list[str]:
    return [*OWN_COLUMNS, *(field.column for field in spec.fields)]


def _part_columns(part: PartSpec) -> list[str]:
    return [PART_ID, *(field.column for field in part.fields)]


def _insert(tx: Tx, table: sql.Identifier, values: Mapping[str, Any], key: str) -> int:
    if not values:
        query = sql.SQL("insert into {} default values returning {}").format(table, sql.Identifier(key))
    else:
        query = sql.SQL("insert into {} ({}) values ({}) returning {}").format(
            table, _listed(values), sql.SQL(", ").join(sql.Placeholder() * len(values)), sql.Identifier(key)
        )
    row = tx.execute(query, list(values.values())).fetchone()
    assert row is not None
    return row[0]


def _update(tx: Tx, table: sql.Identifier, key: str, row_id: int, values: Mapping[str, Any]) -> None:
    changes = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in values)
    query = sql.SQL("update {} set {} where {} = %s").format(table, changes, sql.Identifier(key))
    tx.execute(query, [*values.values(), row_id])


def _listed(columns: Mapping[str, Any] | Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _table(entity: str) -> sql.Identifier:
    return sql.Identifier("ledger", entity)


def _part_table(spec: EntitySpec, part: str) -> sql.Identifier:
    return sql.Identifier("ledger", spec.part_table_names[part])
