"""The order of the show: two ERPs' companies, one ledger, and people at work on all three.

Syncs the first company, lets the second meet the ledger that is there then, lets people work on every side, syncs and
pushes that, holds a conflict for a person, reconciles, and then leaves Dagster's UI running. `--once` stops after the
reconciliation: exit 0 if both companies tied out with the ledger.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ledger.policies import Side
from pipelines.commands.console import EXIT_DONE, EXIT_FOUND_WRONG, out, print_statements, say_failed
from pipelines.commands.meeting import print_meeting
from pipelines.commands.reconciling import is_tied_out, print_totals, statements_of, totals_of
from pipelines.commands.setup import initialise
from pipelines.commands.syncing import outcome_of, print_outcome
from pipelines.demo import people
from pipelines.demo.company import Company
from pipelines.demo.people import CLERK
from pipelines.demo.quickbooks import QuickBooks
from pipelines.demo.setting_up import refuse_taken_ports, simulators, start_afresh
from pipelines.demo.xero import Xero
from pipelines.jobs import DELTA_SYNC, FULL_SYNC, PUSH, RECONCILE
from pipelines.running import run_job
from resources.connecting import add_connection, test_connection
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stages.deciding import Decision
from resources.stages.resolve import resolve
from resources.stages.sync import meet
from resources.stores import conflicts

# The simulators of the demo count no calls, so nothing need wait for the next minute's.
PACE = 0.05
CAST: tuple[type[Company], ...] = (QuickBooks, Xero)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit code is that of the command line."""
    parser = argparse.ArgumentParser(prog="make demo ARGS=...", description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the reconciliation instead of serving the UI")
    parser.add_argument("--port", type=int, default=3000, help="where the Dagster UI listens")
    parser.add_argument("--home", type=Path, default=Path(".tieout/demo"), help="where the demo keeps its data")
    options = parser.parse_args(arguments)
    try:
        if not options.once:
            refuse_taken_ports(options.port)
        start_afresh(options.home)
        _settle_in(options.home.absolute())
        with simulators([company.erp for company in CAST]) as addresses:
            companies = [company(address) for company, address in zip(CAST, addresses, strict=True)]
            return _show(companies, options)
    except TieoutError as error:
        return say_failed(error)
    except KeyboardInterrupt:
        return EXIT_DONE


def _settle_in(home: Path) -> None:
    """The demo's own settings, and nothing of books in earnest: no database, key, tenant or connection of theirs."""
    for name in [name for name in os.environ if name.startswith("TIEOUT_")]:
        del os.environ[name]
    os.environ["TIEOUT_HOME"] = str(home)
    os.environ["TIEOUT_CONNECTIONS"] = os.devnull
    # The demo's books begin today, so Dagster's pages show one day that is done and not a year that is missing.
    os.environ["TIEOUT_PARTITION_START"] = datetime.now(UTC).date().isoformat()


def _show(companies: Sequence[Company], options: argparse.Namespace) -> int:
    # Dagster's steps run in this process and use the same services.
    from resources.configured import ServicesResource

    house = ServicesResource().open()
    house.pace = PACE
    tenant = house.settings.tenant
    first, second = companies
    _say("1", f"A Postgres of its own in {options.home}, and two simulated companies")
    for company in companies:
        out.print(f"   - {company.title} at {company.base_url}", highlight=False)
    initialise(house)
    _say("2", f"The first company: its books, all of them, into an empty ledger ({first.title})")
    _connect(house, first)
    _run(house, FULL_SYNC, [first])
    _say("3", f"A second company, in {second.title}, meets a ledger that has customers: who is who, then its books")
    shared = people.first_customer(house, tenant, first)
    second.take_on(shared.name)
    _tell([f"its bookkeeper has a customer, {shared.name}, that the ledger knows from {first.title}"])
    _connect(house, second)
    print_meeting(meet(house, second.connection, is_applied=True, by=CLERK))
    # The meeting has read all of it into the mirror: what is left is to merge it.
    _run(house, DELTA_SYNC, [second])
    _say("4", "People work in both ERPs")
    first.rename(shared.external_id, f"{shared.name} & Daughters")
    _tell([f"{first.title}: renames {shared.name} to {shared.name} & Daughters"])
    for company in companies:
        _tell(f"{company.title}: {told}" for told in company.work())
    _say("5", "The next delta brings exactly what that touched")
    _run(house, DELTA_SYNC, companies)
    _say(
        "6",
        f"Somebody works in the ledger, and a push tells the ERPs, each edit once; {second.title} gets that name too",
    )
    _tell(people.work_in_the_ledger(house, tenant, companies))
    _run(house, PUSH, companies)
    disputed = people.untouched_invoice(house, tenant, first, 1)
    _say("7", f"Both sides at once: invoice {disputed.name} gets one note here and another in {first.title}")
    people.note(house, tenant, disputed.ledger_id, "private_note", "Call before delivery.")
    first.note_on_invoice(disputed.external_id, "Deliver to the back door.")
    _run(house, DELTA_SYNC, [first])
    _decide(house, tenant, first)
    _run(house, PUSH, [first])
    _say("8", "Data-quality checks, then control totals: each ERP's own balances against its part of the ledger")
    ties_out = _reconcile(house, companies)
    if options.once:
        return EXIT_DONE if ties_out else EXIT_FOUND_WRONG
    from pipelines.up import up

    _say("9", f"Dagster's UI and the console start on ports {options.port} and {options.port + 1}, in a moment")
    return up(house.settings, port=options.port)


def _say(number: str, text: str) -> None:
    out.print(f"\n[bold]{number}. {text}[/bold]", highlight=False, soft_wrap=True)


def _tell(deeds: Iterable[str]) -> None:
    for told in deeds:
        out.print(f"   - {told}", highlight=False)


def _connect(house: Services, company: Company) -> None:
    add_connection(
        house,
        name=company.connection,
        erp=company.erp,
        tenant=house.settings.tenant,
        base_url=company.base_url,
        values=company.credentials(),
    )
    report = test_connection(house, company.connection)
    _tell([f"{company.connection} is {report.company_name}, home currency {report.home_currency}"])


def _run(house: Services, job: str, companies: Sequence[Company]) -> None:
    for ran in run_job(house, job, [house.connection(company.connection) for company in companies]):
        if not ran.is_good:
            raise _broken(ran.connection, f"running {job}", ran.failures)
        print_outcome(ran.connection, outcome_of(house, house.connection(ran.connection), ran.dagster_run_id))


def _decide(house: Services, tenant: str, company: Company) -> None:
    """A conflict is held and shown; somebody keeps our side of it."""
    with house.db.transaction(tenant) as tx:
        (held,) = conflicts.list_open(tx, company.connection)
    out.print(
        f"   held as conflict {held.conflict_id} with {held.connection}: {held.record}: {held.says}", highlight=False
    )
    resolve(house, held.conflict_id, Decision(CLERK, Side.OURS))
    out.print("   decided: ours, which the next push brings over there", highlight=False)


def _reconcile(house: Services, companies: Sequence[Company]) -> bool:
    verdicts: list[bool] = []
    for ran in run_job(house, RECONCILE, [house.connection(company.connection) for company in companies]):
        if not ran.is_good:
            raise _broken(ran.connection, f"running {RECONCILE}", ran.failures)
        totals = totals_of(house, house.connection(ran.connection), ran.dagster_run_id)
        said = statements_of(house, house.connection(ran.connection), ran.dagster_run_id)
        print_totals(ran.connection, totals)
        print_statements(said)
        ties_out = bool(totals) and is_tied_out(totals, said)
        says = "both books tie out." if ties_out else "they do not tie out."
        out.print(f"{ran.connection}: {says}", style="bold green" if ties_out else "red", highlight=False)
        verdicts.append(ties_out)
    return all(verdicts)


def _broken(connection: str, doing: str, failures: Sequence[str]) -> TieoutError:
    return TieoutError(
        ErrorKind.SYSTEM,
        connection=connection,
        doing=doing,
        found="; ".join(failures),
        expected="a green one",
        next_step=f"see `TIEOUT_HOME={os.environ['TIEOUT_HOME']} tieout errors`",
    )
