"""Lines and applications of a file: a row of `import_parts` each, in their places, and into the ledger."""

from __future__ import annotations

from ledger.spec import FieldSpec, PartSpec
from ledger.tabular import Problem, is_required, prefix_of
from resources.stores.imports_staged import PROBLEMS_MAX, SQL_TYPES, Staged, default_of, quoted
from resources.stores.tables import parent_column


class Parts(Staged):
    """What is staged of lines or applications."""

    def finish_parts(self) -> list[Problem]:
        """Make the parts as the ledger would have them; returns what is wrong with them."""
        if self.part is None:
            return []
        prefix = prefix_of(self.part)
        given = [quoted(c.header) for c in self.of_part]
        exprs = {f.name: self._part_expression(f, prefix) for f in self.part.fields}
        place = f"coalesce({exprs['position']}, row_number() over (partition by key order by row_no))"
        exprs["position"] = place
        self.run(
            f"""
            create temp table import_parts on commit drop as
            select key, row_no, is_bad, {", ".join(f"{exprs[f.name]} as {f.column}" for f in self.part.fields)}
              from import_rows where num_nonnulls({", ".join(given)}) > 0
            """
        )
        self.run("create index on import_parts (key, position); analyze import_parts")
        problems: list[Problem] = []
        for f in self.part.fields:
            if is_required(f) and f.name != "document_key":
                problems += self.missing_values("import_parts", f.column, prefix + f.name, "a value")
        problems += [
            Problem(row, f"{prefix}position", f"{place} twice in one document", "each once")
            for row, place in self.run(
                "select max(row_no), position from import_parts where not is_bad group by key, position "
                f"having count(*) > 1 order by 1 limit {PROBLEMS_MAX}"
            )
        ]
        return problems

    def _part_expression(self, f: FieldSpec, prefix: str) -> str:
        is_given = prefix + f.name in self.headers or prefix + f.column in self.headers
        default = default_of(f)
        if f.name == "kind" and "item" in f.choices:
            item = next((p + "item_id" for p in (prefix,) if {p + "item", p + "item_id"} & self.headers), None)
            default = f"case when {quoted(item)} is not null then 'item' end" if item else None
        said = quoted(prefix + f.column) if is_given else f"null::{SQL_TYPES[int if f.reference else f.kind]}"
        return said if default is None else f"coalesce({said}, {default})"

    def write_parts(self, part: PartSpec) -> None:
        """Write the parts of new documents, and of changed ones what differs, place by place."""
        table, parent = f"ledger.{self.spec.part_table_names[part.name]}", parent_column(self.spec)
        given = self.part_columns()
        others = "f.is_changed and f.has_other_parts"
        self.run(
            f"""
            delete from {table} o using import_final f
             where o.{parent} = f.existing_id and {others} and not exists (
               select 1 from import_parts p where p.key = f.key and p.position = o.position)
            """
        )
        said, kept = (", ".join(f"{alias}.{c}" for c in given) for alias in ("p", "o"))
        self.run(
            f"""
            update {table} o set {", ".join(f"{c} = p.{c}" for c in given)}
              from import_final f join import_parts p on p.key = f.key
             where o.{parent} = f.existing_id and {others} and p.position = o.position
               and ({said}) is distinct from ({kept})
            """
        )
        listed = [f.column for f in part.fields]
        # New documents have no parts yet: looking for them would read the whole book.
        for which in ("f.existing_id is null", f"{others} and not exists ({_there(table, parent)})"):
            self.run(
                f"""
                insert into {table} ({parent}, part_key, {", ".join(listed)})
                select f.ledger_id, '~' || nextval('{table}_part_id_seq'), {", ".join(f"p.{c}" for c in listed)}
                  from import_final f join import_parts p on p.key = f.key where {which} order by p.row_no
                """
            )


def _there(table: str, parent: str) -> str:
    """A part of the ledger in the place of a part of the file."""
    return f"select 1 from {table} o where o.{parent} = f.existing_id and o.position = p.position"
