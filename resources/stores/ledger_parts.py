"""Lines and applications of the ledger's records: their tables, set-wise; the SQL of each kind is built from its spec.

Belongs here: the statements that write parts, and what they are given. When they run is `ledger.py`'s to say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from psycopg import sql

from ledger.columns import Columns, PartColumns
from ledger.merge_parts import contents
from ledger.spec import EntitySpec, PartSpec, RefersToAny, entities, parent_column
from resources.stores import arrays
from resources.stores.columns import ColumnStore, unnested
from resources.stores.references import LedgerIds


class PartStore:
    """Lines or applications of one entity."""

    def __init__(self, spec: EntitySpec, part: PartSpec, unsaid: Collection[str]) -> None:
        self.part = part
        self.columns = ColumnStore(part.fields)
        self._has_line_key = any(f.name == "line_key" for f in part.fields)
        name = spec.part_table_names[part.name]
        table = sql.Identifier("ledger", name)
        parent = sql.Identifier(parent_column(spec))
        columns = [sql.Identifier(f.column) for f in part.fields]
        said = [sql.Identifier(f.column) for f in part.fields if f.name not in unsaid]
        content = [sql.Identifier(f.column) for f in contents(part) if f.name not in unsaid]
        listed = sql.SQL(", ").join(columns)
        owner, key = unnested("ledger_id", "bigint", "owners"), unnested("part_key", "text", "part_keys")
        rekey = sql.SQL(
            """
            with gone as materialized (
              select * from {table} l where l.{parent} = any(%(bound_ids)s::bigint[])
                 and (l.{parent}, l.part_key) not in (select {owner}, {key})
            ), again as (
              select distinct on (n.ledger_id, n.part_key) l.part_id, n.part_key, n.line_key
                from gone l
                join (select {owner}, {key}, {columns}) n on n.ledger_id = l.{parent} and n.position = l.position
                     and ({given}) is not distinct from ({held})
               where not exists (select from {table} k where k.{parent} = n.ledger_id and k.part_key = n.part_key)
               order by n.ledger_id, n.part_key, l.part_id
            )
            update {table} l set part_key = a.part_key, line_key = a.line_key from again a where l.part_id = a.part_id
            """
        ).format(
            table=table,
            parent=parent,
            owner=owner,
            key=key,
            columns=self.columns.unnested(),
            held=sql.SQL(", ").join(sql.SQL("l.{}").format(c) for c in content),
            given=sql.SQL(", ").join(sql.SQL("n.{}").format(c) for c in content),
        )
        delete_missing = sql.SQL(
            "delete from {table} l where l.{parent} = any(%(bound_ids)s::bigint[]) "
            "and (l.{parent}, l.part_key) not in (select {owner}, {key})"
        ).format(table=table, parent=parent, owner=owner, key=key)
        insert = sql.SQL(
            "insert into {table} as l ({parent}, part_key, tenant_id, {listed}) "
            "select {owner}, {key}, %(tenant)s, {columns}"
        ).format(table=table, parent=parent, listed=listed, owner=owner, key=key, columns=self.columns.unnested())
        upsert = insert + sql.SQL(
            " on conflict ({parent}, part_key) do update set {changed} where ({current}) is distinct from ({excluded})"
        ).format(
            parent=parent,
            changed=sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(c) for c in said),
            current=sql.SQL(", ").join(sql.SQL("l.{}").format(c) for c in said),
            excluded=sql.SQL(", ").join(sql.SQL("excluded.{}").format(c) for c in said),
        )
        relink = self._build_relink(spec, table)
        # As bytes: a composed one would be put together anew each time.
        self.insert, self.upsert, self.delete_missing = (one.as_bytes() for one in (insert, upsert, delete_missing))
        self.relink = relink and relink.as_bytes()
        # A line that says the same at the same place under another id was sent anew without its own: it is the line
        # it was, and what refers to its row still does.
        self.rekey = rekey.as_bytes() if self._has_line_key else None

    def with_keys(self, parts: PartColumns) -> Columns:
        """The columns with one more, `part_key`: the ERP's id of the line, or its place where it has none or repeats
        another's in the same record.
        """
        columns = parts.columns
        keys = columns["line_key"] if self._has_line_key else [""] * len(parts.owners)
        if "" in set(keys) or len(set(zip(parts.owners, keys, strict=True))) < len(keys):
            seen: set[tuple[int, str]] = set()
            places = map("#{}".format, columns["position"])
            keys = [
                place if not key or (owner, key) in seen or seen.add((owner, key)) else key
                for owner, key, place in zip(parts.owners, keys, places, strict=True)
            ]
        return {**columns, "part_key": keys}

    def arrays(self, owners: Sequence[str], values: Columns, ids: LedgerIds) -> dict[str, str]:
        """The parts of a page for these statements; `owners` has for each the ledger id of its record."""
        keys = {"owners": arrays.plain(owners), "part_keys": arrays.texts(values["part_key"])}
        return {**keys, **self.columns.arrays(values, ids)}

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
