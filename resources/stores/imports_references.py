"""What the rows of a file refer to: parties, items, parents by name, documents by number, all of them by ledger id."""

from __future__ import annotations

from ledger.spec import RefersTo, RefersToAny, entities, spec_of
from ledger.tabular import Column, Problem, names_a_document, prefix_of, shown
from resources.stores.imports_staged import PROBLEMS_MAX, Staged, quoted


class References(Staged):
    """Fills the columns of ledger ids beside those of names; whatever names nothing, or several, is a problem.

    Rows with an unreadable cell are looked up as well, so that all that is wrong with a file is said at once; not said
    of them is what the unreadable cell could have decided.
    """

    def resolve_references(self) -> list[Problem]:
        """Everything but parents that stand in the same file: those wait for `resolve_within_file`."""
        problems: list[Problem] = []
        for column in self.columns:
            if column.field is not None and isinstance(column.field.reference, RefersTo):
                problems += self._resolve(column, column.field.reference.entity)
        for column in self.of_part:
            if names_a_document(column):
                problems += self._resolve_documents(column)
            elif column.field is not None and isinstance(column.field.reference, RefersToAny):
                problems += self._check_documents(column)
        return problems

    def _resolve(self, column: Column, entity: str) -> list[Problem]:
        table = "import_docs" if column.part is None else "import_rows"
        if not column.is_by_name:
            return self._unknown_ids(table, column.header, entity)
        name_column = spec_of(entity).natural_key[0]
        named, target = quoted(column.header), quoted(column.header + "_id")
        of_ours = f"not l.is_deleted and {self.is_ours(entity)}"
        keys = [name_column]
        if column.part is None and "currency" in spec_of(entity).natural_key and "currency" in self.headers:
            # Two parties of one name are two accounts in two currencies; the document's currency tells them apart.
            keys.append("currency")
        for matched in (keys[:1], keys)[: len(keys)]:
            joined = " and ".join([f"found.{name_column} = t.{named}", *(f"found.{k} = t.{k}" for k in matched[1:])])
            self.run(
                f"""
                update {table} t set {target} = found.ledger_id from (
                  select {", ".join(f"l.{k}" for k in matched)}, min(l.ledger_id) as ledger_id from ledger.{entity} l
                   where {of_ours} group by {", ".join(f"l.{k}" for k in matched)} having count(*) = 1
                ) found where t.{target} is null and {joined}
                """
            )
        if entity == self.spec.name:
            return []  # A parent may stand in the same file: see _resolve_within_file.
        return self._unresolved(table, column, entity)

    def _unresolved(self, table: str, column: Column, entity: str) -> list[Problem]:
        name_column = spec_of(entity).natural_key[0]
        rows = self.run(
            f"""
            select t.row_no, t.{quoted(column.header)}, found.ids from {table} t
              left join lateral (
                select array_agg(l.ledger_id order by l.ledger_id) as ids from ledger.{entity} l
                 where not l.is_deleted and {self.is_ours(entity)} and l.{name_column} = t.{quoted(column.header)}
              ) found on true
             where t.{quoted(column.header)} is not null and t.{quoted(column.header + "_id")} is null
               and (not t.is_bad or found.ids is null)
             order by t.row_no limit {PROBLEMS_MAX}
            """
        )
        kind = entity.replace("_", " ")
        return [
            Problem(row, column.header, shown(name), f"the name of one of the {kind} in the ledger")
            if not ids
            else Problem(
                row,
                column.header,
                f"{shown(name)}, which {len(ids)} {kind} are called (ledger ids {', '.join(map(str, ids[:5]))})",
                f"one of them: say which in a column {column.header}_id",
            )
            for row, name, ids in rows
        ]

    def resolve_within_file(self) -> list[Problem]:
        """Parents that stand in the same file, once its rows have their ledger ids."""
        problems: list[Problem] = []
        for column in self.own:
            reference = column.field.reference if column.field else None
            if not (column.is_by_name and isinstance(reference, RefersTo) and reference.entity == self.spec.name):
                continue
            name = self.spec.natural_key[0]
            self.run(
                f"""
                update import_final f set {column.field.column} = parent.ledger_id from import_docs d, (
                  select {name}, min(ledger_id) as ledger_id from import_final group by {name} having count(*) = 1
                ) parent
                 where d.key = f.key and f.{column.field.column} is null and parent.{name} = d.{quoted(column.header)}
                """
            )
            self.run(
                f"update import_docs d set {quoted(column.header + '_id')} = f.{column.field.column} "
                "from import_final f where f.key = d.key"
            )
            problems += self._unresolved("import_docs", column, self.spec.name)
        return problems

    def _unknown_ids(self, table: str, header: str, entity: str, more: str = "true") -> list[Problem]:
        rows = self.run(
            f"""
            select t.row_no, t.{quoted(header)} from {table} t
             where t.{quoted(header)} is not null and {more} and not exists (
               select 1 from ledger.{entity} l where l.ledger_id = t.{quoted(header)} and not l.is_deleted)
             order by t.row_no limit {PROBLEMS_MAX}
            """
        )
        return [Problem(row, header, f"{i}", f"the ledger id of one of the {entity}") for row, i in rows]

    def _resolve_documents(self, column: Column) -> list[Problem]:
        """Applications by number: the document of that number and that entity of the same party."""
        kind, named, target = self._kind_of(column), quoted(column.header), quoted(column.header + "_id")
        party = next(f for f in self.spec.fields if f.reference is not None and f.name in self.spec.natural_key)
        for spec in entities():
            names = {f.name for f in spec.fields}
            if not spec.is_document or not {party.name, "document_number"} <= names:
                continue
            self.run(
                f"""
                update import_rows t set {target} = found.ledger_id from (
                  select r.row_no, min(l.ledger_id) as ledger_id from import_rows r
                    join import_docs d on d.key = r.key
                    join ledger.{spec.name} l on l.{party.column} = d.{quoted(party.column)}
                     and l.document_number = r.{named} and not l.is_deleted and {self.is_ours(spec.name)}
                   where r.{kind} = '{spec.name}' group by r.row_no having count(*) = 1
                ) found where found.row_no = t.row_no
                """
            )
        return [
            Problem(row, column.header, shown(number), f"the number of one of the {party.name}'s {entity}")
            for row, number, entity in self.run(
                f"select r.row_no, r.{named}, r.{kind} from import_rows r where r.{named} is not null "
                f"and r.{target} is null and (not r.is_bad or r.{kind} is not null and exists ("
                f"select from import_docs d where d.key = r.key and d.{quoted(party.column)} is not null)) "
                f"order by r.row_no limit {PROBLEMS_MAX}"
            )
        ]

    def _check_documents(self, column: Column) -> list[Problem]:
        problems: list[Problem] = []
        for spec in entities():
            if spec.is_document:
                more = f"t.{self._kind_of(column)} = '{spec.name}'"
                problems += self._unknown_ids("import_rows", column.header, spec.name, more)
        return problems

    def _kind_of(self, column: Column) -> str:
        """The column that says of which entity a reference's target is."""
        assert self.part is not None
        return quoted(prefix_of(self.part) + column.field.reference.entity_field)
