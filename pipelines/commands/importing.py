"""Importing a file into the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ledger.spec import SpecError, entities, spec_of
from pipelines.commands.console import (
    EXIT_DONE,
    EXIT_FOUND_WRONG,
    AsJson,
    command,
    err,
    out,
    person,
    print_json,
    progress,
    services,
)
from resources.errors import ErrorKind, TieoutError
from resources.stages.import_file import ImportReport, import_file

SHOWN_MAX = 50


@command
def import_(
    file: Annotated[Path, typer.Argument(help="CSV in UTF-8 or Parquet; columns are the ledger's field names.")],
    entity: Annotated[str, typer.Option(help="Such as invoices.")],
    connection: Annotated[str | None, typer.Option(help="The company the rows belong to.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Change rows that the ledger has already.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen; write nothing.")] = False,
    json: AsJson = False,
) -> int:
    """Write the rows of a file into the ledger: all of them, or none and a list of what is wrong."""
    try:
        spec = spec_of(entity)
    except SpecError as error:
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing=f"importing {file}",
            found=f"--entity {entity}",
            expected=f"one of {', '.join(e.name for e in entities())}",
            next_step="name one of these",
        ) from error
    with services() as house, progress(f"Importing {file.name}") as says:
        tenant = house.connection(connection).tenant if connection else house.settings.tenant
        report = import_file(
            house,
            file,
            spec,
            tenant=tenant,
            connection=connection,
            actor=person(),
            is_update=update,
            is_dry_run=dry_run,
            says=says,
        )
    if json:
        print_json(_as_json(report))
    else:
        _print(file, entity, report)
    return EXIT_FOUND_WRONG if report.problems else EXIT_DONE


def _as_json(report: ImportReport) -> dict[str, object]:
    def told(problems: list) -> list[dict[str, object]]:
        return [{"row": p.row, "column": p.column, "found": p.found, "expected": p.expected} for p in problems]

    return {
        "written": report.is_written,
        "rows": report.rows,
        "new": report.counts.new,
        "changed": report.counts.changed,
        "same": report.counts.same,
        "parts": report.counts.parts,
        "errors": told(report.problems),
        "changes": told(report.changed),
    }


def _print(file: Path, entity: str, report: ImportReport) -> None:
    counts = report.counts
    for problem in report.problems[:SHOWN_MAX]:
        err.print(f"{file.name} {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
    if len(report.problems) > SHOWN_MAX:
        err.print(f"and {len(report.problems) - SHOWN_MAX} more: see --json", style="red")
    if report.problems:
        out.print("Nothing was written.")
        return
    told = f"{counts.new:,} new, {counts.changed:,} changed, {counts.same:,} the same"
    if report.is_written:
        out.print(f"{entity}: {told}, from {report.rows:,} rows.")
        return
    out.print(f"{entity}: would be {told}, from {report.rows:,} rows. Nothing was written.")
    for change in report.changed[:SHOWN_MAX]:
        out.print(f"  row {change.row} would change {change.column}", highlight=False, markup=False)
