"""Syncing and reconciling: each runs the Dagster job in this process, so that it shows in the UI like any other run."""

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
    out,
    print_json,
    print_table,
    progress,
)
from pipelines.running import Ran, run_job
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stages.sync import MIRROR_ENTITIES
from resources.stores import errors, reconciliation, runs, switches
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
    from pipelines.jobs import DELTA_SYNC, FULL_SYNC

    job = FULL_SYNC if full else DELTA_SYNC
    with house_of_process() as house:
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


@command
def reconcile(connection: ConnectionName = None, json: AsJson = False) -> int:
    """Sync, check the ledger's rows, and compare both books: exit 0 when they tie out to the cent."""
    from pipelines.jobs import RECONCILE

    with house_of_process() as house:
        with progress(RECONCILE) as says:
            ran = run_job(house, RECONCILE, chosen_connections(house, connection), says=says)
        report = {r.connection: totals_of(house, house.connection(r.connection), r.dagster_run_id) for r in ran}
        said = {r.connection: statements_of(house, house.connection(r.connection), r.dagster_run_id) for r in ran}
        open_errors = {name: open_errors_of(house, name) for name in report}
    failed = print_failures(ran, open_errors)
    is_same = all(not t["difference"] and not t["listed"] for totals in report.values() for t in totals)
    ties_out = not failed and is_same and not any(s["is_blocking"] for found in said.values() for s in found)
    if json:
        print_json(
            {
                "connections": report,
                "statements": said,
                "errors": {n: e for n, e in open_errors.items() if e},
                "ties_out": ties_out,
            }
        )
    else:
        for name, totals in report.items():
            print_totals(name, totals)
            print_statements(said[name])
            print_errors(name, open_errors[name])
        out.print("Both books tie out." if ties_out else "They do not tie out: see above.", style="bold")
    return EXIT_DONE if ties_out else EXIT_FOUND_WRONG


@contextmanager
def house_of_process() -> Iterator[Services]:
    """The process's own services: the job's steps run here too and use the same."""
    from resources.configured import ServicesResource

    yield ServicesResource().open()


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


def totals_of(house: Services, connection: Connection, dagster_run_id: str) -> list[dict[str, Any]]:
    with house.db.transaction(connection.tenant) as tx:
        return reconciliation.of_dagster_run(tx, connection.name, dagster_run_id)


def statements_of(house: Services, connection: Connection, dagster_run_id: str) -> list[dict[str, Any]]:
    with house.db.transaction(connection.tenant) as tx:
        return reconciliation.statements_of_dagster_run(tx, connection.name, dagster_run_id)


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


def print_totals(name: str, totals: Sequence[dict[str, Any]]) -> None:
    print_table(
        f"{name}: control totals",
        ["module", "currency", "ledger", "ERP", "difference", "breaks by cause"],
        [
            (
                t["module"],
                t["currency"],
                f"{t['ledger_total']:,.2f}",
                f"{t['erp_total']:,.2f}",
                f"{t['difference']:,.2f}",
                ", ".join(f"{cause} {amount:,.2f}" for cause, amount in t["breaks"].items()) or "none",
            )
            for t in totals
        ],
        right=["ledger", "ERP", "difference"],
    )
    for t in totals:
        for found in t["listed"]:
            number = f"[{found['break_id']}] " if found["break_id"] else ""
            out.print(
                f"  {number}{t['module']} {found['cause']} {found['amount']:,.2f}: {found['says']}",
                highlight=False,
                markup=False,
            )


def print_statements(found: Sequence[dict[str, Any]]) -> None:
    """What could not be compared, or has to be known to read the totals."""
    for one in found:
        style = "red" if one["is_blocking"] else None
        out.print(f"  {one['module']} {one['code']}: {one['says']}", style=style, highlight=False, markup=False)


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
