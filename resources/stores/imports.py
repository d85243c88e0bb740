"""Rows of a file on their way into the ledger: made documents, checked set-wise, then written all or none.

Belongs here: what rows mean together, totals, what the ledger has already, and writing. Cells are `ledger/tabular.py`,
staging, references and lines the modules `imports_*.py` beside this.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.spec import FieldSpec
from ledger.tabular import IMPORT_KEY, Problem, is_required
from resources.stores.imports_parts import Parts
from resources.stores.imports_references import References
from resources.stores.imports_staged import PROBLEMS_MAX, default_of, quoted
from resources.stores.tables import parent_column

# Stands where the ledger requires a value that a new row usually has.
_USUAL = {"status": "'open'"}


@dataclass(frozen=True, slots=True)
class Counts:
    """What the file's documents are to the ledger; `parts` counts their lines or applications."""

    new: int
    changed: int
    same: int
    parts: int


class Import(References, Parts):
    """One file of one entity in one transaction: `stage`, `understand`, and then `write` or nothing."""

    def understand(self) -> list[Problem]:
        """Make documents of the rows, find what they refer to and what the ledger has; returns what is wrong."""
        problems = self._group()
        problems += self.resolve_references()
        self._match()
        problems += self.finish_parts()
        problems += self._finish()
        return sorted(problems, key=lambda p: p.row)[:PROBLEMS_MAX]

    def counts(self) -> Counts:
        row = self.run(
            "select count(*) filter (where existing_id is null), count(*) filter (where is_changed), "
            "count(*) filter (where existing_id is not null and not is_changed) from import_final"
        ).fetchone()
        parts = self.run("select count(*) from import_parts").fetchone() if self.part else (0,)
        return Counts(*row, *parts)

    def changed(self) -> list[Problem]:
        """The documents that the ledger has with other values, and which."""
        names = [f"case when f.{c} is distinct from l.{c} then '{c}' end" for c in self.table_columns()]
        parts = f"case when f.has_other_parts then '{self.part.name}' end" if self.part else "null"
        rows = self.run(
            f"""
            select f.row_no, l.ledger_id, array_to_string(array_remove(array[{", ".join(names)}, {parts}], null), ', ')
              from import_final f join ledger.{self.spec.name} l on l.ledger_id = f.existing_id
             where f.is_changed order by f.row_no limit {PROBLEMS_MAX}
            """
        )
        return [Problem(row, what, f"other values than in row {i} of the ledger", "the same") for row, i, what in rows]

    def write(self) -> None:
        """Write what is new and what has changed; triggers sign, count and note it."""
        table, columns = f"ledger.{self.spec.name}", self.table_columns()
        listed = ", ".join(columns)
        self.run(
            f"insert into {table} (ledger_id, connection, {listed}) overriding system value "
            f"select ledger_id, %(connection)s, {listed} from import_final where existing_id is null order by row_no"
        )
        self.run(
            f"update {table} l set {', '.join(f'{c} = f.{c}' for c in columns)} from import_final f "
            "where f.existing_id = l.ledger_id and f.is_changed"
        )
        if self.part is not None:
            self.write_parts(self.part)

    def _group(self) -> list[Problem]:
        # A document's own number tells its rows from others'; without one, somebody else has to.
        natural = [h for name in self.spec.natural_key if (h := self.header_of(name)) is not None]
        is_grouped_by_nature = len(natural) == len(self.spec.natural_key) and self.part is not None
        if IMPORT_KEY in self.headers:
            key = f"coalesce('k' || {quoted(IMPORT_KEY)}, '#' || row_no)"
        elif is_grouped_by_nature:
            complete = " and ".join(f"{quoted(h)} is not null" for h in natural)
            nature = ", ".join(quoted(h) for h in natural)
            key = f"case when {complete} then 'n' || jsonb_build_array({nature})::text else '#' || row_no end"
        else:
            key = "'#' || row_no"
        self.run(f"alter table import_rows add key text; update import_rows set key = {key}")
        self.run("analyze import_rows")
        torn, taken = [], []
        for c in self.own:
            least, most = ("bool_and", "bool_or") if c.kind is bool else ("min", "max")
            own = quoted(c.header)
            taken.append(f"{most}({own}) as {own}")
            torn.append(f"case when {least}({own}) is distinct from {most}({own}) then '{c.header}' end")
        ids = [f"null::bigint as {quoted(c.header + '_id')}" for c in self.own if c.is_by_name]
        self.run(
            f"""
            create temp table import_docs on commit drop as
            select key, min(row_no) as row_no, bool_or(is_bad) as is_bad, null::bigint as existing_id,
                   0::bigint as matches, {", ".join(taken + ids)},
                   array_remove(array[{", ".join(torn)}], null)::text[] as torn
              from import_rows group by key
            """
        )
        self.run("create unique index on import_docs (key); analyze import_docs")
        problems = [
            Problem(row, ", ".join(names), "several values in the rows of one document", "one, or empty cells after it")
            for row, names in self.run(
                "select row_no, torn from import_docs where torn <> '{}' and not is_bad order by row_no "
                f"limit {PROBLEMS_MAX}"
            )
        ]
        if self.part is not None and IMPORT_KEY not in self.headers:
            missing = ", ".join(self.spec.natural_key)
            problems += [
                Problem(
                    row,
                    missing,
                    "an empty cell or no such column",
                    f"a value, or a column {IMPORT_KEY} that says which rows are one document",
                )
                for (row,) in self.run(
                    "select row_no from import_docs where key like '#%%' and not is_bad order by row_no "
                    f"limit {PROBLEMS_MAX}"
                )
            ]
        return problems

    def _match(self) -> None:
        """Find the rows of the ledger that are the same document or party, by natural key."""
        joined = []
        for name in self.spec.natural_key:
            f = next(f for f in self.spec.fields if f.name == name)
            if self.header_of(name) is None:
                return
            joined.append(f"l.{f.column} = d.{quoted(f.column)}")
            if f.kind is str and f.reference is None:
                joined.append(f"d.{quoted(f.column)} <> ''")
        self.run(
            f"""
            update import_docs d set existing_id = found.ledger_id, matches = found.matches from (
              select d.key, min(l.ledger_id) as ledger_id, count(*) as matches
                from import_docs d join ledger.{self.spec.name} l on {" and ".join(joined)}
               where not l.is_deleted and {self.is_ours(self.spec.name)} group by d.key
            ) found where found.key = d.key
            """
        )

    def _finish(self) -> list[Problem]:
        """Make the rows as the ledger's table would have them, totals computed; returns what is wrong with them."""
        spec = self.spec
        exprs = self._expressions()
        summed = self.part is not None and any(f.sum_of for f in spec.fields)
        sums = f"left join ({self._sums()}) sums on sums.key = d.key" if summed else ""
        self.run(
            f"""
            create temp table import_final on commit drop as
            select *, coalesce(existing_id, nextval('ledger.{spec.name}_ledger_id_seq')) as ledger_id from (
              select d.key, d.row_no, d.is_bad, d.existing_id, d.matches, false as is_changed, false as has_other_parts,
                     {", ".join(f"{exprs[f.name]} as {f.column}" for f in spec.fields)}
                from import_docs d left join ledger.{spec.name} l on l.ledger_id = d.existing_id {sums}
               order by d.row_no
            ) in_order
            """
        )
        self.run("create unique index on import_final (key); analyze import_final")
        problems = self.resolve_within_file()
        for f in spec.fields:
            # What follows from a total is missing only where the total is, which says enough.
            if is_required(f) and not f.sum_of and not f.rest_of:
                problems += self.missing_values(
                    "import_final", f.column, self.header_of(f.name) or f.name, _expected(f)
                )
        for rule in spec.rules:
            if rule.is_blocking:
                named = [f.column for f in spec.fields if f.column in rule.sql]
                found = " || ', ' || ".join(f"'{c} ' || coalesce({c}::text, 'empty')" for c in named)
                problems += [
                    Problem(row, ", ".join(named), what, rule.says)
                    for row, what in self.run(
                        f"select row_no, {found} from import_final where not is_bad and not ({rule.sql}) "
                        f"order by row_no limit {PROBLEMS_MAX}"
                    )
                ]
        problems += self._doubled()
        self._mark_changed()
        return problems

    def _doubled(self) -> list[Problem]:
        columns = [f.column for f in self.spec.fields if f.name in self.spec.natural_key]
        texts = [f.column for f in self.spec.fields if f.name in self.spec.natural_key and _is_text(f)]
        complete = " and ".join([*(f"{c} is not null" for c in columns), *(f"{c} <> ''" for c in texts)])
        what = ", ".join(self.spec.natural_key)
        doubled = self.run(
            f"""
            select row_no, first from (
              select row_no, first_value(row_no) over (partition by {", ".join(columns)} order by row_no) as first
                from import_final where {complete} and not is_bad
            ) twin where row_no <> first order by row_no limit {PROBLEMS_MAX}
            """
        ).fetchall()
        several = self.run(
            f"select row_no, matches from import_final where matches > 1 and not is_bad order by row_no "
            f"limit {PROBLEMS_MAX}"
        ).fetchall()
        return [
            *(Problem(row, what, f"the same as in row {first}", "each once") for row, first in doubled),
            *(Problem(row, what, f"{n} rows of the ledger that have these", "one or none") for row, n in several),
        ]

    def _mark_changed(self) -> None:
        columns = self.table_columns()
        ours, theirs = (", ".join(f"{alias}.{c}" for c in columns) for alias in ("f", "l"))
        if self.part is not None:
            parts, parent = f"ledger.{self.spec.part_table_names[self.part.name]}", parent_column(self.spec)
            given = self.part_columns()
            said, kept = (", ".join(f"{alias}.{c}" for c in ["position", *given]) for alias in ("p", "o"))
            self.run(
                f"""
                update import_final f set has_other_parts = true
                 where f.existing_id is not null and exists (select 1 from import_parts p where p.key = f.key) and (
                   exists (select 1 from import_parts p
                             left join {parts} o on o.{parent} = f.existing_id and o.position = p.position
                            where p.key = f.key and (o.part_id is null or ({said}) is distinct from ({kept})))
                   or exists (select 1 from {parts} o where o.{parent} = f.existing_id and not exists (
                                select 1 from import_parts p where p.key = f.key and p.position = o.position)))
                """
            )
        self.run(
            f"update import_final f set is_changed = true from ledger.{self.spec.name} l "
            f"where l.ledger_id = f.existing_id and (f.has_other_parts or ({ours}) is distinct from ({theirs}))"
        )

    def _expressions(self) -> dict[str, str]:
        """The value of each field as SQL: as given, else as it follows, else as it is in the ledger, else as usual."""
        by_name = {f.name: f for f in self.spec.fields}
        exprs: dict[str, str] = {}
        for f in self.spec.fields:
            default = _USUAL.get(f.name) or default_of(f)
            if f.sum_of or f.rest_of or f.name == "total_amount":
                continue
            said = f"d.{quoted(f.column)}" if self.header_of(f.name) else f"l.{f.column}"
            exprs[f.name] = said if default is None else f"coalesce({said}, {default})"
        if "total_amount" not in by_name:
            return exprs
        total = self.given("total_amount")
        for f in (f for f in self.spec.fields if f.sum_of):
            summed = "sums.amount" if self.part is not None else "null"
            given = f"{self.given(f.name)}, {summed}"
            if "tax_amount" in by_name:
                tax = exprs["tax_amount"]
                exprs[f.name] = f"coalesce({given}, {total} - {tax}, l.{f.column})"
                total = f"coalesce({total}, coalesce({given}, l.{f.column}) + {tax})"
            else:
                rest = next(r.name for r in self.spec.fields if r.rest_of and r.rest_of.less == f.name)
                exprs[f.name] = f"coalesce({given}, {total} - {self.given(rest)}, l.{f.column}, 0)"
        exprs["total_amount"] = total = f"coalesce({total}, l.total_amount)"
        for f in (f for f in self.spec.fields if f.rest_of):
            given = self.given(f.name)
            exprs[f.name] = (
                f"coalesce({given}, {total} - ({exprs[f.rest_of.less]}))"
                if f.rest_of.less
                else f"coalesce({given}, l.{f.column} + {total} - l.total_amount, {total})"
            )
        return exprs

    def _sums(self) -> str:
        """What each document's parts add up to."""
        sum_of = next(f.sum_of for f in self.spec.fields if f.sum_of)
        amount = "amount"
        if sum_of.less is not None:
            name, taken_off = sum_of.less
            amount = (
                f"case when {name} in ({', '.join(repr(v) for v in sorted(taken_off))}) then -amount else amount end"
            )
        return f"select key, sum({amount}) as amount from import_parts group by key"


def _is_text(f: FieldSpec) -> bool:
    return f.kind is str and f.reference is None


def _expected(f: FieldSpec) -> str:
    return "a value, or lines that add up to it" if f.name == "total_amount" else "a value"
