"""A gateway that listens, over a house with a synced company, and callers of each role."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn

from gateway.app import build_app
from resources.services import Services
from resources.stores import api_keys
from resources.stores.embedded import free_port
from tests.books import Books
from tests.conftest import NewDatabase
from tests.house import Simulator, connect_simulator, open_house, prepare_database, running_simulator

CALL_SECONDS_MAX = 20


@dataclass(frozen=True)
class Client:
    """Somebody with a key, or with none."""

    url: str
    key: str | None = None

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key is not None:
            named["Authorization"] = f"Bearer {self.key}"
        return requests.request(method, f"{self.url}{path}", json=body, headers=named, timeout=CALL_SECONDS_MAX)

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        return self.call("POST", path, body, **headers)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator("--no-limits", "--seed", "demo") as running:
        yield running


@pytest.fixture(scope="module")
def books(new_database: NewDatabase, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """The demo company, synced once for all tests of a module."""
    home: Path = tmp_path_factory.mktemp("home")
    database = new_database(prepare_database)
    with open_house(database, home) as house:
        connect_simulator(house, simulator)
        made = Books(house, database, simulator, home)
        made.sync()
        yield made


@pytest.fixture(scope="module")
def url(books: Books) -> Iterator[str]:
    """Where the gateway listens; no limit on calls, which has a gateway of its own."""
    with serving(books.services, calls_a_minute_max=100_000) as found:
        yield found


def key_of(books: Books, role: str, tenant: str = "default") -> str:
    with books.services.db.transaction(tenant) as tx:
        tx.execute("insert into sync.tenants (tenant_id) values (%s) on conflict do nothing", (tenant,))
        return api_keys.make(tx, tenant=tenant, name=f"a {role}", role=role, by="test")


@pytest.fixture(scope="module")
def callers(books: Books, url: str) -> dict[str, Client]:
    """By role, "stranger" (a tenant's admin elsewhere) and "nobody"."""
    made = {role: Client(url, key_of(books, role)) for role in api_keys.ROLES}
    return {**made, "stranger": Client(url, key_of(books, "admin", "elsewhere")), "nobody": Client(url)}


@pytest.fixture
def viewer(callers: dict[str, Client]) -> Client:
    return callers["viewer"]


@pytest.fixture
def operator(callers: dict[str, Client]) -> Client:
    return callers["operator"]


class serving:
    """Serve in a thread of this process as long as the block lasts."""

    def __init__(self, services: Services, **options: Any) -> None:
        self._port = free_port()
        config = uvicorn.Config(build_app(services, **options), port=self._port, log_config=None, lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            threading.Event().wait(0.01)
        return f"http://127.0.0.1:{self._port}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
