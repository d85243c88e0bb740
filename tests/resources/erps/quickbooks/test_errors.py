"""What QuickBooks' answers mean, over every fault that was captured and the ones a gateway makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from resources.erps.quickbooks.errors import TokenRejectedError, error_from, error_from_fault
from resources.errors import ErrorKind
from resources.http import StrictResponse

CAPTURES = Path(__file__).parents[4].parent / "shared" / "reference" / "quickbooks"
CAPTURED_FAULTS = {
    "auth_401_malformed_token.json": (ErrorKind.AUTHENTICATION, "3200"),
    "auth_401_token_expired.json": (ErrorKind.AUTHENTICATION, "3200"),
    "auth_403_application_authorization_failed.json": (ErrorKind.AUTHORIZATION, "3100"),
    "fault_2010_unsupported_property.json": (ErrorKind.VALIDATION, "2010"),
    "fault_2020_required_param_missing.json": (ErrorKind.VALIDATION, "2020"),
    "fault_2030_invalid_id.json": (ErrorKind.VALIDATION, "2030"),
    "fault_2500_invalid_reference.json": (ErrorKind.MAPPING, "2500"),
    "fault_4000_query_parse.json": (ErrorKind.VALIDATION, "4000"),
    "fault_4001_property_not_found_xml.json": (ErrorKind.VALIDATION, "4001"),
    "fault_4001_property_not_queryable_xml.json": (ErrorKind.VALIDATION, "4001"),
    "fault_4001_unknown_entity.json": (ErrorKind.VALIDATION, "4001"),
    "fault_5010_stale_object.json": (ErrorKind.CONFLICT, "5010"),
    "fault_610_deleted_transaction.json": (ErrorKind.NOT_FOUND, "610"),
    "fault_6140_duplicate_docnumber.json": (ErrorKind.DUPLICATE, "6140"),
    "fault_6240_duplicate_name_customer.json": (ErrorKind.DUPLICATE, "6240"),
    "http200_with_fault_inside_attachable.json": (ErrorKind.VALIDATION, "6000"),
    "throttle_429_xml.json": (ErrorKind.RATE_LIMIT, "3001"),
}

needs_captures = pytest.mark.skipif(not CAPTURES.is_dir(), reason="the reference captures are not beside the checkout")


def answered(status: int, body: bytes | str, **headers: str) -> StrictResponse:
    response = StrictResponse()
    response.status_code = status
    response._content = body.encode() if isinstance(body, str) else body
    response.headers = requests.structures.CaseInsensitiveDict(headers)
    return response


def judged(status: int, body: bytes | str, **headers: str):
    return error_from(answered(status, body, **headers), connection="qbo", doing="pulling invoices", entity="invoices")


@pytest.mark.shared
@needs_captures
@pytest.mark.parametrize("name", CAPTURED_FAULTS)
def test_a_captured_fault_has_its_class(name):
    kind, code = CAPTURED_FAULTS[name]
    captured = json.loads((CAPTURES / name).read_text())["response"]
    body = captured.get("body_xml") or json.dumps(captured["body"])
    answer = answered(captured["status"], body)

    if captured["status"] == 200:
        error = error_from_fault(answer.json(), answer, connection="qbo", doing="uploading")
    else:
        error = error_from(answer, connection="qbo", doing="pulling invoices")

    assert error is not None
    assert error.kind is kind
    assert f"fault {code}" in error.found


@pytest.mark.shared
@needs_captures
def test_no_captured_fault_is_left_out():
    named = {path.name for path in CAPTURES.glob("*.json") if path.name.startswith(("fault_", "auth_", "throttle_"))}

    assert named <= set(CAPTURED_FAULTS)


@pytest.mark.shared
@needs_captures
def test_no_captured_good_answer_counts_as_a_fault():
    for path in CAPTURES.glob("*_2026.json"):
        body = json.loads(path.read_text())["response"].get("body")
        answer = answered(200, json.dumps(body))

        assert error_from_fault(answer.json(), answer, connection="qbo", doing="pulling") is None, path.name


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, '{"fault":{"error":[{"message":"ThrottleExceeded","code":"3001"}],"type":"SERVICE"}}', "rate_limit"),
        (429, "", "rate_limit"),
        (403, '{"fault":{"error":[{"code":"003001"}]}}', "rate_limit"),
        (403, "<html>Forbidden</html>", "authorization"),
        (400, '{"Fault":{"Error":[{"code":"3200"}]}}', "authentication"),
        (503, "<html><body>Service Unavailable</body></html>", "system"),
        (504, "<html>Gateway Time-out</html>", "timeout"),
        (502, "", "system"),
        (500, '{"Fault":{"Error":[{"Message":"An application error","code":"10000"}],"type":"SystemFault"}}', "system"),
        (400, '{"Fault":{"Error":[{"Message":"new","code":"6999"}]}}', "validation"),
        (400, '{"Fault":{"Error":[{"Message":"new","code":"77"}]}}', "unknown"),
        (400, '{"Fault":{"type":"ValidationFault"}}', "unknown"),
        (400, '{"Fault":{"Error":[{"code":"9999"},{"code":"5010"}]}}', "conflict"),
        (404, "", "not_found"),
        (302, "", "unknown"),
        (400, b"\x00\xff\xfe", "unknown"),
        (400, '{"Fault": 7}', "unknown"),
        (400, "[" * 5000, "unknown"),
    ],
)
def test_status_and_code_decide_and_no_body_breaks_the_reader(status, body, kind):
    assert judged(status, body).kind == kind


def test_a_document_type_in_an_xml_answer_is_not_read():
    fault = '<IntuitResponse><Fault><Error code="5010"/></Fault></IntuitResponse>'

    assert judged(400, fault).kind is ErrorKind.CONFLICT
    assert judged(400, f'<!DOCTYPE a [<!ENTITY b "c">]>{fault}').kind is ErrorKind.UNKNOWN


def test_a_throttled_call_waits_a_minute_unless_told_otherwise():
    assert judged(429, "").retry_after_seconds == 60.0
    assert judged(429, "", **{"Retry-After": "7"}).retry_after_seconds == 7.0


def test_the_token_quoted_by_an_authentication_fault_is_not_repeated():
    body = '{"fault":{"error":[{"message":"AuthenticationFailed","detail":"Token expired: CANARY-abc","code":"3200"}]}}'

    error = judged(401, body, intuit_tid="1-5f")

    assert isinstance(error, TokenRejectedError)
    assert "CANARY" not in str(error.as_row())
    assert "intuit_tid 1-5f" in error.found


def test_the_error_says_who_what_and_what_next():
    error = judged(400, '{"Fault":{"Error":[{"Message":"Stale Object Error","Detail":"You and X","code":"5010"}]}}')

    assert str(error).startswith("qbo: pulling invoices: found HTTP 400; fault 5010 Stale Object Error You and X")
    assert error.next_step
