"""Xero's webhooks: events and their sequence, the signature, intent to receive, what no event tells of."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.xero.notices import signed
from tests.sandbox.process import Server, running
from tests.sandbox.receiver import Receiver, receiving
from tests.sandbox.xero.company import invoice, payment

KEY = "s0me+w3bh00k/key=="
CAPTURE = Path(__file__).parents[3].parent / "shared/reference/xero/recorded/webhook_intent_to_receive.json"


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    with running("--no-limits", erp="xero") as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    shared_server.control("DELETE", "webhooks")
    shared_server.control("POST", "webhooks/faults", [])
    shared_server.control("POST", "clock", {"now": "2026-11-21T12:00:00.123Z", "frozen": True})
    shared_server.control("POST", "reset", {"seed": "empty", "random_seed": 3})
    return shared_server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def edit(server: Server, entity: str, body: Any, operation: str = "create", **more: Any) -> Any:
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: plain(each) for name, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        return value if isinstance(value, (str, int, bool)) else float(value)

    return server.control("POST", "edit", {"operation": operation, "entity": entity, "body": plain(body), **more})[
        entity
    ][0]


def register(server: Server, receiver: Receiver, **more: Any) -> None:
    server.control("POST", "webhooks", {"url": receiver.url, "verifier": KEY, "automatic": False, **more})


def flushed(server: Server, receiver: Receiver) -> list[dict[str, Any]]:
    server.control("POST", "webhooks/flush", {})
    return [json.loads(body) for _, body in receiver.received]


def test_documents_and_contacts_are_told_of_and_payments_only_by_their_invoice(server: Server, receiver: Receiver):
    register(server, receiver)
    contact = edit(server, "Contacts", {"Name": "Larkspur"})["ContactID"]
    key = edit(server, "Invoices", invoice(contact))["InvoiceID"]
    edit(server, "Payments", payment(key, "40.00"))

    (delivery,) = flushed(server, receiver)

    told = [(each["eventCategory"], each["eventType"], each["resourceId"]) for each in delivery["events"]]
    assert told == [("CONTACT", "CREATE", contact), ("INVOICE", "CREATE", key), ("INVOICE", "UPDATE", key)]
    assert (delivery["firstEventSequence"], delivery["lastEventSequence"]) == (1, 3)
    assert delivery["events"][0]["eventDateUtc"] == "2026-11-21T12:00:00.123"
    assert delivery["events"][1]["resourceUrl"] == f"https://api.xero.com/api.xro/2.0/Invoices/{key}"
    headers, body = receiver.received[0]
    assert headers["x-xero-signature"] == signed(KEY, body)


def test_a_credit_note_is_told_of_with_its_type_and_status(server: Server, receiver: Receiver):
    register(server, receiver)
    contact = edit(server, "Contacts", {"Name": "Larkspur"})["ContactID"]
    edit(server, "CreditNotes", invoice(contact, Type="ACCPAYCREDIT", Status="DRAFT"))

    (delivery,) = flushed(server, receiver)

    assert delivery["events"][1]["data"] == {"Type": "ACCPAYCREDIT", "Status": "DRAFT"}


def test_an_intent_to_receive_has_no_events_and_a_forged_one_differs_in_one_character(
    server: Server, receiver: Receiver
):
    register(server, receiver)
    receiver.statuses = [200, 401]
    server.control("POST", "webhooks/send", {"changes": []})
    server.control("POST", "webhooks/send", {"changes": [], "forged": True})

    good, bad = flushed(server, receiver)

    assert good["events"] == bad["events"] == []
    assert {good["firstEventSequence"], good["lastEventSequence"], bad["firstEventSequence"]} == {0}
    signatures = [(headers["x-xero-signature"], signed(KEY, body)) for headers, body in receiver.received]
    assert [sum(a != b for a, b in zip(*pair, strict=True)) for pair in signatures] == [0, 1]


def test_a_lost_delivery_leaves_a_gap_in_the_sequence(server: Server, receiver: Receiver):
    register(server, receiver)
    server.control("POST", "webhooks/faults", [{"nth": 1, "drop": True}])
    edit(server, "Contacts", {"Name": "First"})
    flushed(server, receiver)
    edit(server, "Contacts", {"Name": "Second"})

    (delivery,) = flushed(server, receiver)

    begun = server.control("GET", "webhooks/log")[-2:]
    lost = json.loads(begun[0]["body"])
    assert begun[0]["outcome"] == "dropped"
    assert delivery["firstEventSequence"] == lost["lastEventSequence"] + 1


@pytest.mark.shared
@pytest.mark.skipif(not CAPTURE.is_file(), reason="the captured answers are not kept beside this checkout")
def test_the_recorded_probes_have_the_keys_of_ours_and_one_wrong_character():
    for probe in json.loads(CAPTURE.read_text()):
        assert json.loads(probe["raw_body"]).keys() == {"events", "firstEventSequence", "lastEventSequence", "entropy"}
        given, right = probe["signature_header_received"], probe["signature_computed_by_receiver"]
        assert sum(a != b for a, b in zip(given, right, strict=True)) == 1
