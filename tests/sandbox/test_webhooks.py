"""Webhooks: both formats with their signature, grouping, retries by the clock, and what may happen on the way."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.process import Server, running
from tests.sandbox.receiver import Receiver, receiving

NOON = "2026-11-21T20:00:00Z"
VERIFIER = "4fcb82ba-verifier-token"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    with running("--no-limits") as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    shared_server.control("DELETE", "webhooks")
    shared_server.control("DELETE", "webhooks/log")
    shared_server.control("POST", "webhooks/faults", [])
    shared_server.control("POST", "clock", {"now": NOON, "frozen": True})
    shared_server.control("POST", "switches", {"webhook_scope": "written"})
    shared_server.control("POST", "reset", {"seed": "empty", "random_seed": 3})
    shared_server.tokens = {}
    return shared_server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def register(server: Server, receiver: Receiver, **more: Any) -> int:
    body = {"url": receiver.url, "verifier": VERIFIER, "automatic": False, **more}
    return server.control("POST", "webhooks", body)["number"]


def customer(server: Server, name: str) -> str:
    body = {"operation": "create", "entity": "Customer", "body": {"DisplayName": name}}
    return server.control("POST", "edit", body)["Customer"]["Id"]


def edit(server: Server, operation: str, entity: str, key: str, **more: Any) -> None:
    status, answer = server.send(
        "POST", "/_sandbox/edit", {"operation": operation, "entity": entity, "id": key, **more}
    )
    assert status == 200, answer


def invoice(server: Server, customer_id: str) -> str:
    item = {"Name": "Design", "Type": "Service", "IncomeAccountRef": {"value": "79"}}
    server.send("POST", "/_sandbox/edit", {"operation": "create", "entity": "Item", "body": item})
    line = {"Amount": 10, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}
    body = {"CustomerRef": {"value": customer_id}, "Line": [line]}
    return server.control("POST", "edit", {"operation": "create", "entity": "Invoice", "body": body})["Invoice"]["Id"]


def flush(server: Server, **wish: Any) -> list[dict[str, Any]]:
    return server.control("POST", "webhooks/flush", wish)["log"]


def advance(server: Server, seconds: float) -> None:
    server.control("POST", "clock", {"advance_seconds": seconds, "frozen": True})


def classic(body: bytes) -> list[tuple[str, str, str]]:
    (notification,) = json.loads(body)["eventNotifications"]
    return [(e["name"], e["id"], e["operation"]) for e in notification["dataChangeEvent"]["entities"]]


def is_signed(headers: dict[str, str], body: bytes, verifier: str = VERIFIER) -> bool:
    digest = hmac.new(verifier.encode(), body, hashlib.sha256).digest()
    return headers["intuit-signature"] == base64.b64encode(digest).decode()


def test_the_classic_format_is_as_published(server: Server, receiver: Receiver):
    register(server, receiver)
    key = customer(server, "Amy")

    flush(server)

    ((headers, body),) = receiver.received
    event = {"name": "Customer", "id": key, "operation": "Create", "lastUpdated": "2026-11-21T12:00:00-0800"}
    notification = {"realmId": "9130357849001216", "dataChangeEvent": {"entities": [event]}}
    assert json.loads(body) == {"eventNotifications": [notification]}
    assert is_signed(headers, body)
    assert headers["intuit-notification-schema-version"] == "0.1" and headers["intuit-t-id"]
    assert headers["user-agent"] == "intuit_notification_server/0.1"
    assert headers["content-type"] == "application/json; charset=utf-8"


def test_the_cloudevents_format_is_as_published(server: Server, receiver: Receiver):
    register(server, receiver, format="cloudevents")
    key = customer(server, "Amy")

    flush(server)

    ((headers, body),) = receiver.received
    (event,) = json.loads(body)
    assert is_signed(headers, body)
    assert {name: event[name] for name in event if name not in ("id", "source")} == {
        "specversion": "1.0",
        "type": "qbo.customer.created.v1",
        "datacontenttype": "application/json",
        "time": "2026-11-21T20:00:00.000000000Z",
        "intuitentityid": key,
        "intuitaccountid": "9130357849001216",
        "data": {},
    }
    assert len(event["id"]) == 36 and event["source"].startswith("intuit.")


def test_every_kind_of_change_is_told_and_several_go_together(server: Server, receiver: Receiver):
    register(server, receiver)
    amy = customer(server, "Amy")
    bill = invoice(server, amy)
    edit(server, "update", "Customer", amy, body={"Notes": "x"})
    edit(server, "update", "Customer", amy, body={"Notes": "x"})
    edit(server, "send", "Invoice", bill, to="amy@example.com")
    edit(server, "void", "Invoice", bill)
    edit(server, "delete", "Invoice", bill)

    flush(server)

    ((_, body),) = receiver.received
    assert classic(body) == [
        ("Customer", amy, "Create"),
        ("Item", "1", "Create"),
        ("Invoice", bill, "Create"),
        ("Customer", amy, "Update"),
        ("Invoice", bill, "Emailed"),
        ("Invoice", bill, "Void"),
        ("Invoice", bill, "Delete"),
    ]


def test_only_the_entities_subscribed_to_are_told(server: Server, receiver: Receiver):
    register(server, receiver, entities=["Invoice"], group_max=1)
    amy = customer(server, "Amy")
    first, second = invoice(server, amy), invoice(server, amy)

    flush(server)

    assert [classic(body) for _, body in receiver.received] == [
        [("Invoice", first, "Create")],
        [("Invoice", second, "Create")],
    ]


@pytest.mark.parametrize(
    ("scope", "told"),
    [("written", [("Payment", "Create")]), ("touched", [("Payment", "Create"), ("Invoice", "Update")])],
)
def test_a_payment_tells_of_its_invoice_only_where_the_switch_says_so(
    server: Server, receiver: Receiver, scope: str, told: list[tuple[str, str]]
):
    amy = customer(server, "Amy")
    bill = invoice(server, amy)
    register(server, receiver)
    server.control("POST", "switches", {"webhook_scope": scope})
    line = {"Amount": 10, "LinkedTxn": [{"TxnId": bill, "TxnType": "Invoice"}]}
    body = {"CustomerRef": {"value": amy}, "TotalAmt": 10, "Line": [line]}

    server.control("POST", "edit", {"operation": "create", "entity": "Payment", "body": body})
    flush(server)

    assert [(name, operation) for name, _, operation in classic(receiver.received[0][1])] == told


def test_changes_are_sent_by_themselves(server: Server, receiver: Receiver):
    register(server, receiver, automatic=True)

    customer(server, "Amy")

    receiver.wait_for(1)
    assert classic(receiver.received[0][1])[0][2] == "Create"


def test_the_old_scheme_tries_after_20_30_and_50_minutes_and_then_disables(server: Server, receiver: Receiver):
    number = register(server, receiver)
    receiver.statuses = [500, 503, 504, 408]
    customer(server, "Amy")

    outcomes = [flush(server)[0]["outcome"]]
    for minutes in (20, 30, 50):
        advance(server, 60 * minutes - 1)
        assert flush(server) == []
        advance(server, 1)
        outcomes.append(flush(server)[0]["outcome"])

    assert outcomes == ["to be tried again"] * 3 + ["endpoint disabled"]
    assert len({body for _, body in receiver.received}) == 1
    customer(server, "Bob")
    assert flush(server) == [] and server.control("GET", "webhooks")[0]["disabled"]
    server.control("POST", "webhooks/enable", {"endpoint": number})
    customer(server, "Carl")
    assert flush(server)[0]["status"] == 200
    assert [operation for _, _, operation in classic(receiver.received[-1][1])] == ["Create"]


def test_the_old_scheme_does_not_try_again_what_was_refused(server: Server, receiver: Receiver):
    register(server, receiver)
    receiver.statuses = [400]
    customer(server, "Amy")

    assert flush(server)[0]["outcome"] == "given up"


def test_the_new_scheme_goes_on_for_ever_and_holds_later_events_back(server: Server, receiver: Receiver):
    register(server, receiver, format="cloudevents")
    receiver.statuses = [500] * 10
    customer(server, "Amy")
    flush(server)
    customer(server, "Bob")

    for seconds in (10, 20, 30, 300, 1200, 7200, 14400, 21600, 21600):
        assert flush(server) == []
        advance(server, seconds)
        assert [each["outcome"] for each in flush(server)] == ["to be tried again"]
    advance(server, 21600)

    assert [each["status"] for each in flush(server)] == [200, 200]
    assert [json.loads(body)[0]["intuitentityid"] for _, body in receiver.received[-2:]] == ["1", "2"]


def test_a_receiver_that_is_not_there_gets_it_later(server: Server):
    with receiving() as gone:
        register(server, gone, format="cloudevents")
    customer(server, "Amy")

    assert [(each["status"], each["outcome"]) for each in flush(server)] == [(0, "to be tried again")]


def test_deliveries_are_dropped_doubled_forged_delayed_and_reordered(server: Server, receiver: Receiver):
    register(server, receiver, group_max=1)
    server.control(
        "POST",
        "webhooks/faults",
        [
            {"nth": 1, "drop": True},
            {"nth": 2, "copies": 2},
            {"nth": 3, "forge": True},
            {"nth": 4, "delay_seconds": 600},
            {"nth": 5, "later_deliveries": 1},
        ],
    )
    keys = [customer(server, name) for name in ("Amy", "Bob", "Carl", "Dan", "Eve", "Fay")]

    flush(server)

    came = [(classic(body)[0][1], is_signed(headers, body)) for headers, body in receiver.received]
    doubled, forged, reordered, last = keys[1], keys[2], keys[4], keys[5]
    assert came == [(doubled, True), (doubled, True), (forged, False), (last, True), (reordered, True)]
    assert server.control("GET", "webhooks/log")[0]["outcome"] == "dropped"
    advance(server, 600)
    assert classic(flush(server)[0]["body"].encode())[0][1] == keys[3]


def test_events_that_never_were_can_be_sent_and_delayed_ones_hurried(server: Server, receiver: Receiver):
    register(server, receiver, delay_seconds=3600)
    customer(server, "Amy")
    assert flush(server) == []
    assert flush(server, early=True)[0]["status"] == 200

    server.control(
        "POST",
        "webhooks/send",
        {"changes": [{"entity": "Invoice", "id": "999", "operation": "delete"}], "forged": True},
    )
    (entry,) = flush(server)

    assert entry["forged"] and classic(receiver.received[-1][1]) == [("Invoice", "999", "Delete")]
    assert not is_signed(*receiver.received[-1])


def test_the_same_seed_makes_the_same_deliveries(server: Server, receiver: Receiver):
    register(server, receiver, format="cloudevents")

    for _ in range(2):
        server.control("POST", "reset", {"seed": "empty", "random_seed": 5})
        customer(server, "Amy")
        flush(server)

    assert receiver.received[0][1] == receiver.received[1][1]


def test_a_killed_simulator_still_knows_where_to_send(tmp_path: Path, receiver: Receiver):
    file = str(tmp_path / "company.journal")
    with running("--persist", file) as server:
        register(server, receiver, automatic=True)

    with running("--persist", file) as server:
        customer(server, "Amy")
        receiver.wait_for(1)

    assert is_signed(*receiver.received[0])


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("webhooks", {"url": "ftp://x"}, "http://"),
        ("webhooks", {"url": "http://x", "format": "xml"}, "classic, cloudevents"),
        ("webhooks", {"url": "http://x", "retries": "never"}, "old, new"),
        ("webhooks", {"url": "http://x", "group_max": 0}, "1 or more"),
        ("webhooks/enable", {"endpoint": 77}, "no endpoint 77"),
        ("webhooks/faults", [{"times": 2}], "times"),
        ("webhooks/send", {"changes": [{"entity": "Invoice", "id": "1", "operation": "shred"}]}, "shred"),
    ],
)
def test_a_mistake_is_named(server: Server, name: str, body: Any, says: str):
    status, answer = server.send("POST", f"/_sandbox/{name}", body)

    assert status == 400 and says in json.loads(answer)["error"]
