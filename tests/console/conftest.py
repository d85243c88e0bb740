"""One house and one gateway for all tests of the console in a process, one browser a module: starting takes time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from docs.take_pictures import CHROMIUM, FLAGS
from resources.stores import api_keys
from tests.books import Books
from tests.conftest import NewDatabase
from tests.gateway.conftest import key_of, serving
from tests.house import Simulator, connect_simulator, open_house, prepare_database, running_simulator

# Two cores and other tests beside it.
WAIT_MILLISECONDS_MAX = 60_000
expect.set_options(timeout=WAIT_MILLISECONDS_MAX)
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@dataclass(frozen=True)
class House:
    """A synced company, the gateway over it, and a key of each role."""

    books: Books
    url: str
    keys: dict[str, str]


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    with running_simulator("--no-limits", "--seed", "demo") as running:
        yield running


@pytest.fixture(scope="session")
def house(new_database: NewDatabase, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    home: Path = tmp_path_factory.mktemp("home")
    database = new_database(prepare_database)
    with open_house(database, home) as services:
        connect_simulator(services, simulator)
        books = Books(services, database, simulator, home)
        services.pace = 0.05
        books.sync()
        with serving(services, calls_a_minute_max=100_000) as url:
            keys = {role: key_of(books, role) for role in api_keys.ROLES}
            yield House(books, url, {**keys, "stranger": key_of(books, "admin", "elsewhere")})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """No longer than a module: while it runs, no test of this process could begin an event loop of its own."""
    if not Path(CHROMIUM).exists():
        without = f"found no {CHROMIUM}, expected Debian's Chromium: apt-get install chromium"
        # The two commands need no system packages; where changes are judged it has to be there.
        assert "CI" not in os.environ, without
        pytest.skip(without)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield launched
        launched.close()


@contextmanager
def logged_in(browser: Browser, house: House, role: str = "admin", **options: object) -> Iterator[Page]:
    """A window of its own, in which somebody has logged in with a key; whatever fails in the page fails the test."""
    window = browser.new_context(base_url=house.url, viewport=WIDE, **options)  # type: ignore[arg-type]
    window.set_default_timeout(WAIT_MILLISECONDS_MAX)
    page = window.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda said: broken.append(said.text) if "Content Security Policy" in said.text else None)
    try:
        page.goto("/console/login")
        page.get_by_label("Your key").fill(house.keys[role])
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/console/connections")
        yield page
        assert broken == []
    finally:
        window.close()


@pytest.fixture
def admin(browser: Browser, house: House) -> Iterator[Page]:
    with logged_in(browser, house) as page:
        yield page


class Visit:
    """Somebody at the console without a browser: cookies are kept, forms carry the token of the page they are on."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()

    def get(self, path: str, **options: object) -> requests.Response:
        return self.session.get(f"{self.url}{path}", timeout=WAIT_MILLISECONDS_MAX / 1000, **options)  # type: ignore[arg-type]

    def post(self, path: str, *, csrf: str | None = None, **form: str) -> requests.Response:
        given = {"csrf": self.csrf() if csrf is None else csrf, **form}
        return self.session.post(
            f"{self.url}{path}", data=given, timeout=WAIT_MILLISECONDS_MAX / 1000, allow_redirects=False
        )

    def csrf(self, path: str = "/console/connections") -> str:
        return self.get(path).text.partition('name="csrf" value="')[2].partition('"')[0]

    def log_in(self, key: str, next_path: str = "") -> requests.Response:
        return self.post("/console/login", csrf=self.csrf("/console/login"), key=key, next=next_path)


@pytest.fixture
def visits(house: House) -> dict[str, Visit]:
    """Somebody of each role, and "stranger" (another tenant's admin)."""
    found = {}
    for role, key in house.keys.items():
        found[role] = Visit(house.url)
        assert found[role].log_in(key).status_code == 303
    return found
