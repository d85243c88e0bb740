"""Ledger rows as canonical records of one connection, and canonical records back into ledger rows, in place.

Belongs here: the careful way, for rows that somebody edited, each line keeping its identity. How values become rows is
`records_written.py`; whole pages that nobody edited are taken set-wise by `ledger.py`.

A reference reads as the external id the row it names has in this connection, or as `#` and its ledger id if it has
none; no external id begins so. A code reads as the ERP's id that our word is mapped to, or as it is without a map. Both
are understood when writing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql

from ledger.codes import CodeTable, MissingCode, translated
from ledger.spec import (
    EntitySpec,
    FieldSpec,
    Part,
    PartSpec,
    Record,
    RefersTo,
    RefersToAny,
    entities,
    parent_column,
    spec_of,
)
from resources.stores import bindings, code_maps
from resources.stores.records_written import Head, PartRow, update_heads, write_parts

UNBOUND = "#"


@dataclass(frozen=True, slots=True)
class Kept:
    """One ledger row in canonical form. `part_ids` are the ids of its parts' rows, in the order of the parts.

    `unmapped` are the codes in it that no map of the connection names.
    """

    ledger_id: int
    record: Record
    version: int
    changed_by: str
    changed_at: datetime
    connection: str | None
    is_deleted: bool
    part_ids: Mapping[str, Sequence[int]] = field(default_factory=dict)
    unmapped: Sequence[MissingCode] = ()

    def continued(self, origins: Mapping[str, Sequence[int | None]]) -> dict[str, list[int | None]]:
        """For each part of a merged record (see `Merged.origins`) the id of the row that it continues."""
        return {
            name: [None if place is None else self.part_ids[name][place] for place in places]
            for name, places in origins.items()
        }

    def unbound(self) -> list[tuple[str, str, int]]:
        """(field, entity, ledger id) of what it refers to that is not in the ERP yet."""
        return list(unbound_references(self.record))


def unbound_references(record: Record) -> Iterable[tuple[str, str, int]]:
    """(field, entity, ledger id) of every reference in it that has no external id."""
    spec = _spec_of_record(type(record))
    for label, entity, value in _references(spec, record):
        if value.startswith(UNBOUND):
            yield label, entity, int(value[1:])


class UnresolvedReferenceError(ValueError):
    """A record names something the ledger does not have; `field`, `entity` and `external_id` say what."""

    def __init__(self, label: str, entity: str, external_id: str) -> None:
        self.field, self.entity, self.external_id = label, entity, external_id
        super().__init__(f"{label}: found a reference to {entity}/{external_id}, expected one the ledger has")


def read(
    tx: psycopg.Connection[Any],
    connection: str,
    entity: str,
    ledger_ids: Sequence[int],
    *,
    codes: CodeTable | None = None,
) -> dict[int, Kept]:
    """These rows as records of this connection, by ledger id; what does not exist is left out. `codes` are those of
    the connection, if the caller has them.
    """
    spec = spec_of(entity)
    keys = {"connection": connection, "ids": list(ledger_ids)}
    codes = code_maps.table(tx, connection) if codes is None else codes
    parts: dict[str, dict[int, list[tuple[int, Part]]]] = {}
    for part in spec.parts:
        by_parent = parts.setdefault(part.name, {})
        for parent, part_id, *values in tx.execute(_select_parts(entity, part.name), keys):
            made = part.record(**_values(part.fields, values))
            by_parent.setdefault(parent, []).append((part_id, made))
    kept: dict[int, Kept] = {}
    for row in tx.execute(_select(entity), keys):
        ledger_id, version, changed_by, changed_at, home, is_deleted, *values = row
        held = {name: by_parent.get(ledger_id, []) for name, by_parent in parts.items()}
        record = spec.record(
            **_values(spec.fields, values), **{name: tuple(p for _, p in rows) for name, rows in held.items()}
        )
        record, unmapped = translated(spec, record, codes, "to_erp")
        part_ids = {name: tuple(part_id for part_id, _ in rows) for name, rows in held.items()}
        kept[ledger_id] = Kept(ledger_id, record, version, changed_by, changed_at, home, is_deleted, part_ids, unmapped)
    return kept


def versions(tx: psycopg.Connection[Any], entity: str, ledger_ids: Sequence[int]) -> dict[int, int]:
    """Ledger id -> version. One that `read` gives too, asked before it, was not written while its parts were read."""
    return dict(
        tx.execute(
            sql.SQL("select ledger_id, version from {} where ledger_id = any(%s)").format(
                sql.Identifier("ledger", entity)
            ),
            (list(ledger_ids),),
        ).fetchall()
    )


def lock(tx: psycopg.Connection[Any], entity: str, ledger_ids: Sequence[int]) -> dict[int, int]:
    """Keep others from changing these rows until the transaction ends; returns ledger id -> version."""
    return dict(
        tx.execute(
            sql.SQL("select ledger_id, version from {} where ledger_id = any(%s) order by ledger_id for update").format(
                sql.Identifier("ledger", entity)
            ),
            (list(ledger_ids),),
        ).fetchall()
    )


def still_at(tx: psycopg.Connection[Any], entity: str, versions: Mapping[int, int]) -> set[int]:
    """Those of these rows, ledger id -> version, that say this and go on saying it until the transaction ends. A row
    that somebody is writing is none of them, committed or not.
    """
    return {
        ledger_id
        for (ledger_id,) in tx.execute(
            sql.SQL(
                "select l.ledger_id from {} l join unnest(%s::bigint[], %s::bigint[]) as p (ledger_id, version) "
                "on p.ledger_id = l.ledger_id and p.version = l.version for share of l skip locked"
            ).format(sql.Identifier("ledger", entity)),
            (list(versions), list(versions.values())),
        )
    }


def write(
    tx: psycopg.Connection[Any],
    *,
    connection: str,
    entity: str,
    ledger_id: int,
    record: Record,
    part_ids: Mapping[str, Sequence[int | None]],
    changed_by: str,
    run_id: int | None = None,
    is_deleted: bool = False,
    codes: CodeTable | None = None,
    known: Mapping[tuple[str, str], int] | None = None,
) -> int:
    """Make an existing row and its parts say what `record` says; returns its version afterwards.

    `part_ids` names, part for part, the row each part stands in, None for a new one; rows that are not named go.
    `codes`, and the bindings that are `known`, (entity, external id) -> ledger id, need not be read again.
    Raises UnresolvedReferenceError.
    """
    (version,) = write_all(
        tx,
        connection=connection,
        entity=entity,
        rows=[Rewritten(ledger_id, record, part_ids)],
        changed_by=changed_by,
        run_id=run_id,
        is_deleted=is_deleted,
        codes=codes,
        known=known,
    ).values()
    return version


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What an existing row shall say; for `part_ids` see `write`."""

    ledger_id: int
    record: Record
    part_ids: Mapping[str, Sequence[int | None]]


def write_all(
    tx: psycopg.Connection[Any],
    *,
    connection: str,
    entity: str,
    rows: Sequence[Rewritten],
    changed_by: str,
    run_id: int | None = None,
    is_deleted: bool = False,
    codes: CodeTable | None = None,
    known: Mapping[tuple[str, str], int] | None = None,
) -> dict[int, int]:
    """`write` for many rows of an entity, by as many statements as for one; returns ledger id -> version afterwards."""
    if not rows:
        return {}
    spec = spec_of(entity)
    codes = code_maps.table(tx, connection) if codes is None else codes
    said = [translated(spec, row.record, codes, "to_ours")[0] for row in rows]
    known = _resolve(tx, connection, spec, said, known or {})
    versions = update_heads(
        tx,
        connection=connection,
        entity=entity,
        heads=[
            Head(row.ledger_id, _stored(spec.fields, record, known)) for row, record in zip(rows, said, strict=True)
        ],
        changed_by=changed_by,
        run_id=run_id,
        is_deleted=is_deleted,
    )
    if missing := next((row.ledger_id for row in rows if row.ledger_id not in versions), None):
        raise LookupError(f"ledger.{entity} has no row {missing}")
    for part in spec.parts:
        parts = [
            one
            for row, record in zip(rows, said, strict=True)
            for one in _part_rows(spec, part, row.ledger_id, getattr(record, part.name), row.part_ids[part.name], known)
        ]
        write_parts(tx, spec, part, [row.ledger_id for row in rows], parts)
    return versions


def insert(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    entity: str,
    record: Record,
    changed_by: str,
    run_id: int | None = None,
) -> int:
    """A new row with its parts; returns its ledger id. Raises UnresolvedReferenceError."""
    spec = spec_of(entity)
    record, _ = translated(spec, record, code_maps.table(tx, connection), "to_ours")
    known = _resolve(tx, connection, spec, [record])
    row = tx.execute(
        _insert(entity),
        {
            **_stored(spec.fields, record, known),
            "tenant_id": tenant,
            "connection": connection,
            "changed_by": changed_by,
            "run_id": run_id,
        },
    ).fetchone()
    assert row is not None
    for part in spec.parts:
        parts = getattr(record, part.name)
        new = _part_rows(spec, part, row[0], parts, [None] * len(parts), known)
        write_parts(tx, spec, part, [row[0]], new)
    return row[0]


def bury(
    tx: psycopg.Connection[Any], *, entity: str, ledger_id: int, changed_by: str, run_id: int | None = None
) -> int:
    """Mark a row as deleted; it stays readable. Returns its version afterwards."""
    row = tx.execute(
        sql.SQL(
            "update {} set is_deleted = true, changed_by = %s, run_id = %s where ledger_id = %s returning version"
        ).format(sql.Identifier("ledger", entity)),
        (changed_by, run_id, ledger_id),
    ).fetchone()
    if row is None:
        raise LookupError(f"ledger.{entity} has no row {ledger_id}")
    return row[0]


def _values(fields: Sequence[FieldSpec], values: Sequence[Any]) -> dict[str, Any]:
    return {f.name: value for f, value in zip(fields, values, strict=True)}


@cache
def _spec_of_record(record: type[Record]) -> EntitySpec:
    return next(spec for spec in entities() if spec.record is record)


def _references(spec: EntitySpec, record: Record) -> Iterable[tuple[str, str, str]]:
    """(field, entity, external id) of everything a record and its parts refer to and the ledger has a table for."""
    yield from _named(spec.fields, record, "")
    for part in spec.parts:
        for number, one in enumerate(getattr(record, part.name), 1):
            yield from _named(part.fields, one, f"{part.name}[{number}].")


def _named(fields: Sequence[FieldSpec], values: Any, prefix: str) -> Iterable[tuple[str, str, str]]:
    for f in fields:
        value = getattr(values, f.name) if f.reference is not None else None
        if value is None:
            continue
        entity = (
            f.reference.entity if isinstance(f.reference, RefersTo) else getattr(values, f.reference.entity_field)  # type: ignore[union-attr]
        )
        yield prefix + f.name, entity, value


def named_by(spec: EntitySpec, named_in: Iterable[Record]) -> dict[str, set[str]]:
    """entity -> the external ids that these records and their parts refer to."""
    wanted: dict[str, set[str]] = {}
    for record in named_in:
        for _, entity, value in _references(spec, record):
            if not value.startswith(UNBOUND):
                wanted.setdefault(entity, set()).add(value)
    return wanted


def _resolve(
    tx: psycopg.Connection[Any],
    connection: str,
    spec: EntitySpec,
    said: Sequence[Record],
    already: Mapping[tuple[str, str], int] = MappingProxyType({}),
) -> dict[tuple[str, str], int]:
    """(entity, external id) -> ledger id for all that records name. A document the ledger lacks stays unnamed."""
    wanted: dict[str, set[str]] = {}
    for entity, ids in named_by(spec, said).items():
        if unknown := {external_id for external_id in ids if (entity, external_id) not in already}:
            wanted[entity] = unknown
    known = {**already, **bindings.ledger_ids_of(tx, connection, wanted)}
    for record in said:
        if missing := unresolved(spec, record, known):
            raise missing
        for _, entity, value in _references(spec, record):
            if value.startswith(UNBOUND):
                known[entity, value] = int(value[1:])
    return known


def unresolved(
    spec: EntitySpec, record: Record, known: Mapping[tuple[str, str], int]
) -> UnresolvedReferenceError | None:
    """What keeps a record from being written, where these (entity, external id) are all that is bound."""
    loose = {f.name for f in spec.all_fields() if isinstance(f.reference, RefersToAny)}
    return next(
        (
            UnresolvedReferenceError(label, entity, value)
            for label, entity, value in _references(spec, record)
            if not value.startswith(UNBOUND) and (entity, value) not in known and label.rpartition(".")[2] not in loose
        ),
        None,
    )


def _stored(fields: Sequence[FieldSpec], values: Any, known: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    stored: dict[str, Any] = {}
    for f in fields:
        value = getattr(values, f.name)
        if isinstance(f.reference, RefersTo) and value is not None:
            value = known[f.reference.entity, value]
        elif isinstance(f.reference, RefersToAny) and value is not None:
            value = known.get((getattr(values, f.reference.entity_field), value))
        stored[f.column] = value
    return stored


def _part_rows(
    spec: EntitySpec,
    part: PartSpec,
    ledger_id: int,
    parts: Sequence[Any],
    part_ids: Sequence[int | None],
    known: Mapping[tuple[str, str], int],
) -> list[PartRow]:
    if len(parts) != len(part_ids):
        raise ValueError(f"{spec.name}.{part.name}: {len(parts)} parts and ids of {len(part_ids)}")
    return [
        PartRow(ledger_id, part_id, _key(one), _stored(part.fields, one, known))
        for one, part_id in zip(parts, part_ids, strict=True)
    ]


def _key(part: Any) -> str | None:
    """The ERP's id of the line, None to keep the key it has or make one; parts that never have an id go by place."""
    if hasattr(part, "line_key"):
        return part.line_key or None
    return f"{UNBOUND}{part.position}"


@cache
def _insert(entity: str) -> sql.Composed:
    fields = spec_of(entity).fields
    return sql.SQL(
        "insert into {} (tenant_id, connection, changed_by, run_id, {}) "
        "values (%(tenant_id)s, %(connection)s, %(changed_by)s, %(run_id)s, {}) returning ledger_id"
    ).format(
        sql.Identifier("ledger", entity),
        sql.SQL(", ").join(sql.Identifier(f.column) for f in fields),
        sql.SQL(", ").join(sql.Placeholder(f.column) for f in fields),
    )


@cache
def _select(entity: str) -> sql.Composed:
    spec = spec_of(entity)
    return sql.SQL(
        "select l.ledger_id, l.version, l.changed_by, l.changed_at, l.connection, l.is_deleted, {} "
        "from {} l where l.ledger_id = any(%(ids)s)"
    ).format(_canonical(spec.fields), sql.Identifier("ledger", entity))


@cache
def _select_parts(entity: str, part_name: str) -> sql.Composed:
    spec = spec_of(entity)
    part = next(p for p in spec.parts if p.name == part_name)
    parent = sql.Identifier("l", parent_column(spec))
    return sql.SQL(
        "select {parent}, l.part_id, {values} from {table} l where {parent} = any(%(ids)s) "
        "order by {parent}, l.position, l.part_id"
    ).format(
        parent=parent,
        values=_canonical(part.fields),
        table=sql.Identifier("ledger", spec.part_table_names[part_name]),
    )


def _canonical(fields: Sequence[FieldSpec]) -> sql.Composed:
    """Columns as canonical values, ledger ids turned into external ids."""
    loose = next((f for f in fields if isinstance(f.reference, RefersToAny)), None)
    values: list[sql.Composable] = []
    for f in fields:
        column = sql.Identifier("l", f.column)
        if isinstance(f.reference, RefersTo):
            values.append(_external(sql.Literal(f.reference.entity), column))
        elif isinstance(f.reference, RefersToAny):
            values.append(_external(sql.Identifier("l", f.reference.entity_field), column))
        elif loose is not None and f.name == f"{loose.name}_key":
            # Written by hand, a part may name the row it settles and not what the ERP calls it.
            named = _external(sql.Identifier("l", loose.reference.entity_field), sql.Identifier("l", loose.column))  # type: ignore[union-attr]
            values.append(sql.SQL("coalesce({}, {})").format(named, column))
        else:
            values.append(column)
    return sql.SQL(", ").join(values)


def _external(entity: sql.Composable, ledger_id: sql.Composable) -> sql.Composable:
    return sql.SQL(
        "coalesce((select b.external_id from sync.bindings b where b.connection = %(connection)s "
        "and b.entity = {} and b.ledger_id = {} limit 1), {} || {}::text)"
    ).format(entity, ledger_id, sql.Literal(UNBOUND), ledger_id)
