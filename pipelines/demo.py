"""`make demo`: the whole way on a machine with nothing on it, against a simulated QuickBooks company.

Starts the embedded Postgres and the simulator, syncs, lets somebody work on either side, syncs and pushes that, holds a
conflict for a person, reconciles, and then leaves Dagster's UI running. `--once` stops after the reconciliation: exit 0
if both books tied out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from ledger.policies import Side
from pipelines.commands.console import EXIT_DONE, EXIT_FOUND_WRONG, out, say_failed
from pipelines.commands.setup import initialise
from pipelines.commands.syncing import outcome_of, print_outcome, print_totals, totals_of
from pipelines.demo_people import CLERK, call, disagree, work_in_quickbooks, work_in_the_ledger
from pipelines.jobs import DELTA_SYNC, FULL_SYNC, PUSH, RECONCILE
from pipelines.running import run_job
from resources.connecting import add_connection, test_connection
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stages.deciding import Decision
from resources.stages.resolve import resolve
from resources.stores import conflicts, embedded

CONNECTION = "qbo_demo"
MARKER = "this-is-the-demo"
UNUSED_SECONDS_MAX = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; the exit code is that of the command line."""
    parser = argparse.ArgumentParser(prog="make demo ARGS=...", description=__doc__)
    parser.add_argument("--once", action="store_true", help="stop after the reconciliation instead of serving the UI")
    parser.add_argument("--port", type=int, default=3000, help="where the Dagster UI listens")
    parser.add_argument("--home", type=Path, default=Path(".tieout/demo"), help="where the demo keeps its data")
    options = parser.parse_args(arguments)
    try:
        if not options.once:
            _refuse_taken_port(options.port)
        _start_afresh(options.home)
        os.environ["TIEOUT_HOME"] = str(options.home.absolute())
        # The demo's books begin today, so Dagster's pages show one day that is done and not a year that is missing.
        os.environ["TIEOUT_PARTITION_START"] = datetime.now(UTC).date().isoformat()
        with _simulator() as base_url:
            return _show(base_url, options)
    except TieoutError as error:
        return say_failed(error)
    except KeyboardInterrupt:
        return EXIT_DONE


def _show(base_url: str, options: argparse.Namespace) -> int:
    # Dagster's steps run in this process and use the same services.
    from resources.configured import ServicesResource

    house = ServicesResource().open()
    _say("1", f"A Postgres of its own in {options.home}, and a simulated QuickBooks company at {base_url}")
    initialise(house)
    _connect(house, base_url)
    _say("2", "First full sync: everything the company has")
    _run(house, FULL_SYNC)
    _say("3", "Somebody works in QuickBooks")
    for told in work_in_quickbooks(base_url):
        out.print(f"   - {told}", highlight=False)
    _say("4", "The next delta brings exactly what that touched")
    _run(house, DELTA_SYNC)
    tenant = house.connection(CONNECTION).tenant
    _say("5", "Somebody works in the ledger, and a push tells QuickBooks, each edit once")
    for told in work_in_the_ledger(house, tenant):
        out.print(f"   - {told}", highlight=False)
    _run(house, PUSH)
    _say("6", f"Both sides at once: {disagree(house, tenant, base_url, CONNECTION)}")
    _run(house, DELTA_SYNC)
    _decide(house, tenant)
    _run(house, PUSH)
    _say("7", "Data-quality checks, then both books by control totals: QuickBooks' own balances against the ledger")
    ties_out = _reconcile(house)
    if options.once:
        return EXIT_DONE if ties_out else EXIT_FOUND_WRONG
    from pipelines.up import up

    _say("8", f"Dagster's UI starts on port {options.port}, in ten seconds or so")
    return up(house.settings, port=options.port)


def _say(number: str, text: str) -> None:
    out.print(f"\n[bold]{number}. {text}[/bold]", highlight=False, soft_wrap=True)


def _connect(house: Services, base_url: str) -> None:
    minted = call(base_url, "/_sandbox/tokens")
    keys = ("realm_id", "client_id", "client_secret", "refresh_token")
    add_connection(
        house,
        name=CONNECTION,
        erp="quickbooks",
        tenant=house.settings.tenant,
        base_url=base_url,
        values={key: minted[key] for key in keys},
    )
    report = test_connection(house, CONNECTION)
    out.print(f"   {CONNECTION} is {report.company_name}, home currency {report.home_currency}", highlight=False)


def _run(house: Services, job: str) -> None:
    (ran,) = run_job(house, job, [house.connection(CONNECTION)])
    if not ran.is_good:
        raise _broken(f"running {job}", ran.failures)
    print_outcome(CONNECTION, outcome_of(house, house.connection(CONNECTION), ran.dagster_run_id))


def _decide(house: Services, tenant: str) -> None:
    """A conflict is held and shown; somebody keeps our side of it."""
    with house.db.transaction(tenant) as tx:
        (held,) = conflicts.list_open(tx, CONNECTION)
    out.print(f"   held as conflict {held.conflict_id}: {held.record}: {held.says}", highlight=False)
    resolve(house, held.conflict_id, Decision(CLERK, Side.OURS))
    out.print("   decided: ours, which the next push brings over there", highlight=False)


def _reconcile(house: Services) -> bool:
    (ran,) = run_job(house, RECONCILE, [house.connection(CONNECTION)])
    if not ran.is_good:
        raise _broken(f"running {RECONCILE}", ran.failures)
    totals = totals_of(house, house.connection(CONNECTION), ran.dagster_run_id)
    print_totals(CONNECTION, totals)
    ties_out = bool(totals) and not any(t["difference"] or t["breaks"] for t in totals)
    out.print("Both books tie out." if ties_out else "They do not tie out.", style="bold green" if ties_out else "red")
    return ties_out


def _broken(doing: str, failures: Sequence[str]) -> TieoutError:
    return TieoutError(
        ErrorKind.SYSTEM,
        connection=CONNECTION,
        doing=doing,
        found="; ".join(failures),
        expected="a green one",
        next_step=f"see `TIEOUT_HOME={os.environ['TIEOUT_HOME']} tieout errors`",
    )


def _start_afresh(home: Path) -> None:
    """Remove what an earlier demo left; a folder that is not a demo's is refused."""
    if home.exists() and any(home.iterdir()) and not (home / MARKER).exists():
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing=f"starting the demo in {home}",
            found="files that no demo made",
            expected="an empty folder, or that of an earlier demo",
            next_step="name another folder with --home",
        )
    if home.exists():
        _wait_until_unused(home)
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / MARKER).write_text("Everything here is made anew by every `make demo`.\n")


def _wait_until_unused(home: Path) -> None:
    """A demo that was killed is gone within seconds; one that runs keeps its database, which must not be removed."""
    deadline = time.monotonic() + UNUSED_SECONDS_MAX
    while embedded.status(home).state not in ("absent", "stopped"):
        if time.monotonic() > deadline:
            raise TieoutError(
                ErrorKind.VALIDATION,
                doing=f"starting the demo in {home}",
                found="another demo at work there",
                expected="a folder that nothing uses",
                next_step="end that demo, or name another folder with --home and another port with --port",
            )
        time.sleep(0.2)


def _refuse_taken_port(port: int) -> None:
    """Said before the work, which takes a minute, and not after it."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise TieoutError(
                ErrorKind.VALIDATION,
                doing="starting the demo",
                found=f"something that listens on port {port}",
                expected="a free port for Dagster's UI",
                next_step=f'end it, or name another: make demo ARGS="--port {port + 1}"',
            )


@contextmanager
def _simulator() -> Iterator[str]:
    """The QuickBooks simulator as a process of its own, with its generated company; yields its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--erp", "quickbooks", "--port", "0", "--seed", "demo", "--with-parent"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if "listening on " not in line:
            raise TieoutError(
                ErrorKind.SYSTEM,
                doing="starting the QuickBooks simulator",
                found=line.strip() or f"exit code {process.wait()}",
                expected="the address it listens on",
                next_step="run `.venv/bin/python -m sandbox --erp quickbooks --port 8801` to see why",
            )
        yield line.split("listening on ")[1].strip()
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)
        process.kill()


if __name__ == "__main__":
    sys.exit(main())
