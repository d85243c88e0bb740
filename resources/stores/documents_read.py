"""Both books' documents of an entity as rows with the same columns: ours of the ledger, theirs of the mirror.

Belongs here: the queries that say so, of the tables as they are or as they stood at an instant. Comparing them is
`documents_compared.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg import sql

from ledger.spec import RefersTo, parent_column, spec_of
from resources.stores.documents import Shape, hashed_fields

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


def our_row(shape: Shape, source: Source) -> sql.Composed:
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
        parts=parts_join(shape, source, of_one=True) if shape.part else sql.SQL(""),
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


def parts_join(shape: Shape, source: Source, *, of_one: bool = False) -> sql.Composed:
    spec = spec_of(shape.entity)
    part = next(p for p in spec.parts if p.name == shape.part)
    values: list[sql.Composable] = []
    joins: list[sql.Composable] = []
    for name in hashed_fields(shape):
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
