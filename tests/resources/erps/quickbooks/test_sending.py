"""Sending: every way in which a write can be answered, singly and in a batch, against the simulator over HTTP."""

from __future__ import annotations

import socket
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from resources.connector import Deferred, InDoubt, Refused, Stale, Write, Written
from resources.erps.quickbooks.answers import canonical_field
from resources.erps.quickbooks.client import QuickBooksConnector
from resources.erps.quickbooks.sending import Sender
from resources.erps.quickbooks.wire import Wire
from resources.errors import ErrorKind, TieoutError
from resources.http import OpenGate
from tests.resources.erps.quickbooks.written import SteadyToken, WrittenCompany, a_customer, a_vendor

A_FAULT = {"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": "0", "element": ""}], "type": "ValidationFault"}}


def a_fault(code: str, element: str = "", detail: str = "something") -> dict[str, Any]:
    error = {"Message": "m", "Detail": detail, "code": code, "element": element}
    return {"Fault": {"Error": [error], "type": "ValidationFault"}}


def a_write(company: WrittenCompany, name: str = "Somebody New", **more: Any) -> Write:
    return replace(company.write_of(company.wanted("customers", a_customer(name=name))), **more)


def spoil(company: WrittenCompany, **fault: Any) -> None:
    company.simulator.post("faults", [{"method": "POST", "path": "/v3/*", **fault}])


def count_of(company: WrittenCompany, name: str) -> int:
    return sum(each["DisplayName"] == name for each in company.simulator.objects("Customer"))


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind", "meant"),
    [
        (400, a_fault("5010"), {}, ErrorKind.CONFLICT, Stale),
        (400, a_fault("6140"), {}, ErrorKind.DUPLICATE, Refused),
        (400, a_fault("6240"), {}, ErrorKind.DUPLICATE, Refused),
        (400, a_fault("610"), {}, ErrorKind.NOT_FOUND, Refused),
        (400, a_fault("6210"), {}, ErrorKind.VALIDATION, Refused),
        (400, a_fault("2500"), {}, ErrorKind.MAPPING, Refused),
        (400, a_fault("6000"), {}, ErrorKind.VALIDATION, Refused),
        (400, a_fault("6999"), {}, ErrorKind.VALIDATION, Refused),
        (400, a_fault("777"), {}, ErrorKind.UNKNOWN, Refused),
        (404, a_fault("610"), {}, ErrorKind.NOT_FOUND, Refused),
        (200, a_fault("2020"), {}, ErrorKind.VALIDATION, Refused),
        (400, a_fault("600"), {}, ErrorKind.DUPLICATE, InDoubt),
        (400, a_fault("100"), {}, ErrorKind.SYSTEM, InDoubt),
        (400, {"Fault": {"type": "SystemFault"}}, {}, ErrorKind.SYSTEM, InDoubt),
        (200, {"Fault": {"Error": [{"code": "-1"}], "type": "SystemFault"}}, {}, ErrorKind.SYSTEM, InDoubt),
        (400, {"Fault": {"Error": [{"code": "77"}], "type": "SERVICE"}}, {}, ErrorKind.SYSTEM, InDoubt),
        (400, {"Fault": {"Error": [{"code": "busy"}]}}, {}, ErrorKind.UNKNOWN, InDoubt),
        (400, "<html>Bad Request</html>", {}, ErrorKind.UNKNOWN, InDoubt),
        (403, "<html>Forbidden</html>", {}, ErrorKind.AUTHORIZATION, InDoubt),
        (404, None, {}, ErrorKind.NOT_FOUND, InDoubt),
        (404, {"fault": {"faultstring": "no such route"}}, {}, ErrorKind.NOT_FOUND, InDoubt),
        (404, {"Fault": {"Error": [{"code": "77"}], "type": "SERVICE"}}, {}, ErrorKind.NOT_FOUND, InDoubt),
        (413, "<html>Request Entity Too Large</html>", {}, ErrorKind.VALIDATION, InDoubt),
        (415, None, {}, ErrorKind.UNKNOWN, InDoubt),
        (408, None, {}, ErrorKind.TIMEOUT, InDoubt),
        (500, a_fault("10000"), {}, ErrorKind.SYSTEM, InDoubt),
        (500, a_fault("2020"), {}, ErrorKind.SYSTEM, InDoubt),
        (502, "<html>Bad Gateway</html>", {}, ErrorKind.SYSTEM, InDoubt),
        (503, "<html>Unavailable</html>", {}, ErrorKind.SYSTEM, InDoubt),
        (504, None, {}, ErrorKind.TIMEOUT, InDoubt),
        (503, None, {"Retry-After": "17"}, ErrorKind.SYSTEM, Deferred),
        (429, None, {}, ErrorKind.RATE_LIMIT, Deferred),
        (429, {"fault": {"error": [{"code": "3001"}]}}, {"Retry-After": "5"}, ErrorKind.RATE_LIMIT, Deferred),
        (403, {"fault": {"error": [{"code": "3001"}]}}, {}, ErrorKind.RATE_LIMIT, Deferred),
        (200, {}, {}, ErrorKind.SYSTEM, InDoubt),
        (200, "not JSON", {}, ErrorKind.SYSTEM, InDoubt),
        (200, {"Customer": {"SyncToken": "0"}}, {}, ErrorKind.SYSTEM, InDoubt),
        (200, {"Customer": {"Id": "5"}}, {}, ErrorKind.SYSTEM, InDoubt),
        (200, {"Vendor": {"Id": "5", "SyncToken": "0"}}, {}, ErrorKind.SYSTEM, InDoubt),
    ],
)
def test_an_answer_means_what_its_status_and_code_say(written, status, body, headers, kind, meant):
    spoil(written, status=status, body=body, headers=headers)
    calls_before = written.connector.api_calls

    for batch_key in (None, "all-at-once"):
        (answer,) = written.connector.send([a_write(written, batch_key=batch_key)])

        assert type(answer) is meant
        if batch_key is None:
            assert answer.error.kind is kind
            assert str(answer.error).startswith("qbo: pushing customers")
    assert written.connector.api_calls == calls_before + 2
    assert count_of(written, "Somebody New") == 0


def test_a_pause_that_is_asked_for_is_passed_on(written):
    spoil(written, status=503, headers={"Retry-After": "17"})
    (answer,) = written.connector.send([a_write(written)])
    assert isinstance(answer, Deferred)
    assert answer.error.retry_after_seconds == 17


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_write_gets_no_answer_but_an_error_and_nothing_happened(written, status):
    spoil(written, status=status, body={"fault": {"error": [{"code": "3200" if status == 401 else "3100"}]}})
    with pytest.raises(TieoutError) as caught:
        written.connector.send([a_write(written)])
    assert caught.value.kind is (ErrorKind.AUTHENTICATION if status == 401 else ErrorKind.AUTHORIZATION)
    assert count_of(written, "Somebody New") == 0


def test_a_token_that_is_over_is_renewed_and_the_write_repeated_once(written):
    spoil(written, nth=1, status=401, body={"fault": {"error": [{"code": "3200"}]}})
    (answer,) = written.connector.send([a_write(written)])
    assert isinstance(answer, Written)
    assert written.tokens.renewed == 1
    assert count_of(written, "Somebody New") == 1


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        ({"drop": "before"}, 0),
        ({"drop": "after"}, 1),
        ({"truncate_bytes": 40}, 1),
    ],
    ids=["request lost", "answer lost", "answer cut short"],
)
@pytest.mark.parametrize("batch_key", [None, "together"])
def test_a_broken_conversation_leaves_a_write_in_doubt_and_its_key_makes_it_once(written, fault, made, batch_key):
    write = a_write(written, batch_key=batch_key)
    spoil(written, nth=1, **fault)
    (answer,) = written.connector.send([write])
    assert isinstance(answer, InDoubt)
    assert count_of(written, "Somebody New") == made

    (again,) = written.connector.send([write])

    assert isinstance(again, Written)
    assert count_of(written, "Somebody New") == 1


def test_the_same_key_gives_the_first_answer_again(written):
    write = a_write(written)
    (first,), (second,) = written.connector.send([write]), written.connector.send([write])
    assert first.record == second.record
    assert count_of(written, "Somebody New") == 1


def test_another_body_under_a_used_key_is_in_doubt_where_quickbooks_faults_it(written):
    written.simulator.post("switches", {"request_id_with_other_body": "fault"})
    try:
        write = a_write(written)
        written.connector.send([write])
        (answer,) = written.connector.send([replace(write, body={"DisplayName": "Somebody Else"})])
    finally:
        written.simulator.post("switches", {"request_id_with_other_body": "replay"})
    assert isinstance(answer, InDoubt)


def test_what_no_connection_came_about_for_is_sent_later_without_a_probe():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    connector = QuickBooksConnector.open(
        connection="qbo",
        settings={"realm_id": "1"},
        tokens=SteadyToken("t"),
        base_url=f"http://127.0.0.1:{port}",
    )
    (answer,) = connector.send([Write("customers", "create", "k", {"DisplayName": "X"})])
    assert isinstance(answer, Deferred)
    assert answer.error.kind is ErrorKind.CONNECTION


class CountingGate(OpenGate):
    """Lets everything through, counts it, and says how long a pause lasts."""

    def __init__(self, paused: float = 0.0) -> None:
        self.paused = paused
        self.calls = 0

    def call(self) -> AbstractContextManager[None]:
        self.calls += 1
        return nullcontext()

    def pause(self, seconds: float) -> None:
        self.paused = seconds

    def paused_seconds(self) -> float:
        return self.paused


def a_sender(company: WrittenCompany, gate: CountingGate, batches: CountingGate) -> Sender:
    minted = company.simulator.post("tokens")
    tokens, realm_id = SteadyToken(minted["access_token"]), str(minted["realm_id"])
    wire = Wire(connection="qbo", realm_id=realm_id, tokens=tokens, base_url=company.simulator.base_url, gate=gate)
    return Sender(wire, realm_id=realm_id, batch_gate=batches)


def test_nothing_is_sent_into_a_pause_and_a_429_makes_one(written):
    gate, batches = CountingGate(), CountingGate()
    sender, write = a_sender(written, gate, batches), a_write(written)
    spoil(written, nth=1, status=429)

    for _ in range(2):
        (answer,) = sender.send([write])
        assert isinstance(answer, Deferred)
        assert answer.error.retry_after_seconds == 60
    assert gate.calls == 1

    gate.paused = 0.0
    assert isinstance(sender.send([write])[0], Written)


def test_batches_have_a_limit_of_their_own_beside_that_on_all_calls(written):
    gate, batches = CountingGate(), CountingGate()
    sender = a_sender(written, gate, batches)
    sender.send([a_write(written, "Singly")])
    sender.send([a_write(written, f"Together {n}", batch_key="b") for n in range(3)])
    assert (gate.calls, batches.calls) == (2, 1)


def test_a_write_without_a_token_never_leaves(written):
    class NoToken(SteadyToken):
        def access_token(self) -> str:
            raise TieoutError(ErrorKind.TIMEOUT, doing="refreshing the access token", found="no answer")

    connector = QuickBooksConnector.open(
        connection="qbo", settings={"realm_id": "1"}, tokens=NoToken(""), base_url=written.simulator.base_url
    )
    (answer,) = connector.send([a_write(written)])
    assert isinstance(answer, Deferred)
    assert connector.api_calls == 0


def test_a_reference_to_what_is_not_there_yet_is_never_sent(written):
    wanted = written.wanted("invoices", msgspec.structs.replace(written.an_invoice(), customer="#12"))
    assert written.composer.refusals(wanted) == []
    assert written.composer.body(wanted)["CustomerRef"] == {"value": "#12"}
    calls = written.connector.api_calls
    (answer,) = written.connector.send([written.write_of(wanted)])
    assert isinstance(answer, Refused)
    assert written.connector.api_calls == calls


def test_the_items_of_a_batch_are_answered_each_for_itself_in_one_call(written):
    held = written.made("vendors", a_vendor(name="To Go"))
    invoice = written.made("invoices", written.an_invoice())
    payment = written.made("payments", written.a_payment("10.00"))
    moved = written.changed("vendors", held, phone="1")
    bill = written.made("bills", written.a_bill())
    writes = [
        written.write_of(wanted, batch_key="b1")
        for wanted in (
            written.wanted("customers", a_customer(name="In A Batch")),
            written.wanted("customers", a_customer(name="Usual Customer")),
            written.change_of("vendors", held, phone="2"),
            written.change_of("vendors", moved, "delete"),
            written.change_of("bills", bill, "delete"),
            written.change_of("invoices", invoice, "void"),
            written.change_of("payments", payment, "void"),
        )
    ]
    calls = written.connector.api_calls

    answers = written.connector.send(writes)

    assert written.connector.api_calls == calls + 1
    assert [type(answer) for answer in answers] == [Written, Refused, Stale, Written, Written, Written, Written]
    assert answers[1].error.kind is ErrorKind.DUPLICATE
    assert answers[3].record.payload["Active"] is False
    assert answers[4].record.is_deleted
    assert answers[5].record.payload["TotalAmt"] == 0
    assert [type(answer) for answer in written.connector.send(writes)] == [type(answer) for answer in answers]


def test_a_batch_takes_thirty_and_not_one_more(written):
    writes = [a_write(written, f"Number {n}", batch_key="thirty") for n in range(30)]
    assert written.connector.writes_max == 30
    assert {type(answer) for answer in written.connector.send(writes)} == {Written}
    with pytest.raises(ValueError, match="up to 30"):
        written.connector.send([*writes, a_write(written, "Number 31", batch_key="thirty")])
    with pytest.raises(ValueError, match="same batch_key"):
        written.connector.send([a_write(written), a_write(written)])


def test_an_item_without_an_answer_is_in_doubt_and_the_others_are_not(written):
    body = {"BatchItemResponse": [{"bId": "i2", "Customer": {"Id": "9", "SyncToken": "0"}}]}
    spoil(written, path="/v3/*/batch", status=200, body=body)
    writes = [a_write(written, f"Number {n}", batch_key="b") for n in (1, 2)]
    first, second = written.connector.send(writes)
    assert isinstance(first, InDoubt)
    assert isinstance(second, Written)


def test_an_answer_about_another_record_is_in_doubt(written):
    held = written.made("customers", a_customer(name="The One"))
    spoil(written, status=200, body={"Customer": {"Id": "4711", "SyncToken": "1"}})
    answer = written.send(written.change_of("customers", held, phone="1"))
    assert isinstance(answer, InDoubt)
    assert "4711" in answer.error.found


def test_a_document_that_comes_back_without_its_mark_is_in_doubt(written):
    spoil(written, status=200, body={"Invoice": {"Id": "9", "SyncToken": "0", "PrivateNote": "another's"}})
    answer = written.send(written.wanted("invoices", written.an_invoice()))
    assert isinstance(answer, InDoubt)
    assert "mark" in answer.error.found


def test_a_void_that_voided_nothing_is_in_doubt(written):
    held = written.made("invoices", written.an_invoice())
    spoil(written, status=200, body={"Invoice": dict(held.payload, SyncToken="1")})
    assert isinstance(written.send(written.change_of("invoices", held, "void")), InDoubt)


def test_a_refusal_names_the_canonical_field_and_what_to_do(written):
    spoil(written, status=400, body=a_fault("2500", "Line.SalesItemLineDetail.ItemRef", "Invalid Reference Id"))
    answer = written.send(written.wanted("invoices", written.an_invoice()))
    assert str(answer.error) == (
        "qbo: pushing invoices: "
        "found lines.item: Invalid Reference Id (Line.SalesItemLineDetail.ItemRef) (fault 2500), "
        "expected a record that QuickBooks takes: "
        "choose one that is there and active in QuickBooks, or map the code to it"
    )


def test_a_refusal_is_one_sentence_however_much_quickbooks_says(written):
    spoil(written, status=400, body=a_fault("2010", "", "Property Name:" + "known\n" * 500))
    (answer,) = written.connector.send([a_write(written)])
    assert "\n" not in str(answer.error)
    assert len(str(answer.error)) < 600


@pytest.mark.parametrize(
    ("entity", "element", "field"),
    [
        ("items", "Name", "name"),
        ("customers", "BillAddr.City", "billing_city"),
        ("invoices", "CustomerRef", "customer"),
        ("invoices", "Line.Amount", "lines.amount"),
        ("invoices", "Line", "lines"),
        ("invoices", "Line.DetailType", "lines"),
        ("payments", "Line.LinkedTxn", "applications.document_entity"),
        ("purchase_orders", "APAccountRef", "payable_account_code"),
        ("customers", "Nowhere", None),
        ("customers", "", None),
    ],
)
def test_an_element_of_a_fault_is_a_canonical_field(entity, element, field):
    assert canonical_field(entity, element) == field


def test_names_are_made_inactive_and_transactions_deleted(written):
    for entity, record in written.one_of_each().items():
        held = written.held(entity, written.made(entity, record).external_id)
        ended = written.ended(entity, held, "delete")
        if entity in ("customers", "vendors", "items"):
            assert ended.payload["Active"] is False
        else:
            assert ended.is_deleted
            assert ended.external_id == held.external_id


def test_invoices_and_payments_of_both_kinds_are_voided(written):
    each = written.one_of_each()
    for entity in ("invoices", "payments", "bill_payments"):
        held = written.made(entity, msgspec.structs.replace(each[entity], private_note="Mind this"))
        voided = written.ended(entity, held, "void")
        found = written.change_of(entity, voided).record
        assert found.is_void
        assert found.private_note == "Voided - Mind this"
        assert written.composer.marker_of(entity, voided.payload) == written.composer.marker_of(entity, held.payload)
