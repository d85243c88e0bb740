"""The ERP's documents as the mirror holds them, in the form in which they are compared with the ledger's.

Belongs here: keeping that form up with the mirror, and the one statement by which both books' documents of an entity
are compared as whole sets. Why two documents differ is `ledger/causes.py`; what is due when is `ageing.py`.

A record is read through its mapping once for each change of the mirror, so a comparison costs no mapping: both sides
are tables with the same columns. Lines and applications are compared by a hash that both sides reckon alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from ledger.causes import DocumentState
from ledger.fields import MappingError
from ledger.mapping import WireMapping
from ledger.reconcile import Module
from ledger.spec import Record, RefersTo, parent_column, spec_of
from resources.stores import mirror
from resources.stores.mirror import Change

BATCH_ROWS_MAX = 2000
_COLUMNS = (
    *("party_external_id", "document_number", "document_date", "due_date", "currency", "exchange_rate"),
    *("total_amount", "tax_amount", "open_amount", "is_void", "parts_hash"),
)
# Of an unbound row's party, which has no id there: `#` and its ledger id, as `records.py` writes it.
_UNBOUND = "#"
# A row that names no connection is the tenant's only one's, as `edits.py` has it.
_ONLY_ONE = """(select min(c.connection) from sync.connections c
  where c.tenant_id = sync.current_tenant() and c.state <> 'removed' having count(*) = 1)"""


@dataclass(frozen=True, slots=True)
class Source:
    """From where both books are read: the tables as they are, or as they stood at an instant.

    `at` names the parameter with that instant; the ERP's documents of then are in `pg_temp.documents_<at>`, where
    `instants.py` puts them.
    """

    at: str | None = None

    def given(self, at: datetime | None) -> dict[str, datetime | None]:
        """The parameter of a query over it."""
        return {} if self.at is None else {self.at: at}

    def ledger(self, table: str) -> sql.Composed:
        return self._table("ledger", table)

    @property
    def bindings(self) -> sql.Composed:
        return self._table("sync", "bindings")

    @property
    def documents(self) -> sql.Composed:
        if self.at is None:
            return sql.SQL("{}").format(sql.Identifier("reconciliation", "documents"))
        return sql.SQL("{}").format(sql.Identifier("pg_temp", f"documents_{self.at}"))

    def _table(self, schema: str, table: str) -> sql.Composed:
        if self.at is None:
            return sql.SQL("{}").format(sql.Identifier(schema, table))
        return sql.SQL("{}({})").format(sql.Identifier(schema, f"{table}_at"), sql.Placeholder(self.at))


NOW = Source()


@dataclass(frozen=True, slots=True)
class Shape:
    """Where one entity keeps what documents have in common; None where it has no such field."""

    entity: str
    party: str
    number: str
    day: str
    due: str | None
    open: str
    tax: str | None
    part: str | None
    sign: int


@dataclass(frozen=True, slots=True)
class Pair:
    """One document that the two books do not show alike; None on the side that does not have it."""

    entity: str
    external_id: str | None
    ledger_id: int | None
    ours: DocumentState | None
    theirs: DocumentState | None


@cache
def shape_of(entity: str, party: str, open_field: str, sign: int) -> Shape:
    """The shape of a document entity, from its spec; `party` is the entity it is about, such as customers."""
    spec = spec_of(entity)
    names = {f.name for f in spec.fields}
    return Shape(
        entity=entity,
        party=party.removesuffix("s"),
        number="document_number" if "document_number" in names else "reference_number",
        day="issue_date" if "issue_date" in names else "payment_date",
        due="due_date" if "due_date" in names else None,
        open=open_field,
        tax="tax_amount" if "tax_amount" in names else None,
        part=spec.parts[0].name if spec.parts else None,
        sign=sign,
    )


def shapes_of(module: Module) -> list[Shape]:
    return [shape_of(entity, module.party, name, sign) for entity, (name, sign) in module.open_amounts.items()]


def state_of(shape: Shape, record: Record) -> DocumentState:
    """A canonical record as it is compared."""
    value: Callable[[str | None, Any], Any] = lambda name, absent: getattr(record, name) if name else absent  # noqa: E731
    return DocumentState(
        party=str(getattr(record, shape.party)),
        number=value(shape.number, ""),
        day=value(shape.day, None),
        due=value(shape.due, None),
        currency=value("currency", ""),
        rate=value("exchange_rate", Decimal(1)),
        total=value("total_amount", Decimal(0)),
        tax=value(shape.tax, Decimal(0)),
        open=value(shape.open, Decimal(0)),
        is_void=value("is_void", False),
        parts_hash=parts_hash(shape, record),
    )


def parts_hash(shape: Shape, record: Record) -> str:
    """MD5 of the lines (position, item, quantity, price, amount) or applications (position, document, amount)."""
    if shape.part is None:
        return ""
    names = _hashed(shape)
    parts = getattr(record, shape.part)
    if not parts:
        return ""
    texts = ("|".join(_text(getattr(part, name)) for name in names) for part in parts)
    return hashlib.md5("\n".join(texts).encode(), usedforsecurity=False).hexdigest()


def _hashed(shape: Shape) -> tuple[str, ...]:
    if shape.part == "applications":
        return ("position", "document_entity", "document_key", "amount")
    return ("position", "item", "quantity", "unit_price", "amount")


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")
    return "" if value is None else str(value)


# -- keeping up with the mirror ----------------------------------------------------------------------------------------


def keep_up(tx: psycopg.Connection[Any], *, tenant: str, connection: str, shape: Shape, mapping: WireMapping) -> bool:
    """Read the next batch of what changed in the mirror since; False when there was nothing more."""
    (at,) = tx.execute(  # type: ignore[misc]
        "select coalesce(max(change_seq), 0) from reconciliation.documents where connection = %s and entity = %s",
        (connection, shape.entity),
    ).fetchone()
    batch = mirror.changes(tx, connection, shape.entity, after_seq=at, limit=BATCH_ROWS_MAX)
    if not batch:
        return False
    tx.execute("drop table if exists pg_temp.read_documents")
    tx.execute("create temp table read_documents (like reconciliation.documents) on commit drop")
    read_into(tx, "read_documents", tenant=tenant, connection=connection, shape=shape, mapping=mapping, batch=batch)
    tx.execute(
        "insert into reconciliation.documents select * from pg_temp.read_documents "
        "on conflict (connection, entity, external_id) do update set "
        + ", ".join(f"{name} = excluded.{name}" for name in _WRITTEN[4:])
    )
    return True


_WRITTEN = (
    *("connection", "entity", "external_id", "tenant_id", "change_seq", "is_deleted", "is_readable"),
    *_COLUMNS,
    "applications",
)
_COPY_TYPES = [
    *("text", "text", "text", "text", "int8", "bool", "bool"),
    *("text", "text", "date", "date", "text", "numeric", "numeric", "numeric", "numeric", "bool", "text"),
    "jsonb",
]
_COPY = sql.SQL("copy pg_temp.{} ({}) from stdin")


def read_into(
    tx: psycopg.Connection[Any],
    table: str,
    *,
    tenant: str,
    connection: str,
    shape: Shape,
    mapping: WireMapping,
    batch: Sequence[Change],
) -> None:
    """Read mirrored records through their mapping into a temporary table of the form."""
    columns = sql.SQL(", ").join(map(sql.Identifier, _WRITTEN))
    with tx.cursor() as cursor, cursor.copy(_COPY.format(sql.Identifier(table), columns)) as copy:
        copy.set_types(_COPY_TYPES)
        for change in batch:
            copy.write_row((connection, shape.entity, change.external_id, tenant, *_row(shape, mapping, change)))


def _row(shape: Shape, mapping: WireMapping, change: Change) -> tuple[Any, ...]:
    """A tombstone keeps nothing but that it is one."""
    if change.is_deleted:
        return change.change_seq, True, True, *(None for _ in _COLUMNS), None
    try:
        record = mapping.from_wire(change.payload)
    except MappingError:
        return change.change_seq, False, False, *(None for _ in _COLUMNS), None
    s = state_of(shape, record)
    values = (s.party, s.number, s.day, s.due, s.currency, s.rate, s.total, s.tax, s.open, s.is_void, s.parts_hash)
    return change.change_seq, False, True, *values, Jsonb(_applications(shape, record))


def _applications(shape: Shape, record: Record) -> list[dict[str, str]]:
    if shape.part != "applications":
        return []
    return [
        {"entity": one.document_entity, "key": one.document_key, "amount": _text(one.amount)}
        for one in record.applications  # type: ignore[attr-defined]
    ]


# -- comparing ---------------------------------------------------------------------------------------------------------


def ours_query(shape: Shape, *, source: Source = NOW) -> sql.Composed:
    """The connection's live ledger rows of an entity, bound or not, in the columns of `reconciliation.documents`;
    their parts are left to `_parts_join`.
    """
    return sql.SQL(
        """
        select b.external_id, l.ledger_id, {columns}
          from {entity} l
          left join {bindings} b on b.connection = %(connection)s and b.entity = {name} and b.ledger_id = l.ledger_id
          {party}
         where not l.is_deleted and (b.ledger_id is not null or coalesce(l.connection, {only_one}) = %(connection)s)
        """
    ).format(
        columns=_our_columns(shape),
        entity=source.ledger(shape.entity),
        bindings=source.bindings,
        name=sql.Literal(shape.entity),
        party=_party_join(shape, source),
        only_one=sql.SQL(_ONLY_ONE),
    )


def _our_row(shape: Shape, source: Source) -> sql.Composed:
    """One live row of the ledger, that of `k.ledger_id`, with the hash of its own parts only.

    `offset 0` keeps it a look-up by key: with the statistics of an empty table the planner would reckon every row of
    the book first, and join the few that are asked for to that.
    """
    return sql.SQL(
        "select l.ledger_id, {columns}, {parts_hash} as parts_hash from {entity} l {party} {parts} "
        "where l.ledger_id = k.ledger_id and not l.is_deleted offset 0"
    ).format(
        columns=_our_columns(shape),
        entity=source.ledger(shape.entity),
        party=_party_join(shape, source),
        parts_hash=sql.SQL("coalesce(h.hash, '')" if shape.part else "''"),
        parts=_parts_join(shape, source, of_one=True) if shape.part else sql.SQL(""),
    )


def _our_columns(shape: Shape) -> sql.Composed:
    return sql.SQL(
        "coalesce(p.external_id, '{unbound}' || l.{party_id}) as party_external_id, l.{number} as document_number, "
        "l.{day} as document_date, {due} as due_date, l.currency, l.exchange_rate, l.total_amount, "
        "{tax} as tax_amount, l.{open} as open_amount, l.is_void"
    ).format(
        unbound=sql.SQL(_UNBOUND),
        party_id=sql.Identifier(f"{shape.party}_id"),
        number=sql.Identifier(shape.number),
        day=sql.Identifier(shape.day),
        due=sql.Identifier("l", shape.due) if shape.due else sql.SQL("null::date"),
        tax=sql.Identifier("l", shape.tax) if shape.tax else sql.SQL("0::numeric"),
        open=sql.Identifier(shape.open),
    )


def _party_join(shape: Shape, source: Source) -> sql.Composed:
    return sql.SQL(
        "left join {bindings} p "
        "on p.connection = %(connection)s and p.entity = {party_entity} and p.ledger_id = l.{party_id}"
    ).format(
        bindings=source.bindings,
        party_entity=sql.Literal(f"{shape.party}s"),
        party_id=sql.Identifier(f"{shape.party}_id"),
    )


def _parts_join(shape: Shape, source: Source, *, of_one: bool = False) -> sql.Composed:
    spec = spec_of(shape.entity)
    part = next(p for p in spec.parts if p.name == shape.part)
    values: list[sql.Composable] = []
    joins: list[sql.Composable] = []
    for name in _hashed(shape):
        f = next(f for f in part.fields if f.name == name)
        column = sql.Identifier("q", f.column)
        if isinstance(f.reference, RefersTo):
            joins.append(
                sql.SQL(
                    "left join {} r on r.connection = %(connection)s and r.entity = {} and r.ledger_id = {}"
                ).format(source.bindings, sql.Literal(f.reference.entity), column)
            )
            values.append(sql.SQL("coalesce(r.external_id, {} || {})").format(sql.Literal(_UNBOUND), column))
        elif name == "document_key":
            # Written by hand, an application may name the row it settles and not what the ERP calls it.
            joins.append(
                sql.SQL(
                    "left join {} r on r.connection = %(connection)s and r.entity = q.document_entity "
                    "and r.ledger_id = q.document_id"
                ).format(source.bindings)
            )
            values.append(sql.SQL("coalesce(r.external_id, {})").format(column))
        elif f.kind is Decimal:
            values.append(sql.SQL("trim_scale({})::text").format(column))
        else:
            values.append(sql.SQL("{}::text").format(column))
    text = sql.SQL(" || '|' || ").join(sql.SQL("coalesce({}, '')").format(value) for value in values)
    return sql.SQL(
        """
        left join {lateral} (
          select q.{parent}, md5(string_agg({text}, E'\\n' order by q.position, q.part_id)) as hash
            from {table} q {joins} {chosen} group by q.{parent}
        ) h on h.{parent} = l.ledger_id
        """
    ).format(
        parent=sql.Identifier(parent_column(spec)),
        lateral=sql.SQL("lateral" if of_one else ""),
        chosen=sql.SQL("where q.{} = l.ledger_id").format(sql.Identifier(parent_column(spec)))
        if of_one
        else sql.SQL(""),
        text=text,
        table=source.ledger(spec.part_table_names[part.name]),
        joins=sql.SQL(" ").join(joins),
    )


def theirs_query(shape: Shape, *, source: Source = NOW) -> sql.Composed:
    """The connection's documents of an entity as the mirror has them."""
    return sql.SQL(
        "select * from {documents} where connection = %(connection)s and entity = {name} "
        "and not is_deleted and is_readable"
    ).format(documents=source.documents, name=sql.Literal(shape.entity))


# Everything but the parts, which are a table of their own and five times the work.
_OF_THE_DOCUMENT = _COLUMNS[:-1]


@cache
def _differing_documents(shape: Shape, source: Source) -> sql.Composed:
    """(external id, ledger id) of what is missing on either side or differs in a column of the document itself."""
    return sql.SQL(
        "select coalesce(o.external_id, t.external_id), o.ledger_id from ({our_rows}) o "
        "full join ({their_rows}) t on t.external_id = o.external_id "
        "where o.ledger_id is null or t.external_id is null or ({ours}) is distinct from ({theirs}) limit %(limit)s"
    ).format(
        ours=_listed("o", _OF_THE_DOCUMENT),
        theirs=_listed("t", _OF_THE_DOCUMENT),
        our_rows=ours_query(shape, source=source),
        their_rows=theirs_query(shape, source=source),
    )


@cache
def _differing_parts(shape: Shape, source: Source) -> sql.Composed:
    """(external id, ledger id) of what both sides have, with other lines or applications."""
    return sql.SQL(
        """
        select b.external_id, l.ledger_id from {entity} l
          join {bindings} b on b.connection = %(connection)s and b.entity = {name} and b.ledger_id = l.ledger_id
          join ({their_rows}) t on t.external_id = b.external_id
          {parts}
         where not l.is_deleted and coalesce(h.hash, '') is distinct from t.parts_hash limit %(limit)s
        """
    ).format(
        entity=source.ledger(shape.entity),
        bindings=source.bindings,
        name=sql.Literal(shape.entity),
        their_rows=theirs_query(shape, source=source),
        parts=_parts_join(shape, source),
    )


@cache
def _load(shape: Shape, source: Source) -> sql.Composed:
    """These documents as both sides have them: `ids` are external ids, `rows` ledger ids of what is not bound."""
    return sql.SQL(
        """
        select k.external_id, o.ledger_id, t.external_id is not null, {ours}, {theirs}
          from (select w.external_id, b.ledger_id from unnest(%(ids)s::text[]) w (external_id)
                  left join {bindings} b on b.connection = %(connection)s and b.entity = {name}
                   and b.external_id = w.external_id
                union all select null, unnest(%(rows)s::bigint[])) k
          left join lateral ({our_row}) o on true
          left join {documents} t on t.connection = %(connection)s and t.entity = {name}
           and t.external_id = k.external_id and not t.is_deleted and t.is_readable
         where o.ledger_id is not null or t.external_id is not null
        """
    ).format(
        ours=_listed("o", _COLUMNS),
        theirs=_listed("t", _COLUMNS),
        name=sql.Literal(shape.entity),
        our_row=_our_row(shape, source),
        bindings=source.bindings,
        documents=source.documents,
    )


def _listed(alias: str, names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(alias, name) for name in names)


def differing(
    tx: psycopg.Connection[Any],
    connection: str,
    shape: Shape,
    *,
    limit: int,
    source: Source = NOW,
    at: datetime | None = None,
) -> list[Pair]:
    """Every document of the entity that is missing on one side or not the same on both, `limit` at most.

    Linear in the connection's documents and their parts: that they are all the same is what is being checked.
    """
    keys = set(differing_documents(tx, connection, shape, limit=limit, source=source, at=at))
    if shape.part and len(keys) < limit:
        keys.update(_keys(tx, connection, _differing_parts(shape, source), limit, source, at))
    return _pairs(tx, connection, shape, sorted(keys, key=str)[:limit], source, at)


def differing_documents(
    tx: psycopg.Connection[Any],
    connection: str,
    shape: Shape,
    *,
    limit: int,
    source: Source = NOW,
    at: datetime | None = None,
) -> list[tuple[str | None, int | None]]:
    """(external id, ledger id) of those that differ in anything but their lines or applications; None on no side's."""
    return _keys(tx, connection, _differing_documents(shape, source), limit, source, at)


def pairs(tx: psycopg.Connection[Any], connection: str, shape: Shape, external_ids: Iterable[str]) -> list[Pair]:
    """These documents as both sides have them, whether they differ or not."""
    return _pairs(tx, connection, shape, [(one, None) for one in external_ids])


def _keys(
    tx: psycopg.Connection[Any],
    connection: str,
    query: sql.Composed,
    limit: int,
    source: Source,
    at: datetime | None,
) -> list[tuple[str | None, int | None]]:
    # After a first sync the planner has no statistics yet and would join the whole book row by row, for minutes.
    tx.execute("set local enable_nestloop = off")
    # Of two books that agree nearly nothing comes out of the join, where the planner counts on a whole book that its
    # workers would have to hand over.
    tx.execute("set local work_mem = '128MB'; set local parallel_tuple_cost = 0; set local parallel_setup_cost = 0")
    return tx.execute(query, {"connection": connection, "limit": limit, **source.given(at)}).fetchall()


def _pairs(
    tx: psycopg.Connection[Any],
    connection: str,
    shape: Shape,
    keys: Sequence[tuple[str | None, int | None]],
    source: Source = NOW,
    at: datetime | None = None,
) -> list[Pair]:
    if not keys:
        return []
    # A few of a whole book, each found by its key; that the planner knows nothing of their number must not matter.
    tx.execute("set local enable_nestloop = on")
    found = tx.execute(
        _load(shape, source),
        {
            "connection": connection,
            "ids": [external_id for external_id, _ in keys if external_id is not None],
            "rows": [ledger_id for external_id, ledger_id in keys if external_id is None],
            **source.given(at),
        },
    ).fetchall()
    tx.execute("set local enable_nestloop = off")
    width = len(_COLUMNS)
    return [
        Pair(
            shape.entity,
            row[0],
            row[1],
            _state(row[3 : 3 + width]) if row[1] is not None else None,
            _state(row[3 + width :]) if row[2] else None,
        )
        for row in found
    ]


def _state(values: Sequence[Any]) -> DocumentState:
    party, number, day, due, currency, rate, total, tax, still_open, is_void, digest = values
    return DocumentState(party, number, day, due, currency, rate, total, tax, still_open, is_void, digest)


def count(tx: psycopg.Connection[Any], connection: str, shape: Shape) -> tuple[int, int]:
    """(live in the ledger, live in the mirror) of one connection."""
    ours = sql.SQL("select count(*) from ({}) o").format(ours_query(shape))
    (in_ledger,) = tx.execute(ours, {"connection": connection}).fetchone()  # type: ignore[misc]
    return in_ledger, mirror.count(tx, connection, shape.entity)


def applied_to(
    tx: psycopg.Connection[Any], connection: str, payers: Mapping[str, Sequence[str]]
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(document entity, its id there) -> the (payer entity, id) that the mirror says settle it, among these payers."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for entity, ids in payers.items():
        rows = tx.execute(
            "select d.external_id, a.entity, a.key from reconciliation.documents d, "
            "jsonb_to_recordset(d.applications) as a (entity text, key text, amount numeric) "
            "where d.connection = %s and d.entity = %s and d.external_id = any(%s)",
            (connection, entity, list(ids)),
        )
        for external_id, document_entity, key in rows:
            found.setdefault((document_entity, key), []).append((entity, external_id))
    return found


def applied_here(
    tx: psycopg.Connection[Any], connection: str, payers: Mapping[str, Mapping[int, str]]
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """The same by the ledger's own applications; `payers` is payer entity -> ledger id -> the id it goes by."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for entity, ids in payers.items():
        rows = tx.execute(
            sql.SQL(
                "select a.{parent}, a.document_entity, coalesce(b.external_id, a.document_key) "
                "from ledger.{table} a left join sync.bindings b on b.connection = %s "
                "and b.entity = a.document_entity and b.ledger_id = a.document_id where a.{parent} = any(%s)"
            ).format(
                parent=sql.Identifier(parent_column(spec_of(entity))),
                table=sql.Identifier(spec_of(entity).part_table_names["applications"]),
            ),
            (connection, list(ids)),
        )
        for ledger_id, document_entity, key in rows:
            found.setdefault((document_entity, key), []).append((entity, ids[ledger_id]))
    return found


def payers_of(
    tx: psycopg.Connection[Any], connection: str, entity: str, settled: Sequence[tuple[str, str]]
) -> list[str]:
    """The payments of an entity that, by the mirror, settle any of these (entity, id). Linear in the payments."""
    rows = tx.execute(
        "select distinct d.external_id from reconciliation.documents d, "
        "jsonb_to_recordset(d.applications) as a (entity text, key text, amount numeric) "
        "join unnest(%s::text[], %s::text[]) as s (entity, key) on s.entity = a.entity and s.key = a.key "
        "where d.connection = %s and d.entity = %s and not d.is_deleted",
        ([one for one, _ in settled], [key for _, key in settled], connection, entity),
    )
    return [external_id for (external_id,) in rows]


def live_ids(tx: psycopg.Connection[Any], connection: str, entity: str) -> set[str]:
    """The records of an entity that the mirror holds as existing."""
    rows = tx.execute(
        sql.SQL("select external_id from mirror.{} where connection = %s and not is_deleted").format(
            sql.Identifier(entity)
        ),
        (connection,),
    )
    return {external_id for (external_id,) in rows}
