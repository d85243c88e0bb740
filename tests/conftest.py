"""What many tests share: one real PostgreSQL for the whole session and empty databases on it, made in milliseconds.

Belongs here: only what tests of several folders use. Builders of records are in `tests/builders.py`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from resources.stores.embedded import Role, Server, ensure_running
from tests import session_home

# Nothing of a test survives a power cut, and nothing needs to. What was written before is in memory, so not too much.
THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "5min",
    "max_wal_size": "256MB",
}


@dataclass(frozen=True, slots=True)
class ScratchDatabase:
    """A database of one test's own, owned by the role `owner`; gone after the test."""

    name: str
    server: Server

    def url(self, role: Role = "owner") -> str:
        return self.server.url(role, self.name)

    def connect(self, role: Role = "owner", *, autocommit: bool = True) -> psycopg.Connection:
        return psycopg.connect(self.url(role), autocommit=autocommit)


Prepare = Callable[[ScratchDatabase], None]
NewDatabase = Callable[..., ScratchDatabase]


# What runs for half a minute or more starts first: at the end of a session no worker waits for another's long file.
LONGEST_FIRST = (
    "tests/pipelines/test_demo.py",
    "tests/faults/test_schedules_1.py",
    "tests/faults/test_schedules_2.py",
    "tests/faults/test_schedules_3.py",
    "tests/faults/test_schedules_4.py",
    "tests/faults/test_schedules_xero.py",
    "tests/pipelines/test_cli.py",
    "tests/assets/test_reconciliation.py",
    "tests/journeys/",
    "tests/conformance/",
    "tests/pipelines/test_up.py",
    "tests/resources/stores/test_migrate.py",
    "tests/sandbox/test_load_retail.py",
    "tests/sandbox/quickbooks/test_books_balance.py",
    "tests/sandbox/xero/test_books_balance.py",
    "tests/faults/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which pytest-xdist hands files out; within a file it stays as it is."""

    def place(item: pytest.Item) -> int:
        known = (n for n, path in enumerate(LONGEST_FIRST) if item.nodeid.startswith(path))
        return next(known, len(LONGEST_FIRST))

    items.sort(key=place)


def pytest_unconfigure(config: pytest.Config) -> None:
    """When every worker has gone. pytest makes the folder for its own fixtures and tells no hook of it."""
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is not None and not hasattr(config, "workerinput"):
        session_home.remove(factory.getbasetemp())


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> Iterator[None]:
    """No test depends on what the person running it has in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("TIEOUT_", "DAGSTER_"))]:
            patch.delenv(name)
        patch.setenv("DAGSTER_DISABLE_TELEMETRY", "yes")
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The embedded PostgreSQL of this session; the workers of pytest-xdist share one, as processes of one home do."""
    base = tmp_path_factory.getbasetemp()
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    with ensure_running(session_home.home_of(base.parent if is_worker else base), options=THROW_AWAY) as server:
        yield server


@pytest.fixture(scope="session")
def new_database(server: Server) -> Iterator[NewDatabase]:
    """`new_database()` makes an empty database, `new_database(prepare)` one that `prepare` has filled.

    `prepare(database)` runs once a session and its result is copied from then on (about 40 ms), so give it a function
    of a module, not a fresh lambda. It must leave no connection open.
    """
    templates: dict[Prepare, str] = {}
    names: list[str] = []

    def create(template: str) -> ScratchDatabase:
        database = ScratchDatabase(f"test_{secrets.token_hex(6)}", server)
        with psycopg.connect(server.url("owner", "postgres"), autocommit=True) as owner:
            owner.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    sql.Identifier(database.name), sql.Identifier(template)
                )
            )
        names.append(database.name)
        return database

    def new(prepare: Prepare | None = None) -> ScratchDatabase:
        if prepare is None:
            return create("template0")
        if prepare not in templates:
            template = create("template0")
            prepare(template)
            templates[prepare] = template.name
        return create(templates[prepare])

    yield new
    for name in names:
        drop_database(server, name)


@pytest.fixture
def fresh_database(server: Server, new_database: NewDatabase) -> Iterator[ScratchDatabase]:
    """An empty database for one test."""
    database = new_database()
    yield database
    drop_database(server, database.name)


@pytest.fixture(scope="module")
def module_database(server: Server, new_database: NewDatabase) -> Iterator[ScratchDatabase]:
    """An empty database for the tests of one module."""
    database = new_database()
    yield database
    drop_database(server, database.name)


def drop_database(server: Server, name: str) -> None:
    with psycopg.connect(server.url("superuser", "postgres"), autocommit=True) as superuser:
        superuser.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
