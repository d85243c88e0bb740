"""One process of the product that can be struck anywhere: it does one action after the other until it dies.

An action: `do` (delta, full, push, resolve, peace), `connection`, and `strike`, what happens when a point is passed for
the nth time:
`kill`: SIGKILL · `cut`: the database drops every worker's connection · `restart`: the whole server is stopped at once,
as by a crash, and started again · `zombie`: the lease runs out, another worker does the whole action, and this one goes
on as if nothing had been · `write`: somebody writes into the ledger, `statement` and `values`, unless the row is locked
just then.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from ledger.policies import Side
from resources import points
from resources.services import Services
from resources.settings import Settings
from resources.stages import resolve
from resources.stages import sync as whole_way
from resources.stages.deciding import Decision
from resources.stores import embedded
from resources.stores.leases import LeaseLostError
from tests.books import ENCRYPTION_KEY, TENANT
from tests.faults import mutants
from tests.faults.cluster import CLUSTER
from tests.faults.crew import hire
from tests.faults.erps import erp_of

ROUNDS_MAX = 6
LOCK_MILLISECONDS = 100
# What an action ends with whose work was taken over.
LOST = 3


class Worker:
    """`url`: the database; `home`: where the product keeps its files; `server`: where the database's server does;
    `mutant`: how it is broken, if it is.
    """

    def __init__(self, erp: str, url: str, home: Path, server: Path, mutant: str) -> None:
        self.erp, self.url, self.home, self.server, self.mutant = erp, url, home, server, mutant
        self.action: dict[str, Any] = {}
        self.seen: Counter[str] = Counter()
        self.pipe = -1
        self._services: Services | None = None

    def serve(self, reading: int, writing: int) -> int:
        """Do what is asked, line by line, until nothing more comes."""
        self.pipe = writing
        self._services = None
        points.hook = self.pass_point
        mutants.apply(self.mutant, self.erp)
        with os.fdopen(reading) as asked:
            for line in asked:
                self.action = json.loads(line)
                self.seen.clear()
                self.tell(code=self.run())
        return 0

    def tell(self, **report: Any) -> None:
        os.write(self.pipe, json.dumps(report).encode() + b"\n")

    def run(self) -> int:
        try:
            ACTIONS[self.action["do"]](self, self.services())
        except LeaseLostError as error:
            self.tell(said=f"{type(error).__name__}: {error}")
            return LOST
        except Exception as error:
            self.tell(said=f"{type(error).__name__}: {error}")
            return 1
        return 0

    def services(self) -> Services:
        """Opened once, as every process of the product does."""
        if self._services is None:
            settings = Settings(
                home=self.home,
                database_url=self.url,
                encryption_key=ENCRYPTION_KEY,
                partition_start=date(2026, 1, 1),
                pull_interval_seconds=300,
                tenant=TENANT,
                connections={},
            )
            self._services = Services(settings)
            self._services.pace = erp_of(self.erp).pace
        return self._services

    def pass_point(self, name: str) -> None:
        self.seen[name] += 1
        self.tell(passed=name)
        strike = self.action.get("strike")
        if strike and strike["point"] == name and strike["nth"] == self.seen[name]:
            getattr(self, strike["how"])(strike)

    # Strikes

    def kill(self, strike: dict[str, Any]) -> None:
        self.tell(struck=True)
        os.kill(os.getpid(), signal.SIGKILL)

    def cut(self, strike: dict[str, Any]) -> None:
        with self._hand() as hand:
            hand.execute(
                # Waits until each is gone: one that is still dying would fail whoever comes next.
                "select pg_terminate_backend(pid, 10000) from pg_stat_activity where datname = current_database() "
                "and application_name = 'worker'"
            )
        self.tell(struck=True)

    def restart(self, strike: dict[str, Any]) -> None:
        """SIGQUIT is PostgreSQL's immediate shutdown: it writes nothing more, and recovers when it starts."""
        server = embedded.status(self.server)
        assert server.pid is not None, server
        os.kill(server.pid, signal.SIGQUIT)
        embedded.ensure_running(self.server, options=CLUSTER).close()
        self.tell(struck=True)

    def zombie(self, strike: dict[str, Any]) -> None:
        """Outside of transactions only: within one, the lease's row is locked and nobody can take it over."""
        with self._hand() as hand:
            try:
                hand.execute("update sync.leases set expires_at = now() where name like 'sync:%'")
            except psycopg.errors.LockNotAvailable:
                return
        self.tell(struck=True)
        other = hire(Worker(self.erp, self.url, self.home, self.server, self.mutant).serve, self.mutant)
        other.give({key: value for key, value in self.action.items() if key != "strike"})
        self.tell(taken_over=other.end()["code"])
        if not other.is_dead():
            other.dismiss()
            os.waitpid(other.pid, 0)

    def write(self, strike: dict[str, Any]) -> None:
        with self._hand() as hand:
            hand.execute("select set_config('tieout.tenant', %s, false)", (TENANT,))
            hand.execute("set role tieout_app")
            try:
                found = hand.execute(strike["statement"], strike["values"]).fetchone()
            except psycopg.errors.LockNotAvailable:
                return
        self.tell(struck=True, written=None if found is None else found[0])

    def _hand(self) -> psycopg.Connection[Any]:
        """Somebody else's connection, who waits for no lock."""
        return psycopg.connect(
            self.url, autocommit=True, application_name="hand", options=f"-c lock_timeout={LOCK_MILLISECONDS}"
        )


def delta(worker: Worker, services: Services) -> None:
    report = whole_way.sync(services, worker.action["connection"], kind="delta")
    worker.tell(changed={e: [o.inserted, o.updated, o.deleted] for e, o in report.outcomes.items() if not o.is_quiet})


def full(worker: Worker, services: Services) -> None:
    whole_way.sync(services, worker.action["connection"], kind="full")


def push(worker: Worker, services: Services) -> None:
    whole_way.push(services, worker.action["connection"])


def decide(worker: Worker, services: Services) -> None:
    resolve.resolve(
        services, worker.action["conflict"], Decision(by="ada@books.example", keep=Side(worker.action["keep"]))
    )


def peace(worker: Worker, services: Services) -> None:
    """Sync and push until neither has anything left to do; says how many rounds it took and what the last one did."""
    name = worker.action["connection"]
    for taken in range(1, ROUNDS_MAX + 1):
        changed = whole_way.sync(services, name, kind="delta")
        _, pushed = whole_way.push(services, name)
        whole_way.check_conflicts(services)
        if not pending(services) and not pushed.pushed and all(o.is_quiet for o in changed.outcomes.values()):
            worker.tell(rounds=taken)
            return
    worker.tell(rounds=None, pending=pending(services))


def pending(services: Services) -> list[list[str]]:
    """What the push has still to look at, what it has sent without knowing what came of it, what no sync has taken."""
    with services.db.transaction(TENANT) as tx:
        return tx.execute(
            "select 'edit', entity || '/#' || ledger_id from sync.edits where looked_at is null union all "
            "select 'intent', entity || '/#' || ledger_id from sync.outbox o where state in ('sent', 'waiting') "
            # A create in doubt that a person is asked about rests.
            "and not (operation = 'create' and state = 'sent' and exists (select from sync.errors e "
            "where e.resolved_at is null and e.entity = o.entity and e.external_id = '#' || o.ledger_id)) "
            "union all select 'notice', entities[1] || '/' || external_id from sync.inbox where taken_at is null"
        ).fetchall()


ACTIONS: dict[str, Callable[[Worker, Services], None]] = {
    "delta": delta,
    "full": full,
    "push": push,
    "resolve": decide,
    "peace": peace,
}
