"""Code maps as a person looks at them: what is mapped and to what, what there is to choose from, what waits for a map.

Belongs here: the statements behind the console's page of codes, each bounded. Mapping itself is `code_maps.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from ledger.spec import entities, parent_column
from resources.stores.records import UNBOUND

# Of what the last pushes held, the oldest so many are looked through for codes.
HELD_READ_MAX = 1000


@dataclass(frozen=True, slots=True)
class Mapped:
    """Our word, and what it stands for; `name` is empty if the ERP has no such record any more."""

    code: str
    external_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A record of the ERP's list. `code` is the word of ours that it has already."""

    external_id: str
    name: str
    code: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A code that no map names and that is no id of the ERP's: how many records wait for it, and one of them."""

    list: str
    code: str
    entity: str
    record_count: int
    ledger_id: int


def mapped(
    tx: psycopg.Connection[Any], connection: str, list_name: str, *, name_key: str, after: str = "", limit: int
) -> Sequence[Mapped]:
    """The maps of one list by our code, after one; `name_key` is where a record of the ERP says what it is called."""
    with tx.cursor(row_factory=class_row(Mapped)) as rows:
        return rows.execute(
            sql.SQL(
                "select c.code, c.external_id, coalesce(m.payload ->> %(name_key)s, '') as name from sync.code_maps c "
                "left join {} m on m.connection = c.connection and m.external_id = c.external_id and not m.is_deleted "
                "where c.connection = %(connection)s and c.list = %(list)s and c.code > %(after)s "
                "order by c.code limit %(limit)s"
            ).format(sql.Identifier("mirror", list_name)),
            {"connection": connection, "list": list_name, "name_key": name_key, "after": after, "limit": limit},
        ).fetchall()


def choices(
    tx: psycopg.Connection[Any], connection: str, list_name: str, *, name_key: str, limit: int
) -> Sequence[Choice]:
    """What the ERP has in this list, by name."""
    with tx.cursor(row_factory=class_row(Choice)) as rows:
        return rows.execute(
            sql.SQL(
                "select m.external_id, coalesce(m.payload ->> %(name_key)s, '') as name, c.code from {} m "
                "left join sync.code_maps c on c.connection = m.connection and c.list = %(list)s "
                "and c.external_id = m.external_id "
                "where m.connection = %(connection)s and not m.is_deleted order by 2, 1 limit %(limit)s"
            ).format(sql.Identifier("mirror", list_name)),
            {"connection": connection, "list": list_name, "name_key": name_key, "limit": limit},
        ).fetchall()


def waiting(
    tx: psycopg.Connection[Any], connection: str, list_names: Sequence[str], *, limit: int
) -> Sequence[Waiting]:
    """Codes for which records wait on their way out, of each of these lists, those with the most records first.

    A record waits for a code if the plan that held it named the code, and it is neither mapped nor an id by now.
    """
    of_lists = [_waiting_of(name) for name in list_names]
    with tx.cursor(row_factory=class_row(Waiting)) as rows:
        return rows.execute(
            sql.SQL(
                """
                with held as (
                  select entity, substr(external_id, {prefix})::bigint as ledger_id, found from sync.errors
                   where connection = %(connection)s and stage = 'push' and resolved_at is null
                     and external_id ~ {unbound} order by error_id limit %(held)s)
                {of_lists} order by list, record_count desc, code, entity limit %(limit)s
                """
            ).format(
                prefix=sql.Literal(len(UNBOUND) + 1),
                unbound=sql.Literal(rf"^{UNBOUND}\d+$"),
                of_lists=sql.SQL(" union all ").join(of_lists),
            ),
            {"connection": connection, "held": HELD_READ_MAX, "limit": limit},
        ).fetchall()


def _waiting_of(list_name: str) -> sql.Composed:
    return sql.SQL(
        """
        select {name} as list, n.code, n.entity, count(*) as record_count, min(n.ledger_id) as ledger_id
          from ({named}) n
         where strpos(n.found, n.code) > 0
           and not exists (select from sync.code_maps c
                            where c.connection = %(connection)s and c.list = {name} and c.code = n.code)
           and not exists (select from {mirror} m where m.connection = %(connection)s
                              and m.external_id = n.code and not m.is_deleted)
         group by n.code, n.entity
        """
    ).format(
        name=sql.Literal(list_name),
        named=sql.SQL(" union ").join(_named(list_name)),
        mirror=sql.Identifier("mirror", list_name),
    )


def _named(list_name: str) -> Iterator[sql.Composed]:
    """A statement for each column that says codes of this list: code, entity, ledger id and what was found."""
    for spec in entities():
        for f in spec.fields:
            if f.code_list == list_name:
                yield _of_column(spec.name, spec.name, "ledger_id", f.column)
        for part in spec.parts:
            for f in part.fields:
                if f.code_list == list_name:
                    yield _of_column(spec.name, spec.part_table_names[part.name], parent_column(spec), f.column)


def _of_column(entity: str, table: str, key: str, column: str) -> sql.Composed:
    return sql.SQL(
        "select t.{column} as code, h.entity, h.ledger_id, h.found from held h join {table} t on t.{key} = h.ledger_id "
        "where h.entity = {entity} and t.{column} <> ''"
    ).format(
        column=sql.Identifier(column),
        table=sql.Identifier("ledger", table),
        key=sql.Identifier(key),
        entity=sql.Literal(entity),
    )
