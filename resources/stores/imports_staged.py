"""One file's rows in the temporary tables of a transaction, and what its columns are called there.

Belongs here: what understanding references (`imports_references.py`), lines (`imports_parts.py`) and documents
(`imports.py`) share. SQL that is built there names only headers that `ledger.tabular.columns_of` knows, never what a
file says.

`import_rows` holds the rows as staged, `import_docs` a row for each document, `import_parts` its lines, `import_final`
the rows of the ledger's table as they would be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import psycopg

from ledger.spec import EntitySpec, FieldSpec
from ledger.tabular import Column, Problem

PROBLEMS_MAX = 1000
SQL_TYPES = {str: "text", int: "bigint", bool: "boolean", Decimal: "numeric", date: "date"}


class Staged:
    """One file of one entity in one transaction."""

    def __init__(
        self, tx: psycopg.Connection[Any], spec: EntitySpec, columns: Sequence[Column], connection: str | None
    ) -> None:
        self.tx = tx
        self.spec = spec
        self.columns = list(columns)
        self.headers = {c.header for c in columns}
        self.part = next((p for p in spec.parts if any(c.part == p.name for c in columns)), None)
        self.values = {"connection": connection}
        # Of a document's columns, those that name what it refers to have a column with the id beside them.
        self.own = [c for c in columns if c.part is None and c.field is not None]
        self.of_part = [c for c in columns if c.part is not None]

    def stage(self, rows: Iterable[tuple[int, bool, Sequence[Any]]]) -> int:
        """Take (row number, whether a cell of it is unreadable, values in the order of the columns)."""
        ids = [c for c in self.columns if c.is_by_name]
        listed = [f"{quoted(c.header)} {SQL_TYPES[c.kind]}" for c in self.columns]
        listed += [f"{quoted(c.header + '_id')} bigint" for c in ids if c.part is not None]
        self.run(f"create temp table import_rows (row_no bigint, is_bad boolean, {', '.join(listed)}) on commit drop")
        into = ", ".join(quoted(c.header) for c in self.columns)
        count = 0
        with self.tx.cursor() as cursor, cursor.copy(f"copy import_rows (row_no, is_bad, {into}) from stdin") as copy:
            for number, is_bad, values in rows:
                copy.write_row((number, is_bad, *values))
                count += 1
        return count

    def missing_values(self, table: str, column: str, header: str, expected: str) -> list[Problem]:
        """A problem for each row whose column is empty although it must not be."""
        # A name that was not found has been told already.
        named = f"and not exists (select 1 from import_rows r where r.key = t.key and r.{quoted(header)} is not null)"
        is_named = header in self.headers and table == "import_final"
        return [
            Problem(row, header, "no value", expected)
            for (row,) in self.run(
                f"select row_no from {table} t where {column} is null and not is_bad {named if is_named else ''} "
                f"order by row_no limit {PROBLEMS_MAX}"
            )
        ]

    def is_ours(self, entity: str) -> str:
        """Whether a row `l` of the ledger may be meant, when the file is for one connection."""
        return (
            "(%(connection)s::text is null or l.connection is null or l.connection = %(connection)s or exists ("
            "select 1 from sync.bindings b where b.connection = %(connection)s "
            f"and b.entity = '{entity}' and b.ledger_id = l.ledger_id))"
        )

    def header_of(self, field_name: str) -> str | None:
        """The header under which the file has a field of the document, by name or id; None if it has not."""
        return next((c.header for c in self.own if c.field is not None and c.field.name == field_name), None)

    def given(self, field_name: str) -> str:
        """What the file says of an amount, as SQL over `import_docs d`."""
        header = self.header_of(field_name)
        return f"d.{quoted(header)}" if header else "null::numeric"

    def table_columns(self) -> list[str]:
        """The columns of the entity's table that a file can fill."""
        return [f.column for f in self.spec.fields]

    def part_columns(self) -> list[str]:
        """The columns of a part that the file says something about."""
        named = {c.field.column for c in self.of_part if c.field is not None and c.field.name != "position"}
        assert self.part is not None
        return [f.column for f in self.part.fields if f.column in named]

    def run(self, statement: str) -> Any:
        """Execute a statement; `%(connection)s` is the company the file is for."""
        # Only statements with a placeholder are parsed for it, so that several may stand in one call.
        return self.tx.execute(statement, self.values if "%(" in statement or "%%" in statement else None)


def quoted(name: str) -> str:
    """A header as an identifier."""
    return f'"{name}"'


def default_of(f: FieldSpec) -> str | None:
    """The field's default as SQL, None where it has none or is empty by default."""
    if f.default is msgspec.NODEFAULT or f.default is None:
        return None
    if f.kind is bool:
        return str(f.default).lower()
    return f"'{f.default}'" if f.kind is str else f"{f.default}"
