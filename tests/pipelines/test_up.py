"""`tieout up` with real processes: the UI answers, what dies comes back, and nothing outlives it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import psutil
import pytest
import requests

from pipelines.up import up
from resources.errors import TieoutError
from resources.settings import load_settings
from resources.stores.embedded import free_port, status
from tests.conftest import NewDatabase
from tests.house import prepare_database

PROJECT = Path(__file__).parents[2]
READY_SECONDS_MAX = 90.0
STOP_SECONDS_MAX = 60.0
UP = """
import sys
from pipelines.up import up
from resources.settings import load_settings
port, gateway_port, definitions = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
say = lambda line: print(line, flush=True)
sys.exit(up(load_settings(), port=port, gateway_port=gateway_port, definitions=definitions, say=say))
"""
DEFINITIONS = """
import dagster as dg
@dg.asset
def quick() -> None: ...
defs = dg.Definitions(assets=[quick])
"""
WRONG_DEFINITIONS = """
from ledger.spec import Record, entity
@entity(name="unicorns", side="shared", natural_key=("colour",))
class Unicorn(Record): ...
"""
WHERE = "{workspaceOrError{... on Workspace{locationEntries{name locationOrLoadError{__typename}}}}}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("up")
    (home / "tiny_definitions.py").write_text(DEFINITIONS)
    (home / "wrong_definitions.py").write_text(WRONG_DEFINITIONS)
    return home


@contextmanager
def tieout_up(home: Path, definitions: str, **settings: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    environment = {**os.environ, "TIEOUT_HOME": str(home / ".tieout"), "PYTHONPATH": str(home), **settings}
    command = [sys.executable, "-c", UP, str(port), str(free_port()), definitions]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT, env=environment) as process:
        try:
            yield process, port
        finally:
            process.kill()


def until(ask: Callable[[], Any], what: str, seconds_max: float = READY_SECONDS_MAX) -> Any:
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        if found := ask():
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds_max} s: {what}")


def loaded_location(port: int) -> str | None:
    """The name of the code location, once the webserver has its definitions."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": WHERE}).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        (entry,) = json.load(answer)["data"]["workspaceOrError"]["locationEntries"]
    is_loaded = (entry["locationOrLoadError"] or {}).get("__typename") == "RepositoryLocation"
    return entry["name"] if is_loaded else None


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def code_server(process: subprocess.Popen[str]) -> psutil.Process | None:
    for child in descendants(process):
        with suppress(psutil.NoSuchProcess):  # it may end between the list and the question
            if child.cmdline()[1:5] == ["-m", "dagster", "api", "grpc"]:
                return child
    return None


def is_running(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_all_gone(processes: list[psutil.Process], home: Path) -> None:
    _, alive = psutil.wait_procs(processes, timeout=STOP_SECONDS_MAX)
    assert [process for process in alive if is_running(process)] == []
    assert status(home / ".tieout").state == "stopped"


def test_it_serves_the_ui_restarts_what_dies_and_ends_everything_when_told(home: Path):
    with tieout_up(home, "tiny_definitions") as (process, port):
        said = iter(process.stdout.readline, "")
        assert f"http://127.0.0.1:{port}" in next(said)
        # There is no table here to keep a link in: the address alone.
        assert re.fullmatch(r"tieout: the console is at http://127\.0\.0\.1:\d+/console\n", next(said))
        assert until(lambda: loaded_location(port), "the definitions in the UI") == "tieout"

        killed = code_server(process)
        killed.kill()
        assert "the code server ended: signal 9: starting it again in 1 s" in next(said)
        restarted = until(lambda: code_server(process), "a new code server")
        assert restarted.pid != killed.pid

        psutil.Process(status(home / ".tieout").pid).kill()
        assert any("the embedded PostgreSQL had stopped and runs again" in line for line in said)

        everything = descendants(process)
        asked_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS_MAX) == 0
        assert_all_gone(everything, home)
        assert time.monotonic() - asked_at < STOP_SECONDS_MAX


def test_the_link_it_prints_logs_in_once_and_leads_to_the_connections(new_database: NewDatabase, tmp_path: Path):
    """As whoever follows it does: the page, its button, and then the console; without it, the login."""
    (tmp_path / "tiny_definitions.py").write_text(DEFINITIONS)
    database = new_database(prepare_database)
    with tieout_up(tmp_path, "tiny_definitions", TIEOUT_DATABASE_URL=database.url()) as (process, _):
        said = next(line for line in iter(process.stdout.readline, "") if "the console is at" in line)
        (link,) = re.findall(r"http://\S+", said)
        session = requests.Session()
        page = session.get(link, timeout=60)
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        entered = session.post(urljoin(link, "/console/enter"), data=form, timeout=60)
        again = requests.Session()
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', again.get(link, timeout=60).text))
        refused = again.post(urljoin(link, "/console/enter"), data=form, timeout=60)
        without = requests.get(urljoin(link, "/console"), timeout=60)

    assert "logs you in, once, within 15 minutes" in said
    assert page.status_code == 200 and "This link logs you in once" in page.text
    assert (entered.status_code, urlsplit(entered.url).path) == (200, "/console/connections")
    assert "admin of default" in entered.text and "No company is connected yet" in entered.text
    assert refused.status_code == 401 and "used before" in refused.text
    assert (without.status_code, urlsplit(without.url).path) == (200, "/console/login")


def test_wrong_definitions_are_one_clear_line_and_nothing_outlives_a_killed_parent(home: Path):
    with tieout_up(home, "wrong_definitions") as (process, _port):
        said = next(line for line in iter(process.stdout.readline, "") if "the code server ended" in line)
        assert "entity unicorns: natural key names ['colour'], which are no fields of it (exit code 1)" in said

        everything = descendants(process)
        process.kill()
        process.wait()
        assert_all_gone(everything, home)


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path):
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        with pytest.raises(TieoutError, match=f"found port {port}: Address already in use, expected a free port"):
            up(load_settings({"TIEOUT_HOME": str(tmp_path)}), port=port)

    assert not (tmp_path / "postgres").exists()
