"""The product in processes of its own that can be struck anywhere: a warm parent that forks one for each action.

Run as `python -m tests.faults.zygote URL HOME`, it reads one JSON list of actions a line on standard input, runs each
in a child of its own, all at once, and answers with a list of how each ended: `code` (minus a signal's number), `said`
(what it failed with), `passed` (points by count), `struck` (whether its strike came), and what the action reports.

An action: `do` (delta, full, push, resolve, peace), `connection`, `mutant` (a name in `mutants.py`: the protocol broken
on purpose), and `strike`, what happens when a point is passed for the nth time:
`kill`: SIGKILL · `cut`: the database drops every worker's connection · `zombie`: the lease runs out, another worker
does the whole action, and this one goes on as if nothing had been · `write`: somebody writes into the ledger,
`statement` and `values`, unless the row is locked just then.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
import time
import types
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from ledger.policies import Side
from resources import points
from resources.erps import erp_of
from resources.erps.quickbooks import errors as quickbooks_errors
from resources.erps.quickbooks import profile
from resources.services import Services
from resources.settings import Settings
from resources.stages import resolve
from resources.stages import sync as whole_way
from resources.stages.deciding import Decision
from resources.stores.leases import LeaseLostError
from tests.books import ENCRYPTION_KEY, TENANT
from tests.faults import mutants

ROUNDS_MAX = 6
WAITS_SHORTENED = 0.02
LOCK_MILLISECONDS = 100
# What a worker whose work was taken over ends with.
LOST = 3


def main() -> None:
    url, home = sys.argv[1], Path(sys.argv[2])
    warm_up()
    for line in sys.stdin:
        children = [start(url, home, action) for action in json.loads(line)]
        print(json.dumps([end_of(*child) for child in children]), flush=True)


def warm_up() -> None:
    """Import what every child needs, so that none of them has to, and shorten every wait."""
    import resources.erps.quickbooks.auth
    import resources.erps.quickbooks.client
    import resources.erps.quickbooks.writing
    import resources.http
    import resources.oauth

    erp_of("quickbooks").mappings()
    quickbooks_errors.THROTTLED_SECONDS = profile.THROTTLED_SECONDS = WAITS_SHORTENED
    resources.http.RETRY_DELAY_SECONDS_MIN = resources.http.RETRY_DELAY_SECONDS_MAX = 0.0
    whole_way.time = types.SimpleNamespace(  # type: ignore[assignment]
        monotonic=time.monotonic, sleep=lambda seconds: time.sleep(seconds * WAITS_SHORTENED)
    )
    # A pool whose connections were dropped says so; that they were is our own doing.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    # What is not moved to the permanent generation would be copied into every child by its first collection.
    gc.freeze()


def start(url: str, home: Path, action: dict[str, Any]) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.close(reading)
    code = 1
    try:
        code = Child(url, home, action, writing).run()
    finally:
        os._exit(code)


def end_of(pid: int, pipe: int) -> dict[str, Any]:
    with os.fdopen(pipe) as told:
        reports = [json.loads(report) for report in told]
    _, status = os.waitpid(pid, 0)
    passed = Counter(name for report in reports if "passed" in report for name in [report["passed"]])
    found: dict[str, Any] = {"code": os.waitstatus_to_exitcode(status), "said": "", "struck": False, "passed": passed}
    for report in reports:
        found.update({key: value for key, value in report.items() if key != "passed"})
    return found


class Child:
    """One action on a house of its own."""

    def __init__(self, url: str, home: Path, action: dict[str, Any], pipe: int) -> None:
        self.url, self.home, self.action, self.pipe = url, home, action, pipe
        self.seen: Counter[str] = Counter()

    def tell(self, **report: Any) -> None:
        os.write(self.pipe, json.dumps(report).encode() + b"\n")

    def run(self) -> int:
        points.hook = self.pass_point
        mutants.apply(self.action.get("mutant", ""))
        settings = Settings(
            home=self.home,
            database_url=self.url,
            encryption_key=ENCRYPTION_KEY,
            partition_start=date(2026, 1, 1),
            pull_interval_seconds=300,
            tenant=TENANT,
            connections={},
        )
        try:
            with Services(settings) as services:
                services.pace = 0.0
                ACTIONS[self.action["do"]](self, services)
        except LeaseLostError as error:
            self.tell(said=f"{type(error).__name__}: {error}")
            return LOST
        except Exception as error:
            self.tell(said=f"{type(error).__name__}: {error}")
            return 1
        return 0

    def pass_point(self, name: str) -> None:
        self.seen[name] += 1
        self.tell(passed=name)
        strike = self.action.get("strike")
        if strike and strike["point"] == name and strike["nth"] == self.seen[name]:
            self.tell(struck=True)
            getattr(self, strike["how"])(strike)

    # Strikes

    def kill(self, strike: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def cut(self, strike: dict[str, Any]) -> None:
        with psycopg.connect(self.url, autocommit=True, application_name="hand") as hand:
            hand.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
                "and application_name = 'worker'"
            )

    def zombie(self, strike: dict[str, Any]) -> None:
        """Waits outside of transactions only: within one, the lease's row is locked and nobody can take it over."""
        with psycopg.connect(self.url, autocommit=True, application_name="hand") as hand:
            hand.execute(f"set lock_timeout = {LOCK_MILLISECONDS}")
            try:
                hand.execute("update sync.leases set expires_at = now() where name like 'sync:%'")
            except psycopg.errors.LockNotAvailable:
                return
        other = {key: value for key, value in self.action.items() if key != "strike"}
        ended = end_of(*start(self.url, self.home, other))
        self.tell(taken_over=ended["code"])

    def write(self, strike: dict[str, Any]) -> None:
        with psycopg.connect(self.url, autocommit=True, application_name="hand") as hand:
            hand.execute(f"set lock_timeout = {LOCK_MILLISECONDS}")
            hand.execute("select set_config('tieout.tenant', %s, false)", (TENANT,))
            hand.execute("set role tieout_app")
            try:
                found = hand.execute(strike["statement"], strike["values"]).fetchone()
            except psycopg.errors.LockNotAvailable:
                return
            self.tell(written=None if found is None else found[0])


def delta(child: Child, services: Services) -> None:
    report = whole_way.sync(services, child.action["connection"], kind="delta")
    child.tell(changed={e: [o.inserted, o.updated, o.deleted] for e, o in report.outcomes.items() if not o.is_quiet})


def full(child: Child, services: Services) -> None:
    whole_way.sync(services, child.action["connection"], kind="full")


def push(child: Child, services: Services) -> None:
    whole_way.push(services, child.action["connection"])


def decide(child: Child, services: Services) -> None:
    resolve.resolve(
        services, child.action["conflict"], Decision(by="ada@books.example", keep=Side(child.action["keep"]))
    )


def peace(child: Child, services: Services) -> None:
    """Sync and push until neither has anything left to do; says how many rounds it took and what the last one did."""
    name = child.action["connection"]
    for taken in range(1, ROUNDS_MAX + 1):
        changed = whole_way.sync(services, name, kind="delta")
        _, pushed = whole_way.push(services, name)
        whole_way.check_conflicts(services)
        if not pending(services) and not pushed.pushed and all(o.is_quiet for o in changed.outcomes.values()):
            child.tell(rounds=taken)
            return
    child.tell(rounds=None, pending=pending(services))


def pending(services: Services) -> list[list[str]]:
    """What the push has still to look at, and what it has sent without knowing what came of it."""
    with services.db.transaction(TENANT) as tx:
        return tx.execute(
            "select 'edit', entity || '/#' || ledger_id from sync.edits where looked_at is null union all "
            "select 'intent', entity || '/#' || ledger_id from sync.outbox where state in ('sent', 'waiting')"
        ).fetchall()


ACTIONS: dict[str, Callable[[Child, Services], None]] = {
    "delta": delta,
    "full": full,
    "push": push,
    "resolve": decide,
    "peace": peace,
}

if __name__ == "__main__":
    main()
