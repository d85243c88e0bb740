"""Reconciling: the Dagster job in this process, so that it shows in the UI like any other run.

Both books at an instant that is past, and a month that is closed, are `looking_back.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from ledger.spec import entities
from pipelines.commands import looking_back
from pipelines.commands.console import (
    EXIT_DONE,
    EXIT_FOUND_WRONG,
    AsJson,
    command,
    err,
    out,
    print_json,
    print_statements,
    print_table,
    progress,
)
from pipelines.commands.syncing import (
    ConnectionName,
    chosen_connections,
    house_of_process,
    open_errors_of,
    print_errors,
    print_failures,
)
from pipelines.running import run_job
from resources.services import Services
from resources.stages.gate import SHOWN_ROWS_MAX, told
from resources.stores import reconciliation, verdicts
from resources.stores.connections import Connection

AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="Both books as they stood then: mirror against ledger.")
]
Closed = Annotated[
    str | None,
    typer.Option("--closed", metavar="YYYY-MM", help="A closed month again, and what has changed in it since."),
]


@command
def reconcile(
    connection: ConnectionName = None, as_of: AsOf = None, closed: Closed = None, json: AsJson = False
) -> int:
    """Sync, check the ledger's rows, and compare both books: exit 0 when they tie out to the cent."""
    if closed is not None:
        return looking_back.closed_month(connection, closed, as_of, is_json=json)
    if as_of is not None:
        return looking_back.as_of(connection, as_of, is_json=json)
    with house_of_process() as house:
        from pipelines.jobs import RECONCILE

        with progress(RECONCILE) as says:
            ran = run_job(house, RECONCILE, chosen_connections(house, connection), says=says)
        report = {r.connection: totals_of(house, house.connection(r.connection), r.dagster_run_id) for r in ran}
        said = {r.connection: statements_of(house, house.connection(r.connection), r.dagster_run_id) for r in ran}
        refused = {r.connection: refused_by(house, house.connection(r.connection)) for r in ran if not r.is_good}
        open_errors = {name: open_errors_of(house, name) for name in report}
    failed = print_failures(ran, open_errors)
    ties_out = not failed and all(is_tied_out(totals, said[name]) for name, totals in report.items())
    if json:
        print_json(
            {
                "connections": report,
                "statements": said,
                "refused": {name: found for name, found in refused.items() if found},
                "errors": {n: e for n, e in open_errors.items() if e},
                "ties_out": ties_out,
            }
        )
    else:
        for name, totals in report.items():
            print_refused(name, refused.get(name, []))
            if name in failed and not totals:
                continue
            print_totals(name, totals)
            print_statements(said[name])
            print_errors(name, open_errors[name])
        out.print("Both books tie out." if ties_out else "They do not tie out: see above.", style="bold")
    return EXIT_DONE if ties_out else EXIT_FOUND_WRONG


def is_tied_out(totals: Sequence[Mapping[str, Any]], said: Sequence[Mapping[str, Any]]) -> bool:
    """Every figure was compared, and nothing differs: not a cent, and no date or line either."""
    return not any(t["difference"] or t["listed"] for t in totals) and not any(s["is_blocking"] for s in said)


def refused_by(house: Services, connection: Connection) -> list[dict[str, Any]]:
    """The data-quality checks that keep a connection from being reconciled, and the rows that fail them."""
    found: list[dict[str, Any]] = []
    with house.db.transaction(connection.tenant) as tx:
        for one in verdicts.failing(tx, connection.name, [spec.name for spec in entities()]):
            rows = verdicts.rows_of(tx, one.connection, one.entity, one.check_name, limit=verdicts.LISTED_ROWS_MAX)
            found.append(
                {
                    "entity": one.entity,
                    "check": one.check_name,
                    "says": one.says,
                    "told": told(one, rows[:SHOWN_ROWS_MAX]),
                    "failed_count": one.failed_count,
                    "page": one.page,
                    "rows": [
                        {"key": r.row_key, "external_id": r.external_id, "called": r.called, "found": r.found}
                        for r in rows
                    ],
                }
            )
    return found


def print_refused(name: str, found: Sequence[Mapping[str, Any]]) -> None:
    """What stopped a reconciliation: check by check, with the first rows."""
    if not found:
        return
    err.print(f"{name}: not reconciled, because rows fail their checks:", style="red", highlight=False)
    for one in found:
        err.print(f"  {one['told']}", style="red", markup=False, highlight=False, soft_wrap=True)
    err.print("  every one of them: select * from sync.failing_rows where cleared_at is null", highlight=False)


def totals_of(house: Services, connection: Connection, dagster_run_id: str) -> list[dict[str, Any]]:
    with house.db.transaction(connection.tenant) as tx:
        return reconciliation.of_dagster_run(tx, connection.name, dagster_run_id)


def statements_of(house: Services, connection: Connection, dagster_run_id: str) -> list[dict[str, Any]]:
    with house.db.transaction(connection.tenant) as tx:
        return reconciliation.statements_of_dagster_run(tx, connection.name, dagster_run_id)


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
