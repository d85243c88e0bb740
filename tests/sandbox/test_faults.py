"""What can be made to go wrong between a client and a simulated ERP, over real sockets."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox.process import Server, running

CUSTOMER = {"method": "POST", "path": "/v3/*/customer*"}


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    with running("--no-limits") as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    shared_server.control("POST", "clock", {})
    shared_server.control("POST", "reset", {"seed": "empty"})
    shared_server.control("DELETE", "log")
    shared_server.tokens = {}
    shared_server.api("GET", "/preferences")
    return shared_server


def post(server: Server, name: str, request_id: str = "") -> tuple[int, Any]:
    query = f"?requestid={request_id}" if request_id else ""
    status, body = server.api("POST", f"/customer{query}", {"DisplayName": name})
    return status, json.loads(body)


def lost(server: Server, name: str, request_id: str = "") -> type[Exception]:
    """The kind of error a client sees which gets no answer."""
    try:
        post(server, name, request_id)
    except (http.client.HTTPException, OSError) as error:
        server.connection.close()
        return type(error)
    raise AssertionError("an answer came")


def names(server: Server) -> list[str]:
    return [each["DisplayName"] for each in server.control("GET", "state?entity=Customer")["Customer"]]


def test_a_late_request_takes_effect_when_the_clock_says_so(server: Server):
    server.control("POST", "clock", {"now": "2026-11-21T09:00:00Z", "frozen": True})
    server.tokens = server.control("POST", "tokens")
    server.control("POST", "faults", [{**CUSTOMER, "nth": 1, "late": {"seconds": 300}}])

    lost(server, "Late")
    assert names(server) == [] and post(server, "Punctual")[0] == 200
    server.control("POST", "clock", {"advance_seconds": 299, "frozen": True})
    assert names(server) == ["Punctual"]
    server.control("POST", "clock", {"advance_seconds": 1, "frozen": True})

    assert names(server) == ["Punctual", "Late"]
    assert [(each["id"], each["origin"]) for each in server.control("GET", "effects")] == [("1", "api"), ("2", "late")]


def test_a_late_request_takes_effect_after_so_many_others(server: Server):
    server.control("POST", "faults", [{**CUSTOMER, "nth": 1, "late": {"requests": 2}}])

    lost(server, "Late")
    post(server, "First")
    assert names(server) == ["First"]
    post(server, "Second")

    assert names(server) == ["First", "Second", "Late"]


def test_a_late_request_waits_until_it_is_told(server: Server):
    server.control("POST", "faults", [{**CUSTOMER, "nth": 1, "late": {}, "status": 504, "body": "<html></html>"}])

    status, body = server.api("POST", "/customer", {"DisplayName": "Late"})
    (waiting,) = server.control("GET", "late")
    delivered = server.control("POST", "late", {"numbers": [waiting["number"]]})

    assert (status, body) == (504, b"<html></html>")
    assert (delivered, names(server), server.control("GET", "late")) == ({"statuses": [200]}, ["Late"], [])
    assert [each["origin"] for each in server.control("GET", "log")][-1] == "late"


def test_a_late_copy_of_an_answered_request_is_absorbed_by_its_key(server: Server):
    server.control("POST", "faults", [{**CUSTOMER, "nth": 1, "late": {}, "duplicate": True}])

    status, _ = post(server, "Once", "key-1")
    server.control("POST", "late")

    assert (status, names(server)) == (200, ["Once"])
    effects = server.control("GET", "effects")
    assert [(e["operation"], e["key"], e["replay"]) for e in effects] == [
        ("create", "key-1", False),
        ("replay", "key-1", True),
    ]


def test_a_late_request_beyond_the_memory_of_its_key_doubles(server: Server):
    server.control("POST", "switches", {"request_id_seconds": 60, "duplicate_document_numbers": "allow"})
    server.control("POST", "clock", {"now": "2026-11-21T09:00:00Z", "frozen": True})
    server.tokens = server.control("POST", "tokens")
    server.control("POST", "faults", [{**CUSTOMER, "nth": 1, "late": {"seconds": 61}}])

    lost(server, "Twice", "key-1")
    post(server, "Another", "key-1")
    server.control("POST", "clock", {"advance_seconds": 61, "frozen": True})

    assert names(server) == ["Another", "Twice"]
    assert [each["key"] for each in server.control("GET", "effects")] == ["key-1", "key-1"]
    server.control("POST", "switches", {"request_id_seconds": 86400, "duplicate_document_numbers": "fault"})


def test_a_lost_answer_may_be_silence_an_end_or_a_reset(server: Server):
    server.control(
        "POST",
        "faults",
        [
            {**CUSTOMER, "nth": 1, "drop": "after", "hang_seconds": 0.3},
            {**CUSTOMER, "nth": 2, "drop": "before"},
            {**CUSTOMER, "nth": 3, "drop": "after", "reset": True},
        ],
    )

    started = time.monotonic()
    assert issubclass(lost(server, "Silence"), http.client.RemoteDisconnected)
    assert time.monotonic() - started >= 0.3
    assert issubclass(lost(server, "End"), http.client.RemoteDisconnected)
    assert lost(server, "Reset") is ConnectionResetError
    assert names(server) == ["Silence", "Reset"]


def test_a_five_hundred_may_come_before_or_after_the_effect_and_stay_under_the_key(server: Server):
    server.control(
        "POST",
        "faults",
        [
            {**CUSTOMER, "nth": 1, "answer": "unavailable"},
            {**CUSTOMER, "nth": 2, "answer": "server_error", "carried_out": True},
            {**CUSTOMER, "nth": 4, "status": 500, "body": {"say": "again"}, "stored": True},
        ],
    )

    status, body = server.api("POST", "/customer", {"DisplayName": "Before"})
    assert (status, body[:6], names(server)) == (503, b"<html>", [])
    status, answer = post(server, "After", "k1")
    assert (status, answer["Fault"]["Error"][0]["code"], names(server)) == (500, "10000", ["After"])
    assert post(server, "After", "k1")[0] == 200
    assert [post(server, "Stored", "k2") for _ in range(2)] == [(500, {"say": "again"})] * 2
    assert names(server) == ["After"]


def test_a_storm_lasts_for_a_number_of_requests_or_a_time(server: Server):
    server.control("POST", "clock", {"now": "2026-11-21T09:00:00Z", "frozen": True})
    server.tokens = server.control("POST", "tokens")
    server.control("POST", "faults", [{"answer": "throttled_json", "count": 3}, {"status": 503, "for_seconds": 60}])

    first = [server.api("GET", "/preferences")[0] for _ in range(5)]
    server.control("POST", "clock", {"advance_seconds": 60, "frozen": True})

    assert first == [429, 429, 429, 503, 503]
    assert server.api("GET", "/preferences")[0] == 200


def test_status_two_hundred_may_hold_a_fault_or_a_page(server: Server):
    server.control("POST", "faults", [{"answer": "error_200", "nth": 1}, {"answer": "html_200", "nth": 2}])

    fault, page = server.api("GET", "/preferences"), server.api("GET", "/preferences")

    assert (fault[0], list(json.loads(fault[1]))) == (200, ["Fault", "time"])
    assert (page[0], page[1][:6]) == (200, b"<html>")


def test_an_answer_may_be_short_and_say_so_or_trickle(server: Server):
    whole = server.api("GET", "/preferences")[1]
    server.control(
        "POST",
        "faults",
        [
            {"nth": 1, "truncate_bytes": 50, "truncate_quietly": True},
            {"nth": 2, "drip_bytes_per_second": 4 * len(whole)},
            {"nth": 3, "drip_bytes_per_second": 1000, "truncate_bytes": 100},
        ],
    )

    assert server.api("GET", "/preferences")[1] == whole[:50]
    started = time.monotonic()
    assert len(server.api("GET", "/preferences")[1]) == len(whole)
    assert time.monotonic() - started >= 0.2
    with pytest.raises(http.client.IncompleteRead):
        server.api("GET", "/preferences")
    server.connection.close()


def test_a_rule_may_choose_by_header_and_move_the_clock(server: Server):
    server.control("POST", "clock", {"now": "2026-11-21T09:00:00Z", "frozen": True})
    server.control(
        "POST", "faults", [{"header": {"Accept": "*xml*"}, "status": 418}, {"advance_seconds": 3600, "nth": 2}]
    )

    assert server.send("GET", "/x", None, Accept="application/xml")[0] == 418
    server.send("GET", "/x", None, Accept="application/json")

    assert server.control("GET", "clock")["now"] == "2026-11-21T10:00:00Z"


def test_somebody_edits_between_two_pages(server: Server):
    for number in range(4):
        post(server, f"Customer {number}")
    edit = {"operation": "update", "entity": "Customer", "id": "1", "body": {"DisplayName": "Zoe"}}
    server.control("POST", "script", [{"after": {"path": "*/query*", "nth": 1}, "edit": [edit, {**edit, "id": "99"}]}])

    pages = [
        json.loads(server.api("POST", "/query", f"select * from Customer startposition {at} maxresults 2".encode())[1])
        for at in (1, 3)
    ]

    found = [each["DisplayName"] for page in pages for each in page["QueryResponse"]["Customer"]]
    assert found == ["Customer 0", "Customer 1", "Customer 3", "Zoe"]
    (script,) = server.control("GET", "script")
    assert (script["matched"], script["statuses"]) == (2, [200, 0])


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("faults", [{"answer": "nonsense"}], "throttled"),
        ("faults", [{"until": "2026-11-21T09:00:00"}], "offset"),
        ("faults", [{"drip_bytes_per_second": 0}], "1 or more"),
        ("faults", [{"late": {"days": 1}}], "days"),
        ("late", {"numbers": [7]}, "no late request [7]"),
        ("script", [{"after": {"pth": "x"}, "edit": {}}], "pth"),
        ("restore", {"name": "never"}, "no snapshot 'never'"),
        ("switches", {"request_id_seconds": -1}, "0 or more"),
    ],
)
def test_a_mistake_is_named(server: Server, name: str, body: Any, says: str):
    status, answer = server.send("POST", f"/_sandbox/{name}", body)

    assert status == 400 and says in json.loads(answer)["error"]
