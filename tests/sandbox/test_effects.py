"""The effects journal, snapshots, and runs that can be repeated: what a test of "exactly once" stands on."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from sandbox.host import Host
from sandbox.http import Answer, Request
from sandbox.quickbooks.app import QuickBooks
from sandbox.service import Service
from sandbox.world import World
from tests.sandbox.process import running


class Simulator:
    """A simulator in this process, spoken to below its sockets."""

    def __init__(self) -> None:
        self.world = World()
        self.erp = QuickBooks(self.world, realm_id="1")
        self.erp.turn({"rate_limits": False})
        self.service = Service(self.erp, self.world)
        self.host = Host(self.service)
        self.control("POST", "reset")

    def control(self, method: str, name: str, body: Any = None) -> Any:
        path, _, query = name.partition("?")
        data = b"" if body is None else json.dumps(body).encode()
        answer = self.host.control.handle(Request(method, f"/_sandbox/{path}", query, {}, data))
        assert isinstance(answer, Answer) and answer.status == 200, answer
        return msgspec.json.decode(answer.body)

    def api(self, path: str, body: Any) -> Any:
        token = self.access if hasattr(self, "access") else self.tokens()
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        path, _, query = path.partition("?")
        answer = self.service.answer(Request("POST", f"/v3/company/1{path}", query, headers, json.dumps(body).encode()))
        return answer.headers["intuit_tid"], msgspec.json.decode(answer.body)

    def tokens(self) -> str:
        self.access = self.control("POST", "tokens")["access_token"]
        return self.access


def an_invoice(number: str, customer: str = "1") -> dict[str, Any]:
    line = {"Amount": 10, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}
    return {"DocNumber": number, "CustomerRef": {"value": customer}, "Line": [line], "PrivateNote": f"mark {number}"}


def stocked() -> Simulator:
    simulator = Simulator()
    simulator.api("/customer", {"DisplayName": "Amy"})
    simulator.api("/item", {"Name": "Design", "Type": "Service", "IncomeAccountRef": {"value": "79"}})
    return simulator


def test_every_change_is_one_line_with_what_a_client_marked_it_with():
    simulator = stocked()

    trace, made = simulator.api("/invoice?requestid=r1", an_invoice("A-1"))
    key = made["Invoice"]["Id"]
    simulator.api("/invoice?requestid=r1", an_invoice("A-1"))
    simulator.api("/invoice", {"Id": key, "SyncToken": "0", "sparse": True, "PrivateNote": "mark A-1"})
    simulator.api("/invoice", {"Id": key, "SyncToken": "0", "sparse": True, "PrivateNote": "new"})
    simulator.control("POST", "edit", {"operation": "send", "entity": "Invoice", "id": key, "to": "amy@example.com"})
    simulator.api("/invoice?operation=void", {"Id": key, "SyncToken": "1"})
    simulator.api("/invoice?operation=delete", {"Id": key, "SyncToken": "2"})
    simulator.api("/invoice", an_invoice("refused", customer="99"))

    lines = [each for each in simulator.control("GET", "effects?since=2") if each["entity"] == "Invoice"]
    assert [(each["operation"], each["id"], each["origin"], each["key"]) for each in lines] == [
        ("create", key, "api", "r1"),
        ("replay", key, "api", "r1"),
        ("update", key, "api", ""),
        ("send", key, "edit", ""),
        ("void", key, "api", ""),
        ("delete", key, "api", ""),
    ]
    assert {each["number"] for each in lines} == {"A-1"}
    assert (lines[0]["trace"], lines[0]["marker"], lines[0]["sequence"]) == (trace, "mark A-1", 3)


def test_each_item_of_a_batch_is_a_line_and_a_repeat_of_it_another():
    simulator = stocked()
    items = [{"bId": f"b{n}", "operation": "create", "Invoice": an_invoice(f"B-{n}")} for n in range(3)]

    for _ in range(2):
        simulator.api("/batch?requestid=batch", {"BatchItemRequest": items})

    lines = simulator.control("GET", "effects?since=2")
    assert Counter(each["number"] for each in lines if not each["replay"]) == {"B-0": 1, "B-1": 1, "B-2": 1}
    assert [each["operation"] for each in lines][3:] == ["replay"] * 3


def test_a_snapshot_puts_back_books_tokens_keys_effects_clock_and_late_requests():
    simulator = stocked()
    simulator.control("POST", "clock", {"now": "2026-11-21T09:00:00Z", "frozen": True})
    access = simulator.tokens()
    simulator.api("/invoice?requestid=r1", an_invoice("A-1"))
    before = {name: simulator.control("GET", name) for name in ("effects", "clock", "switches", "late")}
    rows = {name: dict(table.rows) for name, table in simulator.erp.store.tables.items()}
    taken = simulator.control("POST", "snapshot")

    for _ in range(2):
        simulator.control("POST", "clock", {"advance_seconds": 86400, "frozen": True})
        simulator.tokens()
        simulator.api("/invoice?requestid=r2", an_invoice("A-2"))
        simulator.control("POST", "switches", {"query_lag_seconds": 9})
        restored = simulator.control("POST", "restore")

        assert {name: simulator.control("GET", name) for name in before} == before
        assert {name: dict(table.rows) for name, table in simulator.erp.store.tables.items()} == rows
        simulator.access = access
        assert simulator.api("/invoice?requestid=r1", an_invoice("A-1"))[1]["Invoice"]["DocNumber"] == "A-1"
        found = simulator.api("/query?query=select%20count(*)%20from%20Invoice%20where%20DocNumber='A-2'", {})[1]
        assert found["QueryResponse"] == {"totalCount": 0}
        assert simulator.api("/invoice", an_invoice("A-3"))[1]["Invoice"]["Id"] == "2"
        simulator.control("POST", "restore")
    assert taken["ms"] < 50 and restored["ms"] < 50


def test_a_template_is_a_line_with_the_id_of_what_it_wraps():
    simulator = stocked()
    template = an_invoice("ignored") | {"RecurringInfo": {"Name": "Monthly", "RecurType": "Reminder", "Active": True}}
    template = {key: value for key, value in template.items() if key != "DocNumber"}

    for _ in range(2):
        made = simulator.api("/recurringtransaction?requestid=t1", {"Invoice": template})[1]["RecurringTransaction"]
    own = {"Id": made["Invoice"]["Id"], "SyncToken": "0"}
    simulator.api("/recurringtransaction?operation=delete", {"Invoice": own})

    lines = simulator.control("GET", "effects?since=2")
    assert [(each["operation"], each["id"], each["marker"]) for each in lines] == [
        ("create", own["Id"], "mark ignored"),
        ("replay", own["Id"], "mark ignored"),
        ("delete", own["Id"], "mark ignored"),
    ]


def test_the_same_seed_and_requests_make_the_same_answers():
    def run() -> list[Any]:
        simulator = Simulator()
        simulator.control("POST", "clock", {"now": "2026-11-21T09:00:00Z", "frozen": True, "step_seconds": 1})
        simulator.control("POST", "reset", {"random_seed": 7})
        tokens = simulator.control("POST", "tokens")
        made = [simulator.api("/customer", {"DisplayName": f"C{n}"}) for n in range(3)]
        return [tokens, made, simulator.control("GET", "effects")]

    first, second = run(), run()

    assert first == second
    times = [each[1]["Customer"]["MetaData"]["CreateTime"] for each in first[1]]
    assert [text[17:19] for text in times] == ["01", "02", "03"]


def test_without_a_seed_no_two_tokens_are_the_same():
    assert Simulator().tokens() != Simulator().tokens()


def test_a_snapshot_put_back_is_what_a_killed_simulator_comes_back_with(tmp_path: Path):
    file = str(tmp_path / "company.journal")
    with running("--persist", file) as server:
        server.api("POST", "/customer", {"DisplayName": "Kept"})
        server.control("POST", "snapshot")
        server.api("POST", "/customer", {"DisplayName": "Undone"})
        server.control("POST", "restore")
        server.api("POST", "/customer", {"DisplayName": "After"})
        state, effects, tokens = server.control("GET", "state"), server.control("GET", "effects"), server.tokens

    with running("--persist", file) as server:
        assert (server.control("GET", "state"), server.control("GET", "effects")) == (state, effects)
        server.tokens = tokens
        assert [each["DisplayName"] for each in state["Customer"]] == ["Kept", "After"]
        assert server.api("GET", "/customer/2")[0] == 200


def test_a_killed_simulator_knows_its_effects_its_switches_and_its_clock(tmp_path: Path):
    file = str(tmp_path / "company.journal")
    with running("--persist", file) as server:
        server.control("POST", "switches", {"query_lag_seconds": 2.5, "gzip": True})
        server.control("POST", "clock", {"now": "2027-01-01T00:00:00Z", "frozen": True})
        server.api("POST", "/customer?requestid=r1", {"DisplayName": "Kept"})
        effects, switches = server.control("GET", "effects"), server.control("GET", "switches")

    for _ in range(2):
        with running("--persist", file) as server:
            assert server.control("GET", "effects") == effects
            assert server.control("GET", "switches") == switches
            assert server.control("GET", "clock") == {"now": "2027-01-01T00:00:00Z"}
