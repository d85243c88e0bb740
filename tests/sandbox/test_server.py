"""The simulator as a process: its start and end, faults on demand, limits, the log, a company kept over a crash."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]


class Server:
    """One running simulator."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--erp", "quickbooks", "--port", "0", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline().strip()
        self.address = urlsplit(self.ready.removeprefix("listening on "))
        self.connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=20)
        self.tokens: dict[str, Any] = {}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        self.connection.request(method, path, data, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def control(self, method: str, name: str, body: Any = None) -> Any:
        status, answer = self.send(method, f"/_sandbox/{name}", body)
        assert status == 200, answer
        return json.loads(answer)

    def api(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        if not self.tokens:
            self.tokens = self.control("POST", "tokens")
        bearer = f"Bearer {self.tokens['access_token']}"
        full = f"/v3/company/{self.tokens['realm_id']}{path}"
        return self.send(method, full, body, Authorization=bearer, Accept="application/json")

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[Server]:
    server = Server(*arguments)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    shared_server.control("POST", "reset", {"seed": "empty"})
    shared_server.control("DELETE", "log")
    shared_server.tokens = {}
    return shared_server


def test_it_says_when_it_listens_and_ends_cleanly_when_told():
    with running() as server:
        assert server.ready.startswith("listening on http://127.0.0.1:")
        server.connection.close()

        server.process.send_signal(signal.SIGTERM)

        assert server.process.wait(timeout=10) == 0


def test_it_ends_with_its_parent_when_asked_to(tmp_path: Path):
    script = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'sandbox', '--erp', 'quickbooks', '--with-parent'],"
        " stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline().strip(), flush=True)\n"
    )
    parent = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    port = int(parent.stdout.strip().rpartition(":")[2])

    for _ in range(100):
        with contextlib.closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.1)
    raise AssertionError("the simulator outlived its parent by ten seconds")


def test_a_port_in_use_is_one_clear_message():
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        command = [sys.executable, "-m", "sandbox", "--erp", "quickbooks", "--port", str(taken.getsockname()[1])]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)

    assert found.returncode == 2
    assert len(found.stderr.strip().splitlines()) == 1 and "in use" in found.stderr


def test_a_call_can_be_dropped_before_or_after_its_effect(server: Server):
    rules = [
        {"method": "POST", "path": "/v3/*/customer*", "nth": 1, "drop": "before"},
        {"method": "POST", "path": "/v3/*/customer*", "nth": 2, "drop": "after"},
    ]
    server.api("GET", "/preferences")
    server.control("POST", "faults", rules)

    for name in ("Before", "After"):
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            server.api("POST", "/customer", {"DisplayName": name})
        server.connection.close()

    names = [each["DisplayName"] for each in server.control("GET", "state?entity=Customer")["Customer"]]
    assert names == ["After"]
    assert server.api("POST", "/customer", {"DisplayName": "Third"})[0] == 200


def test_a_call_can_fail_be_late_be_cut_short_and_happen_twice(server: Server):
    path = "^/v3/company/[0-9]+/(preferences|vendor)$"
    server.api("GET", "/preferences")
    server.control(
        "POST",
        "faults",
        [
            {
                "path": path,
                "nth": 1,
                "status": 503,
                "body": "<html>Service Unavailable</html>",
                "headers": {"Retry-After": "7"},
            },
            {"path": path, "nth": 2, "delay_seconds": 0.3},
            {"path": path, "nth": 3, "truncate_bytes": 40},
            {"path": path, "from": 4, "count": 1, "duplicate": True},
        ],
    )

    assert server.api("GET", "/preferences") == (503, b"<html>Service Unavailable</html>")
    started = time.monotonic()
    assert server.api("GET", "/preferences")[0] == 200 and time.monotonic() - started >= 0.3
    with pytest.raises(http.client.IncompleteRead) as cut:
        server.api("GET", "/preferences")
    server.connection.close()
    assert len(cut.value.partial) == 40
    status, answer = server.api("POST", "/vendor", {"DisplayName": "Once"})
    assert (status, json.loads(answer)["Fault"]["Error"][0]["code"]) == (400, "6240")
    assert [rule["matched"] for rule in server.control("GET", "faults")] == [4, 4, 4, 4]


def test_the_log_shows_every_request_and_no_secret(server: Server):
    server.api("POST", "/query", b"select * from Customer")
    server.api("GET", "/customer/77")

    first, second = server.control("GET", "log")

    assert (first["method"], first["status"], first["statement"]) == ("POST", 200, "select * from Customer")
    assert (second["path"].rpartition("/")[2], second["status"]) == ("77", 400)
    assert first["bytes"] > 0 and first["ms"] >= 0 and first["time"].endswith("Z")
    assert server.tokens["access_token"] not in json.dumps([first, second])


def test_the_limit_is_five_hundred_a_minute_and_answers_in_xml(server: Server):
    statuses = [server.api("GET", "/preferences")[0] for _ in range(501)]

    assert statuses == [200] * 500 + [429]
    assert b'<Error code="3001">' in server.api("GET", "/preferences")[1]
    server.control("POST", "switches", {"throttle_body": "json"})
    assert json.loads(server.api("GET", "/preferences")[1])["fault"]["error"][0]["code"] == "3001"
    server.control("POST", "switches", {"throttle_body": "xml", "rate_limits": False})
    assert server.api("GET", "/preferences")[0] == 200
    server.control("POST", "switches", {"rate_limits": True})


def test_somebody_works_in_quickbooks(server: Server):
    made = server.control("POST", "edit", {"method": "POST", "path": "/customer", "body": {"DisplayName": "By hand"}})
    key = made["Customer"]["Id"]

    changed = server.control(
        "POST", "edit", {"operation": "update", "entity": "Customer", "id": key, "body": {"Notes": "x"}}
    )

    assert (changed["Customer"]["SyncToken"], changed["Customer"]["Notes"]) == ("1", "x")
    status, answer = server.send("POST", "/_sandbox/edit", {"operation": "void", "entity": "Invoice", "id": "9"})
    assert status == 400 and b"there is no Invoice with Id '9'" in answer


def test_the_clock_can_be_set_and_moved(server: Server):
    server.control("POST", "clock", {"now": "2030-07-01T12:00:00Z", "frozen": True})
    server.control("POST", "clock", {"advance_seconds": 90, "frozen": True})

    made = server.control("POST", "edit", {"operation": "create", "entity": "Vendor", "body": {"DisplayName": "V"}})
    server.control("POST", "clock", {})

    assert made["Vendor"]["MetaData"]["CreateTime"] == "2030-07-01T05:01:30-07:00"


@pytest.mark.parametrize(
    ("method", "name", "body", "says"),
    [
        ("POST", "load", {"Invoices": []}, "no entity Invoices"),
        ("POST", "load", {"Invoice": [{"Id": 5}]}, "Invoice object 1"),
        ("POST", "load", b"{", "truncated"),
        ("POST", "faults", [{"pth": "x"}], "pth"),
        ("POST", "switches", {"rate_limits": "maybe"}, "rate_limits cannot be 'maybe'"),
        ("POST", "switches", {"nonsense": 1}, "there is no switch 'nonsense'"),
        ("POST", "clock", {"now": "2030-07-01T12:00:00"}, "offset"),
        ("POST", "reset", {"seed": "full"}, "empty"),
        ("GET", "state?entity=Foo", None, "no entity Foo"),
    ],
)
def test_a_mistake_in_the_control_api_is_named(server: Server, method: str, name: str, body: Any, says: str):
    status, answer = server.send(method, f"/_sandbox/{name}", body)

    assert status == 400 and says in json.loads(answer)["error"]


def test_a_killed_simulator_comes_back_with_what_it_had_answered(tmp_path: Path):
    file = tmp_path / "company.journal"
    with running("--persist", str(file)) as server:
        made = json.loads(server.api("POST", "/customer?requestid=r1", {"DisplayName": "Kept"})[1])["Customer"]
        gone = json.loads(server.api("POST", "/vendor", {"DisplayName": "V"})[1])["Vendor"]
        tokens = server.tokens
        os.kill(server.process.pid, signal.SIGKILL)
    with file.open("ab") as journal:
        journal.write(b'["put","Customer","99",{"Id":"99"')

    with running("--persist", str(file)) as server:
        server.tokens = tokens
        again = json.loads(server.api("POST", "/customer?requestid=r1", {"DisplayName": "Kept"})[1])["Customer"]
        state = server.control("GET", "state")
        newer = json.loads(server.api("POST", "/customer", {"DisplayName": "Next"})[1])["Customer"]

    assert again == made
    assert state["Customer"] == [made] and state["Vendor"] == [gone]
    assert int(newer["Id"]) == int(gone["Id"]) + 1


def test_state_can_be_loaded_again(server: Server):
    server.control("POST", "edit", {"operation": "create", "entity": "Customer", "body": {"DisplayName": "Round trip"}})
    before = server.control("GET", "state")

    server.control("POST", "reset", {"seed": "empty"})
    server.control("POST", "load", before)

    assert server.control("GET", "state") == before


def test_no_more_than_ten_requests_are_served_at_once(server: Server):
    server.tokens = server.control("POST", "tokens")
    server.control("POST", "faults", [{"path": "/v3/*", "count": 10, "delay_seconds": 1.0}])
    path = f"/v3/company/{server.tokens['realm_id']}/preferences"
    headers = {"Authorization": f"Bearer {server.tokens['access_token']}", "Accept": "application/json"}

    def status(_: int) -> int:
        with contextlib.closing(http.client.HTTPConnection(server.address.hostname or "", server.address.port)) as own:
            own.request("GET", path, headers=headers)
            return own.getresponse().status

    with concurrent.futures.ThreadPoolExecutor(11) as threads:
        statuses = sorted(threads.map(status, range(11)))

    assert statuses == [200] * 10 + [429]
