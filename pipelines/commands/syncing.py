"""Syncing, which runs the Dagster job in this process, so that it shows in the UI like any other run; and what commands
that run a job have in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from pipelines.commands.console import (
    EXIT_DONE,
    EXIT_FOUND_WRONG,
    AsJson,
    command,
    err,
    opening,
    out,
    print_json,
    print_table,
    progress,
)
from pipelines.running import Ran, run_job
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stages.sync import MIRROR_ENTITIES
from resources.stores import errors, runs, switches
from resources.stores.connections import Connection

_FIGURES = ("pulled", "inserted", "updated", "deleted", "held", "pushed", "api_calls", "seconds")
ConnectionName = Annotated[str | None, typer.Argument(help="One connection; all of them if absent.")]


@command
def sync(
    connection: ConnectionName = None,
    entity: Annotated[str | None, typer.Option(help="One entity, such as invoices.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Compare every id as well (a census).")] = False,
    json: AsJson = False,
) -> int:
    """Bring what changed in the ERP into the ledger."""
    if entity is not None and entity not in MIRROR_ENTITIES:
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing="syncing one entity",
            found=f"--entity {entity}",
            expected=f"one of {', '.join(MIRROR_ENTITIES)}",
        )
    with house_of_process() as house:
        from pipelines.jobs import DELTA_SYNC, FULL_SYNC

        job = FULL_SYNC if full else DELTA_SYNC
        with progress(job) as says:
            ran = run_job(house, job, chosen_connections(house, connection), entity=entity, says=says)
        report = {r.connection: outcome_of(house, house.connection(r.connection), r.dagster_run_id) for r in ran}
        open_errors = {name: open_errors_of(house, name) for name in report}
    failed = print_failures(ran, open_errors)
    if json:
        print_json({"connections": report, "errors": {n: e for n, e in open_errors.items() if e}, "ok": not failed})
    else:
        for name, entities in report.items():
            if name in failed:
                out.print(f"{name}: the sync failed; what it had read until then is kept.")
            if entities or name not in failed:
                print_outcome(name, entities)
            print_what_is_off(house, name, "pull")
            print_errors(name, open_errors[name])
    return EXIT_FOUND_WRONG if failed else EXIT_DONE


@contextmanager
def house_of_process() -> Iterator[Services]:
    """The process's own services: the job's steps run here too and use the same."""
    with opening():
        from resources.configured import ServicesResource

        house = ServicesResource().open()
    yield house


def chosen_connections(house: Services, name: str | None) -> list[Connection]:
    if name is not None:
        return [house.connection(name)]
    found = house.connections()
    if not found:
        raise TieoutError(
            ErrorKind.NOT_FOUND,
            doing="choosing a connection",
            found="none",
            expected="at least one",
            next_step="add one with `tieout connections add`, or run `make demo`",
        )
    return found


def outcome_of(house: Services, connection: Connection, dagster_run_id: str) -> dict[str, dict[str, Any]]:
    with house.db.transaction(connection.tenant) as tx:
        found = runs.of_dagster_run(tx, connection.name, dagster_run_id)
    outcomes = {entity: o for run in found for entity, o in (run["outcome"] or {}).items()}
    return {entity: {f: outcomes[entity][f] for f in _FIGURES} for entity in MIRROR_ENTITIES if entity in outcomes}


def open_errors_of(house: Services, name: str) -> list[dict[str, Any]]:
    connection = house.connection(name)
    with house.db.transaction(connection.tenant) as tx:
        return errors.open_errors(tx, name)


def print_outcome(name: str, entities: dict[str, dict[str, Any]]) -> None:
    """What a sync changed, entity by entity; what nothing happened to is left out."""
    count = sum(o["api_calls"] for o in entities.values())
    calls = f"{count} call{'s' * (count != 1)}"
    rows = [
        [entity, *[o[f] or "" for f in _FIGURES]]
        for entity, o in entities.items()
        if any(o[f] for f in ("pulled", "inserted", "updated", "deleted", "held", "pushed"))
    ]
    if rows:
        print_table(f"{name}: {calls}", ["entity", *_FIGURES], rows, right=_FIGURES)
    else:
        out.print(f"{name}: nothing changed ({calls}).")


def print_what_is_off(house: Services, name: str, direction: str) -> None:
    """Why some of it was left alone: what is switched off that way, or that both books have yet to meet."""
    connection = house.connection(name)
    with house.db.transaction(connection.tenant) as tx:
        found = [s for s in switches.read_all(tx, connection.tenant) if s.connection in ("", name)]
    for one in found:
        if one.direction in (direction, switches.BOTH_DIRECTIONS):
            what = f"{direction} of {one.module} is off" if one.connection else "maintenance is on"
            out.print(f"{name}: {what} ({one.reason}): see `tieout switches`", highlight=False, markup=False)
    if connection.meeting == "pending":
        out.print(
            f"{name}: nothing is merged or pushed before both books have met: see `tieout meet {name}`", highlight=False
        )


def print_failures(ran: Sequence[Ran], open_errors: dict[str, list[dict[str, Any]]]) -> set[str]:
    """Say what failed runs said that no open error says; returns the connections whose run failed."""
    told = {error["message"] for found in open_errors.values() for error in found}
    for failure in dict.fromkeys(failure for r in ran for failure in r.failures if failure not in told):
        err.print(failure, style="red", markup=False, highlight=False, soft_wrap=True)
    return {r.connection for r in ran if not r.is_good}


def print_errors(name: str, found: Sequence[dict[str, Any]]) -> None:
    for error in found[:10]:
        err.print(f"{error['code']} {error['message']}", style="red", markup=False, highlight=False, soft_wrap=True)
    if len(found) > 10:
        err.print(f"{name}: {len(found) - 10} more open errors: see `tieout errors`", style="red")
