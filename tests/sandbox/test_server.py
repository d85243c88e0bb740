"""The simulator as a process: its start and end, faults on demand, limits, the log, a company kept over a crash."""

import concurrent.futures
import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.sandbox.process import ROOT, Server, running


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


def test_it_speaks_https_and_cuts_such_connections_too(tmp_path: Path):
    certificate, key = self_signed(tmp_path)
    trusted = ssl.create_default_context(cafile=str(certificate))
    with running("--tls-certificate", str(certificate), "--tls-key", str(key)) as server:
        assert server.ready.startswith("listening on https://127.0.0.1:")
        server.connection = http.client.HTTPSConnection("127.0.0.1", server.address.port, context=trusted, timeout=20)
        found = json.loads(server.send("GET", "/.well-known/openid_configuration")[1])
        server.control("POST", "faults", [{"drop": "before", "reset": True}])
        with pytest.raises((ConnectionResetError, ssl.SSLError, http.client.RemoteDisconnected)):
            server.send("GET", "/.well-known/openid_configuration")

    assert found["token_endpoint"].startswith("https://127.0.0.1:")


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key, valid for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(minutes=1)).not_valid_after(now + timedelta(hours=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    signed = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    certificate, own = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    own.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, own


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


def test_the_clock_of_the_erp_can_be_behind_and_ahead(server: Server):
    moments = []
    for seconds in (0, -600, 1200):
        server.control("POST", "clock", {"advance_seconds": seconds} if seconds else {})
        edit = {"operation": "create", "entity": "Vendor", "body": {"DisplayName": f"V {seconds}"}}
        made = server.control("POST", "edit", edit)["Vendor"]["MetaData"]["LastUpdatedTime"]
        moments.append(datetime.fromisoformat(made))
    server.control("POST", "clock", {})

    behind, ahead = (round((moment - moments[0]).total_seconds(), -1) for moment in moments[1:])
    assert (behind, ahead) == (-600, 600)


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


def test_a_simulator_killed_at_work_has_each_answered_write_once(tmp_path: Path):
    file, answered, tokens = str(tmp_path / "company.journal"), {}, {}
    for life in range(3):
        with running("--persist", file, "--no-limits") as server:
            server.tokens = tokens or server.control("POST", "tokens")
            tokens = server.tokens
            threading.Timer(0.15, server.process.kill).start()
            with contextlib.suppress(http.client.HTTPException, OSError):
                for number in range(10_000):
                    key = f"{life}-{number}"
                    status, body = server.api("POST", f"/customer?requestid={key}", {"DisplayName": key})
                    assert status == 200
                    answered[key] = json.loads(body)["Customer"]["Id"]

    with running("--persist", file, "--no-limits") as server:
        server.tokens = tokens
        kept = {each["DisplayName"]: each["Id"] for each in server.control("GET", "state")["Customer"]}
        made = [each["key"] for each in server.control("GET", "effects") if not each["replay"]]
        again = [
            json.loads(server.api("POST", f"/customer?requestid={key}", {"DisplayName": key})[1])["Customer"]["Id"]
            for key in list(answered)[-5:]
        ]

    assert len(answered) > 20 and answered.items() <= kept.items() and len(kept) <= len(answered) + 3
    assert sorted(made) == sorted(kept) and again == list(answered.values())[-5:]


def test_state_can_be_loaded_again(server: Server):
    server.control("POST", "edit", {"operation": "create", "entity": "Customer", "body": {"DisplayName": "Round trip"}})
    before = server.control("GET", "state")

    server.control("POST", "reset", {"seed": "empty"})
    server.control("POST", "load", before)

    assert server.control("GET", "state") == before


class Form(HTMLParser):
    """The form of a page: where it goes, its hidden fields, its buttons."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.fields, self.buttons = "", {}, []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.action = given["action"]
        elif tag == "input":
            self.fields[given["name"]] = given["value"]
        elif tag == "button":
            self.buttons.append((given["name"], given["value"]))


def test_a_browser_can_click_both_buttons_of_the_consent_page(server: Server):
    asked = {
        "client_id": server.control("POST", "tokens")["client_id"],
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": "http://127.0.0.1:9/callback",
        "state": "a&b <c>",
    }
    status, page = server.send("GET", f"/connect/oauth2?{urlencode(asked)}")
    form = Form(page.decode())

    assert (status, form.fields) == (200, asked)
    ways = []
    for button in form.buttons:
        server.connection.request("GET", f"{form.action}?{urlencode([*form.fields.items(), button])}")
        answer = server.connection.getresponse()
        answer.read()
        ways.append((answer.status, dict(parse_qsl(urlsplit(answer.headers["Location"]).query))))
    (connected, refused) = ways
    assert connected[0] == refused[0] == 302
    assert set(connected[1]) == {"code", "state", "realmId"} and connected[1]["state"] == "a&b <c>"
    assert refused[1] == {"error": "access_denied", "state": "a&b <c>"}


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
