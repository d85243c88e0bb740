"""Our book: typed rows built from canonical records, set-wise, with their parts and bindings.

One call takes one page of records of one entity and one connection. References are resolved through the bindings of
the same connection; a record that refers to something the ledger does not have is given back as held, never stored
half. Rows are made column by column (`columns.py`) and written by one statement for new and one for changed ones. All
SQL is built from the entity's spec, once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec
import psycopg
from psycopg import sql

from ledger.codes import CodeTable, in_our_words
from ledger.columns import Columns, TakenApart, take_apart
from ledger.mapping import WireMapping
from ledger.spec import EntitySpec, Record, entities, spec_of
from resources.stores import arrays, code_maps, sequences
from resources.stores.bases import bases_of, encode_base
from resources.stores.columns import ColumnStore, unnested
from resources.stores.database import trust_keys
from resources.stores.errors import Held
from resources.stores.ledger_parts import PartStore
from resources.stores.references import LedgerIds, References

FromWire = Callable[[Mapping[str, Any]], Record]


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """One record to take into the ledger, with the ERP's version token of it.

    `change_seq` is the mirror's change it was read from, and so its base. A record that the mirror does not hold has
    None: its base is stored as a document. Where a page comes as columns, `record` may be None: it is read from the
    `payload` if it is needed by itself.
    """

    external_id: str
    version_token: str | None
    record: Record | None
    change_seq: int | None = None
    payload: Mapping[str, Any] | None = None

    def read(self, from_wire: FromWire | None) -> Record:
        if self.record is not None:
            return self.record
        assert from_wire is not None
        assert self.payload is not None
        return from_wire(self.payload)


@dataclass(slots=True)
class Taken:
    """What became of a page. `held` records were not stored; nor were those whose row was edited (`ahead`), by id."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    held: list[Held] = field(default_factory=list)
    ahead: list[str] = field(default_factory=list)


class _Row(msgspec.Struct, gc=False):
    """One record on its way into its table. `is_new`: the table has no row of it; `is_bound`: it has a binding."""

    incoming: Incoming
    ledger_id: int | None
    is_new: bool
    is_bound: bool
    agreed_version: int | None = None
    """The row's version that says what the base says."""


class LedgerStore:
    """The SQL of one entity, ready to use. `unsaid` fields, of parts too, keep what they hold: see `ledger_store`."""

    def __init__(
        self, spec: EntitySpec, unsaid: Collection[str], unsaid_of_parts: Mapping[str, Collection[str]]
    ) -> None:
        self.spec = spec
        self._unsaid = unsaid
        self._columns = ColumnStore(spec.fields)
        self._parts = [PartStore(spec, part, unsaid_of_parts.get(part.name, ())) for part in spec.parts]
        # As bytes: a composed one would be put together anew each time.
        self._statements = {name: one.as_bytes() for name, one in self._build().items()}

    def take(
        self,
        tx: psycopg.Connection[Any],
        *,
        tenant: str,
        connection: str,
        page: Sequence[Incoming],
        run_id: int | None = None,
        from_wire: FromWire | None = None,
        references: References | None = None,
        apart: TakenApart | None = None,
    ) -> Taken:
        """Insert or update the page's records where they differ from what was last agreed. At most one of each id.

        `from_wire`: the mapping that the records were read with; it reads their bases in the mirror. `references`
        remembers ledger ids from page to page. `apart`: the page's records as columns, in its order.
        """
        taken = Taken()
        keys = {
            "tenant": tenant,
            "connection": connection,
            "entity": self.spec.name,
            "actor": f"sync:{connection}",
            "run_id": run_id,
        }
        trust_keys(tx)
        rows = self._changed(tx, keys, page, from_wire) if page else []
        rows = self._not_edited(tx, rows, taken.ahead)
        if not rows:
            return taken
        codes = code_maps.table(tx, connection)
        if apart is None or len(rows) < len(page):
            apart = take_apart(self.spec, [row.incoming.read(from_wire) for row in rows])
        fitted = self._fitted(rows, apart, codes)
        known = self._look_up(tx, connection, fitted, references or References())
        self._number(tx, rows)
        while True:
            ids = self._with_page(known, rows)
            lacking = self._lacking(fitted, ids)
            if not lacking:
                break
            taken.held += lacking
            held = {one.external_id for one in lacking}
            rows = [row for row in rows if row.incoming.external_id not in held]
            apart = take_apart(self.spec, [row.incoming.read(from_wire) for row in rows])
            fitted = self._fitted(rows, apart, codes)
        taken.inserted = sum(row.is_new for row in rows)
        taken.updated = len(rows) - taken.inserted
        if rows:
            self._write(tx, keys, fitted, ids)
        return taken

    def bury(
        self, tx: psycopg.Connection[Any], *, connection: str, external_ids: Sequence[str], run_id: int | None = None
    ) -> int:
        """Mark records as deleted over there; they stay readable. Returns how many were not so marked yet."""
        return tx.execute(
            self._statements["bury"],
            {
                "connection": connection,
                "entity": self.spec.name,
                "ids": list(external_ids),
                "actor": f"sync:{connection}",
                "run_id": run_id,
            },
        ).rowcount

    def relink(self, tx: psycopg.Connection[Any], *, connection: str) -> None:
        """Give parts that named a document before it arrived their link to it."""
        for part in self._parts:
            if part.relink is not None:
                tx.execute(part.relink, {"connection": connection})

    def _changed(
        self, tx: psycopg.Connection[Any], keys: Mapping[str, Any], page: Sequence[Incoming], from_wire: FromWire | None
    ) -> list[_Row]:
        """The rows to write: new records, and those that differ from their base. Of the others the base moves on."""
        bound = {
            external_id: (ledger_id, is_deleted, agreed_version)
            for external_id, ledger_id, is_deleted, agreed_version in tx.execute(
                self._statements["bound"], {**keys, "ids": arrays.texts([row.external_id for row in page])}
            )
        }
        if not bound:
            return [_Row(row, None, is_new=True, is_bound=False) for row in page]
        present = [external_id for external_id, (_, is_deleted, _) in bound.items() if is_deleted is not None]
        bases = bases_of(tx, keys["connection"], self.spec.name, present, from_wire)
        same: list[Incoming] = []
        rows: list[_Row] = []
        for row in page:
            ledger_id, is_deleted, agreed_version = bound.get(row.external_id, (None, None, None))
            # What was deleted over there and is back says what it said; a name deleted here is inactive there.
            record = row.read(from_wire)
            is_back = is_deleted and getattr(record, "is_active", True)
            if bases.get(row.external_id) == record and not is_back:
                same.append(row)
            else:
                is_bound = ledger_id is not None
                rows.append(_Row(row, ledger_id, is_deleted is None, is_bound, agreed_version))
        if same:
            moved = {
                "ids": [row.external_id for row in same],
                "tokens": [row.version_token for row in same],
                "seqs": [row.change_seq for row in same],
            }
            tx.execute(self._statements["rebase"], {**keys, **moved})
        return rows

    def _not_edited(self, tx: psycopg.Connection[Any], rows: list[_Row], ahead: list[str]) -> list[_Row]:
        """Those that nobody edited here; the others' external ids are added to `ahead`.

        Rows are locked before they are compared: an edit that comes now waits, and is one on top of what is taken.
        """
        present = [row.ledger_id for row in rows if not row.is_new]
        if not present:
            return rows
        versions = dict(tx.execute(self._statements["lock"], {"ids": present}).fetchall())
        free: list[_Row] = []
        for row in rows:
            if row.is_new or versions[row.ledger_id] == row.agreed_version:
                free.append(row)
            else:
                ahead.append(row.incoming.external_id)
        return free

    def _fitted(self, rows: Sequence[_Row], apart: TakenApart, codes: CodeTable) -> _Fitted:
        """The columns of these rows as they are written: codes in our words, parts with their keys."""
        apart = in_our_words(self.spec, apart, codes)
        parts = [(apart.parts[one.part.name].owners, one.with_keys(apart.parts[one.part.name])) for one in self._parts]
        return _Fitted(rows, apart.columns, parts)

    def _look_up(
        self, tx: psycopg.Connection[Any], connection: str, fitted: _Fitted, references: References
    ) -> LedgerIds:
        wanted = self._columns.references(fitted.columns)
        for part, (_, values) in zip(self._parts, fitted.parts, strict=True):
            for entity, external_ids in part.columns.references(values).items():
                wanted.setdefault(entity, set()).update(external_ids)
        return references.look_up(tx, connection, wanted)

    def _number(self, tx: psycopg.Connection[Any], rows: Sequence[_Row]) -> None:
        """Give new records their ledger ids."""
        nameless = [row for row in rows if row.ledger_id is None]
        numbers = sequences.next_values(tx, f"ledger.{self.spec.name}_ledger_id_seq", len(nameless))
        for row, number in zip(nameless, numbers, strict=True):
            row.ledger_id = number

    def _with_page(self, known: LedgerIds, rows: Sequence[_Row]) -> LedgerIds:
        """What is known and, where records refer to their own kind, what stands in the same page."""
        own = known.get(self.spec.name)
        if own is None:
            return known
        return {**known, self.spec.name: {**own, **{row.incoming.external_id: str(row.ledger_id) for row in rows}}}

    def _lacking(self, fitted: _Fitted, ids: LedgerIds) -> list[Held]:
        """One for each reference that neither ledger nor page can meet; nearly always none."""
        found = list(self._columns.lacking(fitted.columns, ids))
        for part, (owners, values) in zip(self._parts, fitted.parts, strict=True):
            found += [
                (owners[place], f"{part.part.name}.{name}", target, entity)
                for place, name, target, entity in part.columns.lacking(values, ids)
            ]
        return [
            Held(
                self.spec.name,
                fitted.rows[place].incoming.external_id,
                name,
                f"a reference to {entity}/{target}",
                "one the ledger has",
            )
            for place, name, target, entity in found
        ]

    def _write(self, tx: psycopg.Connection[Any], keys: Mapping[str, Any], fitted: _Fitted, ids: LedgerIds) -> None:
        run, rows = self._statements, fitted.rows
        ledger_ids = [str(row.ledger_id) for row in rows]
        bound = [row.ledger_id for row in rows if row.is_bound]
        bindings = {**keys, **_bindings(rows)}
        page = {**keys, **_numbers(rows), **self._columns.arrays(fitted.columns, ids)}
        tx.execute(run["insert"], page)
        if bound:
            tx.execute(run["update"], page)
        for part, (owners, values) in zip(self._parts, fitted.parts, strict=True):
            parts = part.arrays([*map(ledger_ids.__getitem__, owners)], values, ids)
            if bound:
                if part.rekey is not None:
                    tx.execute(part.rekey, {"bound_ids": bound, **parts})
                tx.execute(part.delete_missing, {"bound_ids": bound, **parts})
                tx.execute(part.upsert, {**keys, **parts})
            else:
                tx.execute(part.insert, {**keys, **parts})
        tx.execute(run["bind"], bindings)
        if bound:
            tx.execute(run["rebind"], bindings)

    def _build(self) -> dict[str, sql.Composable]:
        spec = self.spec
        numbers = [unnested("ledger_id", "bigint", "ledger_ids"), unnested("is_new", "boolean", "are_new")]
        page = sql.SQL("(select {}) as s").format(sql.SQL(", ").join([*numbers, self._columns.unnested()]))
        bindings = sql.SQL("(select {}) as s").format(sql.SQL(", ").join(unnested(*one) for one in _BINDING))
        table = sql.Identifier("ledger", spec.name)
        names = [sql.Identifier(f.column) for f in spec.fields]
        columns = sql.SQL(", ").join(names)
        has_inactive = any(f.name == "is_active" for f in spec.fields)
        return {
            "bound": sql.SQL(
                """
                select i.external_id, b.ledger_id, l.is_deleted, b.ledger_version
                  from unnest(%(ids)s::text[]) as i (external_id)
                 cross join lateral (
                   select ledger_id, ledger_version from sync.bindings
                    where connection = %(connection)s and entity = %(entity)s and external_id = i.external_id offset 0
                 ) as b
                  left join lateral (select is_deleted from {table} where ledger_id = b.ledger_id offset 0) as l on true
                """
            ).format(table=table),
            "lock": sql.SQL("select ledger_id, version from {table} where ledger_id = any(%(ids)s) for update").format(
                table=table
            ),
            "rebase": sql.SQL(
                """
                update sync.bindings b
                   set version_token = n.version_token, base_seq = coalesce(n.change_seq, b.base_seq),
                       base = case when n.change_seq is null then b.base end
                  from unnest(%(ids)s::text[], %(tokens)s::text[], %(seqs)s::bigint[])
                       as n (external_id, version_token, change_seq)
                 where b.connection = %(connection)s and b.entity = %(entity)s and b.external_id = n.external_id
                """
            ),
            "insert": sql.SQL(
                """
                insert into {table} (ledger_id, tenant_id, connection, changed_by, run_id, {columns})
                overriding system value
                select ledger_id, %(tenant)s, %(connection)s, %(actor)s, %(run_id)s, {columns} from {page} where is_new
                """
            ).format(table=table, columns=columns, page=page),
            "update": sql.SQL(
                """
                update {table} l set {changed}, is_deleted = {stays_deleted}, changed_by = %(actor)s,
                                     run_id = %(run_id)s
                  from {page} where not s.is_new and l.ledger_id = s.ledger_id
                """
            ).format(
                table=table,
                page=page,
                # As in `_changed`: a name deleted here stays so as long as it is inactive there, whatever it says.
                stays_deleted=sql.SQL("l.is_deleted and not s.is_active" if has_inactive else "false"),
                changed=sql.SQL(", ").join(
                    sql.SQL("{0} = s.{0}").format(sql.Identifier(f.column))
                    for f in spec.fields
                    if f.name not in self._unsaid
                ),
            ),
            "bind": sql.SQL(
                """
                insert into sync.bindings
                  (connection, entity, external_id, tenant_id, ledger_id, base, base_seq, version_token, ledger_version)
                select %(connection)s, %(entity)s, external_id, %(tenant)s, ledger_id, base, base_seq, version_token, 1
                  from {bindings} where not is_bound
                """
            ).format(bindings=bindings),
            "rebind": sql.SQL(
                """
                update sync.bindings b
                   set base = s.base, base_seq = s.base_seq, version_token = s.version_token, ledger_version = l.version
                  from {bindings} join {table} l on l.ledger_id = s.ledger_id
                 where s.is_bound and b.connection = %(connection)s and b.entity = %(entity)s
                   and b.external_id = s.external_id
                """
            ).format(bindings=bindings, table=table),
            "bury": sql.SQL(
                """
                with buried as (
                  update {table} l set is_deleted = true, changed_by = %(actor)s, run_id = %(run_id)s
                    from sync.bindings b
                   where b.connection = %(connection)s and b.entity = %(entity)s and b.external_id = any(%(ids)s)
                     and l.ledger_id = b.ledger_id and not l.is_deleted and l.version = b.ledger_version
                  returning l.ledger_id, l.version
                )
                update sync.bindings b set ledger_version = d.version from buried d
                 where b.connection = %(connection)s and b.entity = %(entity)s and b.external_id = any(%(ids)s)
                   and b.ledger_id = d.ledger_id
                """
            ).format(table=table),
        }


# What a binding is written from: column, type, parameter.
_BINDING = (
    ("ledger_id", "bigint", "ledger_ids"),
    ("is_bound", "boolean", "are_bound"),
    ("external_id", "text", "external_ids"),
    ("version_token", "text", "tokens"),
    ("base_seq", "bigint", "seqs"),
    ("base", "text", "bases"),
)


def _numbers(rows: Sequence[_Row]) -> dict[str, str]:
    return {
        "ledger_ids": arrays.plain([row.ledger_id for row in rows]),
        "are_new": arrays.flags([row.is_new for row in rows]),
    }


def _bindings(rows: Sequence[_Row]) -> dict[str, str]:
    incoming = [row.incoming for row in rows]
    bases = [None if row.change_seq is not None else encode_base(row.record).decode() for row in incoming]
    return {
        "ledger_ids": arrays.plain([row.ledger_id for row in rows]),
        "are_bound": arrays.flags([row.is_bound for row in rows]),
        "external_ids": arrays.texts([row.external_id for row in incoming]),
        "tokens": arrays.texts_or_null([row.version_token for row in incoming]),
        "seqs": arrays.plain_or_null([row.change_seq for row in incoming]),
        "bases": arrays.texts_or_null(bases),
    }


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Rows and their columns; of each kind of part its columns, and beside each part the place of its record."""

    rows: Sequence[_Row]
    columns: Columns
    parts: Sequence[tuple[Sequence[int], Columns]]


def ledger_store(entity: str, mapping: WireMapping | None = None) -> LedgerStore:
    """The store of one entity; a row that is there keeps the fields that `mapping` has no word for."""
    unsaid_of_parts = tuple(sorted(mapping.unsaid_of_parts.items())) if mapping else ()
    return _store(entity, mapping.unsaid if mapping else (), unsaid_of_parts)


@cache
def _store(
    entity: str, unsaid: tuple[str, ...], unsaid_of_parts: tuple[tuple[str, tuple[str, ...]], ...]
) -> LedgerStore:
    return LedgerStore(spec_of(entity), unsaid, dict(unsaid_of_parts))


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


def count_all(tx: psycopg.Connection[Any], entity: str) -> int:
    """How many live rows the tenant has, whichever company they belong to."""
    row = tx.execute(
        sql.SQL("select count(*) from ledger.{} where not is_deleted").format(sql.Identifier(entity))
    ).fetchone()
    assert row is not None
    return row[0]
