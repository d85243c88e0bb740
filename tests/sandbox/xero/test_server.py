"""The Xero simulator as a process: kept over a kill, requests that take effect late, edits between two pages."""

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.xero.plug import TENANT_ID
from tests.sandbox.process import Server, running

API = "/api.xro/2.0"


class App:
    """An app with a fresh token."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.tokens: dict[str, Any] = server.control("POST", "tokens")

    def send(self, method: str, path: str, body: Any = None, **more: str) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}", "Accept": "application/json"}
        headers |= {
            "xero-tenant-id": self.tokens["tenant_id"],
            **{name.replace("_", "-"): each for name, each in more.items()},
        }
        status, answer = self.server.send(method, API + path, body, **headers)
        return status, json.loads(answer) if answer else None


def test_a_killed_simulator_comes_back_with_all_it_had_answered(tmp_path: Path):
    file = str(tmp_path / "xero")
    with running("--persist", file, erp="xero") as server:
        app = App(server)
        first = app.send("PUT", "/Contacts", {"Name": "Kept"}, Idempotency_Key="k1")
        server.process.kill()
        server.process.wait()
    with running("--persist", file, erp="xero") as server:
        app.server = server

        assert app.send("PUT", "/Contacts", {"Name": "Kept"}, Idempotency_Key="k1") == first
        assert [each["Name"] for each in app.send("GET", "/Contacts")[1]["Contacts"]] == ["Kept"]


def test_a_request_may_take_effect_after_its_sender_gave_it_up():
    with running("--no-limits", erp="xero") as server:
        app = App(server)
        rule = {"method": "PUT", "path": "*/Contacts", "nth": 1, "late": {}, "answer": "gateway_timeout"}
        server.control("POST", "faults", [rule])

        status, _ = app.server.send(
            "PUT",
            f"{API}/Contacts",
            {"Name": "Late"},
            Authorization=f"Bearer {app.tokens['access_token']}",
            **{"xero-tenant-id": TENANT_ID, "Idempotency-Key": "k1"},
        )
        before = app.send("GET", "/Contacts")[1]["Contacts"]
        server.control("POST", "late", {})

        assert (status, before) == (504, [])
        assert app.send("PUT", "/Contacts", {"Name": "Late"}, Idempotency_Key="k1")[0] == 200
        told = [(each["operation"], each["origin"], each["key"]) for each in server.control("GET", "effects")]
        assert told == [("create", "late", "k1"), ("replay", "api", "k1")]


def test_somebody_works_between_two_pages():
    with running("--no-limits", erp="xero") as server:
        app = App(server)
        server.control("POST", "clock", {"now": "2026-11-21T12:00:00Z", "frozen": True, "step_seconds": 1})
        for name in "ABC":
            app.send("PUT", "/Contacts", {"Name": name})
        first = app.send("GET", "/Contacts")[1]["Contacts"][0]["ContactID"]
        edit = {"operation": "update", "entity": "Contacts", "id": first, "body": {"EmailAddress": "a@example.com"}}
        server.control("POST", "script", [{"after": {"path": "*page=1*", "nth": 1}, "edit": edit}])

        pages = [app.send("GET", f"/Contacts?page={number}&pageSize=2")[1]["Contacts"] for number in (1, 2)]

        # B has slipped to the first page: this is how pages shift under a reader.
        assert [[each["Name"] for each in page] for page in pages] == [["A", "B"], ["A"]]


@pytest.mark.parametrize(("name", "problem"), [("throttled", "minute"), ("throttled_day", "day")])
def test_a_storm_of_refusals_tells_which_limit_it_is(name: str, problem: str):
    with running(erp="xero") as server:
        app = App(server)
        server.control("POST", "faults", [{"answer": name, "count": 1}])
        headers = {"Authorization": f"Bearer {app.tokens['access_token']}", "xero-tenant-id": TENANT_ID}
        server.connection.request("GET", f"{API}/Contacts", None, headers)
        answer = server.connection.getresponse()
        answer.read()

        assert (answer.status, answer.headers["X-Rate-Limit-Problem"]) == (429, problem)
        assert int(answer.headers["Retry-After"]) > 0
