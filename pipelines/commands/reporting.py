"""Reports on reconciliations: which were written, writing one again, and getting it as a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.console import EXIT_DONE, AsJson, command, out, print_json, print_table, progress, services
from resources.errors import ErrorKind, TieoutError
from resources.object_store import ObjectStore
from resources.services import Services
from resources.stores import reports

app = typer.Typer(help="One page on each reconciliation, for people and for machines.", no_args_is_help=True)

ConnectionName = Annotated[str, typer.Argument(metavar="CONNECTION", help="The company that was reconciled.")]


@app.command("list")
@command
def list_reports(
    connection: Annotated[str | None, typer.Argument(help="One connection; all of them if absent.")] = None,
    json: AsJson = False,
) -> int:
    """The reports of the last reconciliations, the newest first."""
    found = []
    with services() as house, progress("Looking for reports"):
        # Only what asks for a report waits for the libraries that write one.
        from resources.reporting.write import store_of

        store = store_of(house)
        for one in [house.connection(connection)] if connection else house.connections():
            with house.db.transaction(one.tenant) as tx:
                found += [{**asdict(file), "place": store.url(file.key)} for file in reports.written(tx, one.name)]
    if json:
        print_json({"reports": found})
    elif not found:
        out.print("No report yet: a reconciliation writes one.", highlight=False)
    else:
        print_table(
            "Reports",
            ["connection", "run", "format", "written (UTC)", "bytes", "place"],
            [
                (
                    *(f["connection"], f["run_id"], f["format"], f"{f['written_at']:%Y-%m-%d %H:%M:%S}"),
                    *(f"{f['size_bytes']:,}", f["place"]),
                )
                for f in found
            ],
            right=["run", "bytes"],
        )
    return EXIT_DONE


@app.command("write")
@command
def write(
    connection: ConnectionName,
    run: Annotated[int | None, typer.Option(help="The run it is on; the newest reconciliation if absent.")] = None,
    into: Annotated[Path | None, typer.Option(help="A folder that gets the files as well, under plain names.")] = None,
    json: AsJson = False,
) -> int:
    """Write the report on a reconciliation, with what was said of its breaks since."""
    with services() as house, progress(f"Reporting on {connection}"):
        from resources.reporting.write import store_of, write_report

        written = write_report(house, connection, run)
        if into is not None:
            _copy(house, written.report.run_id, connection, into, store_of(house))
    if json:
        print_json({"connection": connection, "run_id": written.report.run_id, "places": written.places})
    else:
        out.print(written.report.verdict, highlight=False, markup=False)
        for form, place in written.places.items():
            out.print(f"  {form}: {place}", highlight=False, markup=False, soft_wrap=True)
    return EXIT_DONE


def _copy(house: Services, run_id: int, connection: str, into: Path, store: ObjectStore) -> None:
    with house.db.transaction(house.connection(connection).tenant) as tx:
        newest = {f.format: f for f in reversed(reports.written(tx, connection)) if f.run_id == run_id}
    try:
        into.mkdir(parents=True, exist_ok=True)
        for file in newest.values():
            (into / f"{connection}-run-{run_id}.{file.format}").write_bytes(store.get(file.key))
    except OSError as error:
        raise TieoutError(
            ErrorKind.VALIDATION,
            connection=connection,
            doing=f"writing into {into}",
            found=str(error.strerror),
            expected="a folder that can be written to",
            next_step="name another with --into",
        ) from error
