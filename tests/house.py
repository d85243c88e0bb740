"""A whole Tieout for tests: a migrated database, the simulator as a process of its own, a connection between them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from resources import configured
from resources.connecting import add_connection
from resources.erps import erp_of
from resources.services import Services
from resources.stores.migrate import bind_analyst, bind_writer, migrate
from tests.conftest import ScratchDatabase

ROOT = Path(__file__).parents[1]
CALL_SECONDS_MAX = 60
CONNECTION = "qbo_test"


class Simulator:
    """The control API of one simulator process."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def post(self, name: str, body: Any = None) -> Any:
        answer = requests.post(
            f"{self.base_url}/_sandbox/{name}", json={} if body is None else body, timeout=CALL_SECONDS_MAX
        )
        assert answer.ok, f"{name}: {answer.status_code} {answer.text[:500]}"
        return json.loads(answer.text) if answer.text else None

    def reset(self, seed: str = "empty") -> None:
        self.post("reset", {"seed": seed})
        self.post("faults", [])
        self.post("clock", {})

    def findings(self) -> list[str]:
        """What was wrong with the calls since this was last asked, where somebody listens who can tell."""
        return []

    def edit(self, path: str, body: Mapping[str, Any]) -> Any:
        """Somebody works in QuickBooks."""
        return self.post("edit", {"method": "POST", "path": path, "body": body})

    def objects(self, entity: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.base_url}/_sandbox/state", params={"entity": entity}, timeout=CALL_SECONDS_MAX)
        return json.loads(answer.text)[entity]


@contextmanager
def running_simulator(*arguments: str, erp: str = "quickbooks") -> Iterator[Simulator]:
    """A simulator of one ERP that lives as long as the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--erp", erp, "--port", "0", "--with-parent", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert found, "the simulator did not say where it listens"
        yield Simulator(found[0])
    finally:
        process.kill()
        process.wait()


def prepare_database(database: ScratchDatabase) -> None:
    """Every table, view, role and policy; copied from a template for each test."""
    migrate(database.url())
    bind_analyst(database.url(), "default")
    bind_writer(database.url(), "default")


@contextmanager
def open_house(database: ScratchDatabase, home: Path) -> Iterator[Services]:
    """Services as every way in opens them, on this database; the environment says so as long as the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIEOUT_HOME", str(home))
        patch.setenv("TIEOUT_DATABASE_URL", database.url())
        configured._services.cache_clear()
        opened = configured.ServicesResource().open()
        try:
            yield opened
        finally:
            opened.close()
            configured._services.cache_clear()


def connect_simulator(
    house: Services,
    simulator: Simulator,
    name: str = CONNECTION,
    tenant: str = "default",
    erp: str = "quickbooks",
    **other: str,
) -> None:
    """Enter a connection to the simulator's company with credentials it mints, or with `other` values."""
    minted = {**simulator.post("tokens"), **other}
    keys = [key.name for key in erp_of(erp).setting_keys if key.name in minted and key.name != "access_token"]
    add_connection(
        house,
        name=name,
        erp=erp,
        tenant=tenant,
        base_url=simulator.base_url,
        values={key: minted[key] for key in keys},
    )
