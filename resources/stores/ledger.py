"""Our book: typed rows built from canonical records, set-wise, with their parts, bindings and bases.

One call takes one page of records of one entity and one connection. References are resolved through the bindings of
the same connection; a record that refers to something the ledger does not have is given back as held, never stored
half. All SQL is built from the entity's spec, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from ledger.spec import EntitySpec, FieldSpec, PartSpec, Record, RefersTo, RefersToAny, entities, spec_of
from resources.stores.errors import Held
from resources.stores.tables import parent_column

# A base keeps amounts as text with their scale, so that it reads back as exactly the same record.
_encode_base = msgspec.json.encode

_SQL_TYPES = {"str": "text", "int": "bigint", "bool": "boolean", "Decimal": "numeric", "date": "date"}


@dataclass(frozen=True, slots=True)
class Incoming:
    """One record to take into the ledger, with the ERP's version token of it."""

    external_id: str
    version_token: str | None
    record: Record


@dataclass(slots=True)
class Taken:
    """What became of a page. `held` records were not stored; `seen` were, or were already the same."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    held: list[Held] = field(default_factory=list)


class LedgerStore:
    """The SQL of one entity, ready to use."""

    def __init__(self, spec: EntitySpec) -> None:
        self.spec = spec
        self._parts = [_PartStore(spec, part) for part in spec.parts]
        self._names = [f.name for f in spec.fields]
        self._stage = sql.Identifier("pg_temp", f"stage_{spec.name}")
        self._statements = self._build()

    def take(self, tx: psycopg.Connection[Any], *, tenant: str, connection: str, page: Sequence[Incoming]) -> Taken:
        """Insert or update the page's records where they differ from what was last agreed. At most one of each id."""
        taken = Taken()
        if not page:
            return taken
        keys = {
            "tenant": tenant,
            "connection": connection,
            "entity": self.spec.name,
            "actor": f"sync:{connection}",
        }
        self._fill(tx, page)
        # The planner has no statistics of what this very transaction fills: looking up by key is always right here.
        tx.execute("set local enable_seqscan = off")
        run = self._statements
        tx.execute(run["bind"], keys)
        while unresolved := tx.execute(run["unresolved"], keys).fetchall():
            ids = {row[0] for row in unresolved}
            taken.held += [
                Held(self.spec.name, external_id, name, f"a reference to {entity}/{target}", "one the ledger has")
                for external_id, name, target, entity in unresolved
                if external_id in ids
            ]
            tx.execute(run["drop"], {"ids": list(ids)})
            for part in self._parts:
                tx.execute(part.drop, {"ids": list(ids)})
        tx.execute(run["retoken"], keys)
        tx.execute(run["drop_unchanged"], keys)
        row = tx.execute(run["count"]).fetchone()
        assert row is not None
        taken.inserted, taken.updated = row
        if taken.inserted or taken.updated:
            tx.execute(run["write"], keys)
            for part in self._parts:
                if taken.updated:
                    tx.execute(part.delete_missing)
                tx.execute(part.write, keys)
        return taken

    def bury(self, tx: psycopg.Connection[Any], *, connection: str, external_ids: Sequence[str]) -> int:
        """Mark records as deleted over there; they stay readable. Returns how many were not so marked yet."""
        return tx.execute(
            self._statements["bury"],
            {
                "connection": connection,
                "entity": self.spec.name,
                "ids": list(external_ids),
                "actor": f"sync:{connection}",
            },
        ).rowcount

    def relink(self, tx: psycopg.Connection[Any], *, connection: str) -> None:
        """Give parts that named a document before it arrived their link to it."""
        for part in self._parts:
            if part.relink is not None:
                tx.execute(part.relink, {"connection": connection})

    def _fill(self, tx: psycopg.Connection[Any], page: Sequence[Incoming]) -> None:
        tx.execute(self._statements["stage"])
        values_of = attrgetter(*self._names)
        with tx.cursor() as cursor, cursor.copy(self._statements["copy"]) as copy:
            for row in page:
                copy.write_row(
                    (row.external_id, row.version_token, _encode_base(row.record).decode(), *values_of(row.record))
                )
        for part in self._parts:
            part.fill(tx, page)

    def _build(self) -> dict[str, sql.Composable]:
        spec, stage = self.spec, self._stage
        table = sql.Identifier("ledger", spec.name)
        columns = sql.SQL(", ").join(sql.Identifier(f.column) for f in spec.fields)
        values = _resolved(spec, spec.fields, "s")
        changed = sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(f.column)) for f in spec.fields
        )
        sequence = f"ledger.{spec.name}_ledger_id_seq"
        return {
            "stage": sql.SQL(
                "create temp table if not exists {} (external_id text, version_token text, base text, {}, "
                "ledger_id bigint, is_new boolean, is_same boolean, has_new_token boolean) "
                "with (toast_tuple_target = 8160) on commit delete rows"
            ).format(sql.Identifier(f"stage_{spec.name}"), _stage_columns(spec.fields)),
            "copy": sql.SQL("copy {} (external_id, version_token, base, {}) from stdin").format(
                stage, sql.SQL(", ").join(sql.Identifier(name) for name in self._names)
            ),
            "bind": sql.SQL(
                """
                update {stage} s
                   set ledger_id = coalesce(b.ledger_id, nextval({sequence})), is_new = b.ledger_id is null,
                       is_same = b.is_same, has_new_token = b.has_new_token
                  from {stage} t
                  left join lateral (
                    select b.ledger_id, b.base = t.base as is_same,
                           b.version_token is distinct from t.version_token as has_new_token
                      from sync.bindings b
                     where b.connection = %(connection)s and b.entity = %(entity)s and b.external_id = t.external_id
                     limit 1
                  ) b on true
                 where t.ctid = s.ctid
                """
            ).format(stage=stage, sequence=sql.Literal(sequence)),
            "unresolved": _unresolved(spec, [("", spec.fields, stage), *[p.for_unresolved() for p in self._parts]]),
            "drop": sql.SQL("delete from {} where external_id = any(%(ids)s)").format(stage),
            "retoken": sql.SQL(
                """
                insert into sync.bindings as b
                  (connection, entity, external_id, tenant_id, ledger_id, base, version_token, ledger_version)
                select %(connection)s, %(entity)s, s.external_id, %(tenant)s, s.ledger_id, s.base, s.version_token, 1
                  from {} s where s.is_same and s.has_new_token
                on conflict (connection, entity, external_id) do update set version_token = excluded.version_token
                """
            ).format(stage),
            "drop_unchanged": sql.SQL(
                """
                delete from {stage} s using {table} l
                 where s.is_same and l.ledger_id = s.ledger_id and not l.is_deleted
                """
            ).format(stage=stage, table=table),
            "count": sql.SQL(
                "select count(*) filter (where is_new), count(*) filter (where not is_new) from {}"
            ).format(stage),
            "write": sql.SQL(
                """
                with written as (
                  insert into {table} as l (ledger_id, tenant_id, changed_by, {columns})
                  overriding system value
                  select s.ledger_id, %(tenant)s, %(actor)s, {values} from {stage} s where true
                  on conflict (ledger_id) do update
                     set {changed}, is_deleted = false, changed_by = excluded.changed_by
                  returning l.ledger_id, l.version
                )
                insert into sync.bindings as b
                  (connection, entity, external_id, tenant_id, ledger_id, base, version_token, ledger_version)
                select %(connection)s, %(entity)s, s.external_id, %(tenant)s, s.ledger_id, s.base, s.version_token,
                       w.version
                  from written w join {stage} s on s.ledger_id = w.ledger_id
                on conflict (connection, entity, external_id) do update
                   set base = excluded.base, version_token = excluded.version_token,
                       ledger_version = excluded.ledger_version
                """
            ).format(table=table, columns=columns, values=values, stage=stage, changed=changed),
            "bury": sql.SQL(
                """
                with buried as (
                  update {table} l set is_deleted = true, changed_by = %(actor)s
                    from sync.bindings b
                   where b.connection = %(connection)s and b.entity = %(entity)s and b.external_id = any(%(ids)s)
                     and l.ledger_id = b.ledger_id and not l.is_deleted
                  returning l.ledger_id, l.version
                )
                update sync.bindings b set ledger_version = d.version from buried d
                 where b.connection = %(connection)s and b.entity = %(entity)s and b.external_id = any(%(ids)s)
                   and b.ledger_id = d.ledger_id
                """
            ).format(table=table),
        }


class _PartStore:
    """Lines or applications of one entity."""

    def __init__(self, spec: EntitySpec, part: PartSpec) -> None:
        self.part = part
        self._names = [f.name for f in part.fields]
        self._has_line_key = "line_key" in self._names
        name = spec.part_table_names[part.name]
        stage_name = f"stage_{name}"
        stage = sql.Identifier("pg_temp", stage_name)
        record_stage = sql.Identifier("pg_temp", f"stage_{spec.name}")
        table = sql.Identifier("ledger", name)
        parent = sql.Identifier(parent_column(spec))
        columns = [sql.Identifier(f.column) for f in part.fields]
        values = _resolved(spec, part.fields, "p")
        listed = sql.SQL(", ").join(columns)
        self._stage = stage
        self._create = sql.SQL(
            "create temp table if not exists {} (external_id text, part_key text, {}) on commit delete rows"
        ).format(sql.Identifier(stage_name), _stage_columns(part.fields))
        self._copy = sql.SQL("copy {} (external_id, part_key, {}) from stdin").format(
            stage, sql.SQL(", ").join(sql.Identifier(n) for n in self._names)
        )
        self.drop = sql.SQL("delete from {} where external_id = any(%(ids)s)").format(stage)
        self.delete_missing = sql.SQL(
            """
            delete from {table} l using {records} s
             where not s.is_new and l.{parent} = s.ledger_id
               and not exists (select from {stage} p where p.external_id = s.external_id and p.part_key = l.part_key)
            """
        ).format(table=table, records=record_stage, parent=parent, stage=stage)
        self.write = sql.SQL(
            """
            insert into {table} as l ({parent}, part_key, tenant_id, {listed})
            select s.ledger_id, p.part_key, %(tenant)s, {values}
              from {stage} p join {records} s on s.external_id = p.external_id
            on conflict ({parent}, part_key) do update set {changed}
             where ({current}) is distinct from ({excluded})
            """
        ).format(
            table=table,
            parent=parent,
            listed=listed,
            values=values,
            stage=stage,
            records=record_stage,
            changed=sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(c) for c in columns),
            current=sql.SQL(", ").join(sql.SQL("l.{}").format(c) for c in columns),
            excluded=sql.SQL(", ").join(sql.SQL("excluded.{}").format(c) for c in columns),
        )
        self.relink = self._build_relink(spec, table)

    def for_unresolved(self) -> tuple[str, Sequence[FieldSpec], sql.Composable]:
        return f"{self.part.name}.", self.part.fields, self._stage

    def fill(self, tx: psycopg.Connection[Any], page: Sequence[Incoming]) -> None:
        tx.execute(self._create)
        values_of, parts_of = attrgetter(*self._names), attrgetter(self.part.name)
        with tx.cursor() as cursor, cursor.copy(self._copy) as copy:
            for row in page:
                for key, part in self._keyed(parts_of(row.record)):
                    copy.write_row((row.external_id, key, *values_of(part)))

    def _keyed(self, parts: Sequence[Any]) -> list[tuple[str, Any]]:
        """Each part with its key: the ERP's id of the line, or its place where it has none or repeats another's."""
        if not self._has_line_key:
            return [(f"#{part.position}", part) for part in parts]
        keyed = {part.line_key: part for part in reversed(parts) if part.line_key}
        return [(part.line_key if keyed.get(part.line_key) is part else f"#{part.position}", part) for part in parts]

    def _build_relink(self, spec: EntitySpec, table: sql.Composable) -> sql.Composable | None:
        loose = [f for f in self.part.fields if isinstance(f.reference, RefersToAny)]
        if not loose:
            return None
        (field_spec,) = loose
        assert isinstance(field_spec.reference, RefersToAny)
        return sql.SQL(
            """
            update {table} l set {column} = b.ledger_id from sync.bindings b
             where l.{column} is null and l.{kind} = any({known})
               and b.connection = %(connection)s and b.entity = l.{kind} and b.external_id = l.document_key
               and exists (
                 select from sync.bindings o
                  where o.connection = %(connection)s and o.entity = {owner} and o.ledger_id = l.{parent}
               )
            """
        ).format(
            table=table,
            owner=sql.Literal(spec.name),
            parent=sql.Identifier(parent_column(spec)),
            column=sql.Identifier(field_spec.column),
            kind=sql.Identifier(field_spec.reference.entity_field),
            known=sql.Literal([e.name for e in entities()]),
        )


def _stage_columns(fields: Sequence[FieldSpec]) -> sql.Composed:
    """Staged columns carry the canonical values: references still as external ids."""
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(f.name), sql.SQL("text" if f.reference else _SQL_TYPES[f.kind.__name__]))
        for f in fields
    )


def _resolved(spec: EntitySpec, fields: Sequence[FieldSpec], alias: str) -> sql.Composed:
    """The values of staged rows as stored, external ids turned into ledger ids."""
    values: list[sql.Composable] = []
    for f in fields:
        staged = sql.Identifier(alias, f.name)
        if f.reference is None:
            values.append(staged)
            continue
        if isinstance(f.reference, RefersToAny):
            values.append(_bound(sql.Identifier(alias, f.reference.entity_field), staged))
            continue
        value = _bound(sql.Literal(f.reference.entity), staged)
        if f.reference.entity == spec.name:
            # A parent may stand in the same page and be bound by this very statement.
            value = sql.SQL(
                "case when {2} is not null "
                "then coalesce({0}, (select t.ledger_id from {1} t where t.external_id = {2})) end"
            ).format(value, sql.Identifier("pg_temp", f"stage_{spec.name}"), staged)
        values.append(value)
    return sql.SQL(", ").join(values)


def _bound(entity: sql.Composable, external_id: sql.Composable) -> sql.Composable:
    """The ledger id bound to an external id, or null.

    A query of its own on purpose: as a join, with statistics from before this transaction, the planner takes the
    bindings of a connection for a handful and walks all of them for each row.
    """
    return sql.SQL(
        "(select b.ledger_id from sync.bindings b where b.connection = %(connection)s and b.entity = {} "
        "and b.external_id = {})"
    ).format(entity, external_id)


def _unresolved(spec: EntitySpec, sources: Sequence[tuple[str, Sequence[FieldSpec], sql.Composable]]) -> sql.Composable:
    """Rows (external id, field, id it refers to, entity) for references that neither ledger nor page can meet."""
    queries: list[sql.Composable] = []
    for prefix, fields, stage in sources:
        for f in fields:
            if not isinstance(f.reference, RefersTo):
                continue
            in_page = (
                sql.SQL(" and not exists (select from {} t where t.external_id = s.{})").format(
                    sql.Identifier("pg_temp", f"stage_{spec.name}"), sql.Identifier(f.name)
                )
                if f.reference.entity == spec.name
                else sql.SQL("")
            )
            queries.append(
                sql.SQL(
                    "select s.external_id, {label}, s.{name}, {entity} from {stage} s where s.{name} is not null "
                    "and {bound} is null{in_page}"
                ).format(
                    label=sql.Literal(prefix + f.name),
                    name=sql.Identifier(f.name),
                    entity=sql.Literal(f.reference.entity),
                    bound=_bound(sql.Literal(f.reference.entity), sql.Identifier("s", f.name)),
                    stage=stage,
                    in_page=in_page,
                )
            )
    if not queries:
        return sql.SQL("select ''::text, ''::text, ''::text, ''::text where false")
    return sql.SQL(" union all ").join(queries)


@cache
def ledger_store(entity: str) -> LedgerStore:
    """The store of one entity."""
    return LedgerStore(spec_of(entity))


def relink_parts(tx: psycopg.Connection[Any], *, connection: str) -> None:
    """Link the parts of any entity that named a document before it arrived; cheap while there are none."""
    for spec in entities():
        ledger_store(spec.name).relink(tx, connection=connection)


def count(tx: psycopg.Connection[Any], connection: str, entity: str) -> int:
    """How many live rows the connection has in the ledger."""
    row = tx.execute(
        sql.SQL(
            "select count(*) from ledger.{} l join sync.bindings b on b.entity = %s and b.ledger_id = l.ledger_id "
            "where b.connection = %s and not l.is_deleted"
        ).format(sql.Identifier(entity)),
        (entity, connection),
    ).fetchone()
    assert row is not None
    return row[0]
