"""One connection's whole way for tests: a simulated company, a database, and what a sync made of the one in the other.

Belongs here: fixtures and questions shared by the tests of stages and by the journeys. Starting a simulator and making
a connection is `tests/house.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests
from psycopg import sql
from psycopg.rows import dict_row

from ledger.reconcile import MODULES, Result
from resources.services import Services
from resources.settings import Settings
from resources.stages import sync as whole_way
from resources.stages.push import PushReport
from resources.stages.sync import SyncReport
from resources.stores import errors
from tests.conftest import NewDatabase, ScratchDatabase, drop_database
from tests.house import CONNECTION, Simulator, connect_simulator, prepare_database, running_simulator

TENANT = "default"
SHARED = Path(__file__).parents[2] / "shared"
ENCRYPTION_KEY = bytes(range(32))

_as_json = msgspec.json.Encoder(decimal_format="number").encode


def open_services(url: str, home: Path) -> Services:
    """Services on a given database, whatever the environment says."""
    return Services(
        Settings(
            home=home,
            database_url=url,
            encryption_key=ENCRYPTION_KEY,
            partition_start=date(2026, 1, 1),
            pull_interval_seconds=300,
            tenant=TENANT,
            connections={},
        )
    )


class Died(Exception):
    """A process ended in the middle of what it did."""


@dataclass
class Books:
    """One connection: its simulated company, its database, and what one wants to ask of both."""

    services: Services
    database: ScratchDatabase
    simulator: Simulator
    home: Path
    name: str = CONNECTION
    tenant: str = TENANT

    def sync(self, kind: str = "delta", **more: Any) -> SyncReport:
        return whole_way.sync(self.services, self.name, kind=kind, **more)

    def push(self, **more: Any) -> PushReport:
        _, pushed = whole_way.push(self.services, self.name, **more)
        return pushed

    def push_and_die(self, monkeypatch: pytest.MonkeyPatch, where: str = "after_send") -> None:
        """Push and die `before_send` (it has not happened) or `after_send` (it has, and nobody knows)."""

        def hook(name: str) -> None:
            if name == where:
                raise Died

        with monkeypatch.context() as patched:
            patched.setattr("resources.points.hook", hook)
            with pytest.raises(Died):
                self.push()

    def reconcile(self, *modules: str) -> dict[tuple[str, str], Result]:
        """(module, currency) -> result."""
        chosen = [MODULES[name] for name in modules or MODULES]
        found = whole_way.reconcile(self.services, self.name, chosen)
        return {(one.module.name, result.currency): result for one in found for result in one.results}

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        with self.services.db.transaction(self.tenant) as tx, tx.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement, values).fetchall()

    def value(self, statement: str, *values: Any) -> Any:
        """The only column of the only row."""
        (row,) = self.rows(statement, *values)
        (value,) = row.values()
        return value

    def change(self, statement: str, *values: Any) -> int:
        """Somebody works on our tables by hand; returns how many rows it touched."""
        with self.services.db.transaction(self.tenant) as tx:
            return tx.execute(statement, values).rowcount

    def let_the_windows_pass(self) -> None:
        """What was asked so far counts no more against the calls a minute or a day that the company allows."""
        self.change("update sync.api_slots set free_at = clock_timestamp() where lane <> 'flight'")

    def ledger_row(self, entity: str, external_id: str) -> dict[str, Any]:
        (row,) = self.rows(
            f"select l.* from ledger.{entity} l join sync.bindings b on b.entity = %s and b.ledger_id = l.ledger_id "
            "where b.connection = %s and b.external_id = %s",
            entity,
            self.name,
            external_id,
        )
        return row

    def ledger_ids(self, entity: str) -> set[str]:
        """External ids of the live rows of the ledger."""
        return {
            row["external_id"]
            for row in self.rows(
                f"select b.external_id from ledger.{entity} l join sync.bindings b on b.entity = %s "
                "and b.ledger_id = l.ledger_id where b.connection = %s and not l.is_deleted",
                entity,
                self.name,
            )
        }

    def mirror_ids(self, entity: str) -> set[str]:
        """External ids of the live rows of the mirror."""
        return {
            row["external_id"]
            for row in self.rows(
                f"select external_id from mirror.{entity} where connection = %s and not is_deleted", self.name
            )
        }

    def mirror_version(self, entity: str, external_id: str) -> dict[str, Any]:
        """Where one mirror row stands; equal before and after means that nothing was written."""
        (row,) = self.rows(
            f"select xmin::text, change_seq, version_token, modified_at, is_deleted, payload from mirror.{entity} "
            "where connection = %s and external_id = %s",
            self.name,
            external_id,
        )
        return row

    def open_errors(self) -> list[dict[str, Any]]:
        with self.services.db.transaction(self.tenant) as tx:
            return errors.open_errors(tx, self.name)

    def held(self) -> dict[tuple[str, str], dict[str, Any]]:
        """(entity, external id) -> its open error."""
        return {(e["entity"], e["external_id"]): e for e in self.open_errors()}

    def load(self, objects: Mapping[str, Sequence[Any]]) -> None:
        """Put objects into the company as given, numbers with their scale, `msgspec.Raw` values as they stand."""
        answer = requests.post(
            f"{self.simulator.base_url}/_sandbox/load",
            data=_as_json(objects),
            headers={"Content-Type": "application/json"},
            timeout=60,
        )
        assert answer.ok, answer.text[:500]

    def edit(self, operation: str, entity: str, external_id: str | None = None, **body: Any) -> dict[str, Any]:
        """A person in QuickBooks creates, updates, deletes or voids one record; returns what QuickBooks answered."""
        edit: dict[str, Any] = {"operation": operation, "entity": entity}
        if external_id is not None:
            edit["id"] = external_id
        if body:
            edit["body"] = body
        return self.simulator.post("edit", edit)[entity]

    def renew_grant(self) -> None:
        """Connect anew, as after a reset of the simulator, which forgets whom it has granted what."""
        minted = self.simulator.post("tokens")
        vault = self.services.vault(self.tenant)
        self.change("delete from sync.token_journal")
        self.change("delete from sync.token_attempts")
        for key in ("client_secret", "refresh_token"):
            vault.put(self.name, key, minted[key])
        self.change(
            "update sync.connections set settings = settings || jsonb_build_object('client_id', %s::text)",
            minted["client_id"],
        )

    def objects(self, entity: str) -> list[dict[str, Any]]:
        """What the company holds now."""
        return self.simulator.objects(entity)


def changed(report: SyncReport) -> dict[str, tuple[int, int, int]]:
    """Entity -> (inserted, updated, deleted), without those where nothing changed."""
    return {e: (o.inserted, o.updated, o.deleted) for e, o in report.outcomes.items() if not o.is_quiet}


def count_rows(books: Books, table: str) -> int:
    schema, name = table.split(".")
    with books.services.db.transaction(books.tenant) as tx:
        (count,) = tx.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(schema, name))).fetchone()
    return count


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with running_simulator("--no-limits") as running:
        yield running


@contextmanager
def opened_books(
    new_database: NewDatabase, simulator: Simulator, home: Path, seed: str, erp: str = "quickbooks"
) -> Iterator[Books]:
    """Reset the simulator to `seed` and connect a database of its own to it."""
    simulator.reset(seed)
    database = new_database(prepare_database)
    with open_services(database.url(), home) as services:
        connect_simulator(services, simulator, erp=erp)
        yield Books(services, database, simulator, home)
    drop_database(database.server, database.name)


@pytest.fixture
def books(new_database: NewDatabase, simulator: Simulator, tmp_path: Path) -> Iterator[Books]:
    """An empty company, connected."""
    with opened_books(new_database, simulator, tmp_path, "empty") as books:
        yield books


@pytest.fixture(scope="module")
def synced_demo(
    new_database: NewDatabase, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Books]:
    """The generated demo company, synced once for a module: its tests leave nothing unsynced behind."""
    with opened_books(new_database, simulator, tmp_path_factory.mktemp("home"), "demo") as books:
        books.sync()
        yield books


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeated calls follow each other at once."""
    monkeypatch.setattr("resources.http.RETRY_DELAY_SECONDS_MIN", 0.0)
    monkeypatch.setattr("resources.http.RETRY_DELAY_SECONDS_MAX", 0.0)
