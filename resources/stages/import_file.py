"""One file into the ledger: read once, checked whole, written all or none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.spec import EntitySpec
from ledger.tabular import CellError, Column, Problem, read_header, reader_of, shown
from resources.services import Services
from resources.stores import audit
from resources.stores.imports import Counts, Import
from resources.stores.imports_staged import PROBLEMS_MAX
from resources.tables_in_files import Row, open_table


@dataclass(slots=True)
class ImportReport:
    """What a file is to the ledger. `problems`: the first of them, in the order of rows; with any, nothing is written.

    `changed` are the documents that the ledger has with other values, and which values.
    """

    rows: int = 0
    counts: Counts = field(default_factory=lambda: Counts(0, 0, 0, 0))
    problems: list[Problem] = field(default_factory=list)
    changed: list[Problem] = field(default_factory=list)
    is_written: bool = False


def import_file(
    services: Services,
    path: Path,
    spec: EntitySpec,
    *,
    tenant: str,
    connection: str | None,
    actor: str,
    is_update: bool = False,
    is_dry_run: bool = False,
    says: Callable[[str], None] = lambda what: None,
) -> ImportReport:
    """Import a file of one entity. Raises TieoutError for a file that is no table."""
    report = ImportReport()
    with open_table(path) as (header, rows), services.db.transaction(tenant) as tx:
        columns, problems = read_header(spec, header)
        if problems:
            report.problems = problems
            return report
        reading = _Reading(columns, says)
        incoming = Import(tx, spec, columns, connection)
        report.rows = incoming.stage(reading.values(rows))
        says("checking")
        found = incoming.understand()
        report.problems = sorted([*reading.problems, *found], key=lambda p: p.row)[:PROBLEMS_MAX]
        report.counts = incoming.counts()
        report.changed = incoming.changed()
        if not is_update and not is_dry_run:
            # Silence would leave whoever corrected the file believing that it was taken.
            report.problems += [
                Problem(c.row, c.column, c.found, "no other row of it, or the option --update") for c in report.changed
            ]
        if report.problems or is_dry_run:
            return report
        report.is_written = True
        if not report.counts.new and not report.counts.changed:
            return report
        says("writing")
        tx.execute("select set_config('tieout.actor', %s, true)", (actor,))
        incoming.write()
        audit.append(
            tx,
            tenant=tenant,
            actor=actor,
            action="import",
            connection=connection,
            entity=spec.name,
            detail={
                "file": path.name,
                "sha256": _digest(path),
                "rows": report.rows,
                "new": report.counts.new,
                "changed": report.counts.changed,
            },
        )
    return report


class _Reading:
    """Cells on their way from the file to the database, and what is wrong with them."""

    def __init__(self, columns: Sequence[Column], says: Callable[[str], None]) -> None:
        self.problems: list[Problem] = []
        self._columns = columns
        self._readers = [reader_of(column) for column in columns]
        self._says = says

    def values(self, rows: Iterator[Row]) -> Iterator[tuple[int, bool, Sequence[Any]]]:
        """(row number, whether a cell is unreadable, values); a row of the wrong length is all empty."""
        width = len(self._columns)
        for count, (number, cells) in enumerate(rows, start=1):
            if count % 10_000 == 0:
                self._says(f"{count:,} rows read")
            if len(cells) != width:
                self._note(Problem(number, "", f"{len(cells)} cells", f"{width}, as many as headers"))
                yield number, True, [None] * width
                continue
            try:
                yield number, False, [read(cell) for read, cell in zip(self._readers, cells, strict=True)]
            except CellError:
                yield number, True, self._with_care(number, cells)

    def _with_care(self, number: int, cells: Sequence[Any]) -> list[Any]:
        values: list[Any] = []
        for column, read, cell in zip(self._columns, self._readers, cells, strict=True):
            try:
                values.append(read(cell))
            except CellError as error:
                values.append(None)
                self._note(Problem(number, column.header, shown(cell), str(error)))
        return values

    def _note(self, problem: Problem) -> None:
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(problem)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
