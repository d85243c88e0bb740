"""What stands around every call: headers, representations, requestid, batches, limits, queries that lag."""

import gzip
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from sandbox.http import Request
from sandbox.quickbooks import wire, xml
from sandbox.quickbooks.spec import ENTITIES
from tests.sandbox.quickbooks.company import NOON, REALM, Company

NAMESPACE = "{http://schema.intuit.com/finance/v3}"


@pytest.fixture
def company() -> Company:
    return Company()


def batch(company: Company, *items: dict[str, Any], request_id: str = "") -> list[dict[str, Any]]:
    query = f"?requestid={request_id}" if request_id else ""
    status, answer = company.call("POST", f"/batch{query}", {"BatchItemRequest": list(items)})
    assert status == 200, answer
    return answer["BatchItemResponse"]


def in_xml(company: Company, method: str, path: str, body: Any = None) -> ElementTree.Element:
    request = _request(method, f"/v3/company/{REALM}{path}", body, {"accept": "application/xml"})
    answer = company.erp.handle(request, authenticated=True)
    assert answer.content_type.startswith("application/xml"), answer
    return ElementTree.fromstring(answer.body)


def _request(method: str, path: str, body: Any, headers: dict[str, str]) -> Request:
    path, _, query = path.partition("?")
    return Request(method, path, query, headers, wire.encode(body) if body is not None else b"")


def test_every_answer_of_the_api_has_the_headers_seen(company: Company):
    found = company.send("GET", f"/v3/company/{REALM}/preferences")
    missing = company.send("GET", f"/v3/company/{REALM}/customer/77")

    assert found.content_type == "application/json;charset=utf-8" and missing.content_type == "application/json"
    assert {"intuit_tid", "Qbo-Version", "Service-Time", "Server", "Cache-Control", "Expires"} <= set(found.headers)
    assert found.headers["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    assert found.headers["intuit_tid"] != missing.headers["intuit_tid"]
    assert found.headers["intuit_tid"].startswith(f"1-{int(NOON.timestamp()):08x}-")


def test_paths_are_case_sensitive(company: Company):
    key = company.customer()

    assert company.fault("GET", f"/Customer/{key}")["code"] == "500"
    assert company.send("GET", f"/V3/company/{REALM}/customer/{key}").status == 404


def test_a_statement_may_be_the_body_or_in_the_address(company: Company):
    company.customer()
    statement = "select count(*) from Customer"

    for path, body in (("/query", statement.encode()), (f"/query?query={statement.replace(' ', '%20')}", b"")):
        status, answer = company.call("POST", path, body)
        assert (status, answer["QueryResponse"]) == (200, {"totalCount": 1})


def test_operation_update_is_redundant_but_not_a_create(company: Company):
    key = company.customer("Amy")
    body = {"Id": key, "SyncToken": "0", "sparse": True, "Notes": "x"}

    assert company.post("Customer", body, "?operation=update")["SyncToken"] == "1"
    assert company.fault("POST", "/customer?operation=update", {"DisplayName": "New"})["element"] == "Id"


def test_an_object_has_no_more_than_ten_thousand_lines(company: Company):
    line = {"DetailType": "DescriptionOnly", "Description": "x"}
    body = {"CustomerRef": {"value": company.customer()}, "Line": [line] * 10_001}

    assert company.fault("POST", "/invoice", body)["code"] == "6000"


def test_answers_are_compressed_for_those_who_accept_it_where_the_switch_says_so(company: Company):
    headers = {"accept": "application/json", "accept-encoding": "gzip, deflate"}
    request = _request("GET", f"/v3/company/{REALM}/query?query=select%20*%20from%20Account", None, headers)

    plain = company.erp.handle(request, authenticated=True)
    company.erp.turn({"gzip": True})
    packed = company.erp.handle(request, authenticated=True)

    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


# -- requestid ---------------------------------------------------------------------------------------------------------


def test_a_requestid_is_remembered_for_as_long_as_the_switch_says(company: Company):
    company.erp.turn({"request_id_seconds": 60})
    first = company.post("Customer", {"DisplayName": "Amy"}, "?requestid=r1")

    company.later(59)
    assert company.post("Customer", {"DisplayName": "Amy"}, "?requestid=r1") == first
    company.later(1)

    assert company.post("Customer", {"DisplayName": "Amy again"}, "?requestid=r1")["Id"] != first["Id"]


@pytest.mark.parametrize(("reading", "status"), [("forgotten", 200), ("stored", 400)])
def test_a_fault_stays_under_its_requestid_only_where_the_switch_says_so(company: Company, reading: str, status: int):
    company.erp.turn({"request_id_errors": reading})
    company.customer("Amy")
    company.fault("POST", "/customer?requestid=r1", {"DisplayName": "Amy"})

    assert company.call("POST", "/customer?requestid=r1", {"DisplayName": "Another"})[0] == status


def test_a_repeated_answer_has_a_trace_of_its_own(company: Company):
    path = f"/v3/company/{REALM}/customer?requestid=r1"

    first, second = (company.send("POST", path, {"DisplayName": "Amy"}) for _ in range(2))

    assert first.body == second.body and first.headers["intuit_tid"] != second.headers["intuit_tid"]


# -- batch -------------------------------------------------------------------------------------------------------------


def test_a_batch_holds_changes_and_queries(company: Company):
    since = (NOON - timedelta(hours=1)).isoformat()

    made, changed, queried, counted = batch(
        company,
        {"bId": "1", "operation": "create", "Customer": {"DisplayName": "Amy"}},
        {"bId": "2", "CDCQuery": {"Entities": "Customer,Invoice", "ChangedSince": since}},
        {"bId": "3", "Query": "select * from Customer", "operation": "query"},
        {"bId": "4", "Query": "select count(*) from Customer"},
    )

    assert made["Customer"]["DisplayName"] == "Amy" and made["bId"] == "1"
    groups = changed["CDCResponse"]["QueryResponse"]
    assert [each["Id"] for each in groups[0]["Customer"]] == [made["Customer"]["Id"]] and groups[1] == {}
    assert queried["QueryResponse"]["maxResults"] == 1
    assert counted == {"QueryResponse": {"totalCount": 1}, "bId": "4"}


def test_a_batch_item_needs_neither_id_nor_operation(company: Company):
    (made,) = batch(company, {"Vendor": {"DisplayName": "Bessie"}})

    assert list(made) == ["Vendor"]


def test_each_item_of_a_batch_fails_for_itself(company: Company):
    codes = [
        item.get("Fault", {}).get("Error", [{}])[0].get("code")
        for item in batch(
            company,
            {"bId": "1", "operation": "create", "Customer": {}},
            {"bId": "2", "operation": "update", "Customer": {"DisplayName": "No Id"}},
            {"bId": "3", "operation": "revert", "Customer": {"DisplayName": "X"}},
            {"bId": "4", "operation": "create", "Customer": [1]},
            {"bId": "5", "CDCQuery": {"Entities": "TaxCode", "ChangedSince": "2026-01-01T00:00:00Z"}},
            {"bId": "6", "Query": "select"},
            {"bId": "7", "operation": "create", "Customer": {"DisplayName": "Good"}},
        )
    ]

    assert codes[1:] == ["2020", "500", "2010", "500", "4000", None] and codes[0] is not None


def test_a_batch_voids_and_allows_duplicate_numbers_by_its_options(company: Company):
    amy = company.customer()
    first = company.invoice(amy, DocNumber="A-1")
    payment = company.payment(amy, 100, (first["Id"], 100))
    again = {key: first[key] for key in ("CustomerRef", "Line", "DocNumber")}
    again["Line"] = [{**line, "Id": None} for line in again["Line"] if line["DetailType"] == "SalesItemLineDetail"]

    voided, doubled = batch(
        company,
        {
            "bId": "1",
            "operation": "update",
            "optionsData": "void",
            "Payment": {"Id": payment["Id"], "SyncToken": payment["SyncToken"], "sparse": True},
        },
        {"bId": "2", "operation": "create", "optionsData": "allowduplicatedocnum", "Invoice": again},
    )

    assert voided["Payment"]["TotalAmt"] == 0 and doubled["Invoice"]["DocNumber"] == "A-1"


@pytest.mark.parametrize(
    ("items", "request_id", "code"),
    [
        ([{"bId": str(n), "Query": "select * from Customer"} for n in range(31)], "", "1040"),
        ([{"bId": "1", "Query": "select * from Customer"}] * 2, "", "2020"),
        (["text"], "", "2020"),
        ([{"bId": "1", "Query": "select * from Customer"}], "r" * 37, "2050"),
        ([{"bId": "12345678901", "Query": "select * from Customer"}], "r1", "2050"),
    ],
)
def test_a_batch_as_such_may_be_refused(company: Company, items: list[Any], request_id: str, code: str):
    query = f"?requestid={request_id}" if request_id else ""

    assert company.fault("POST", f"/batch{query}", {"BatchItemRequest": items})["code"] == code


# -- XML ---------------------------------------------------------------------------------------------------------------


def test_everything_can_be_answered_in_xml(company: Company):
    company.customer("Amy & Co")

    page = in_xml(company, "GET", "/query?query=select%20*%20from%20Customer")
    count = in_xml(company, "GET", "/query?query=select%20count(*)%20from%20Customer")
    changes = in_xml(company, "GET", "/cdc?entities=Customer&changedSince=2026-11-21T00:00:00Z")
    items = in_xml(company, "POST", "/batch", {"BatchItemRequest": [{"bId": "b1", "Query": "select * from Customer"}]})
    fault = in_xml(company, "GET", "/customer/77")

    assert page.findtext(f"{NAMESPACE}QueryResponse/{NAMESPACE}Customer/{NAMESPACE}DisplayName") == "Amy & Co"
    assert count.find(f"{NAMESPACE}QueryResponse").attrib == {"totalCount": "1"}
    assert changes.find(f"{NAMESPACE}CDCResponse/{NAMESPACE}QueryResponse/{NAMESPACE}Customer") is not None
    assert items.find(f"{NAMESPACE}BatchItemResponse").attrib == {"bId": "b1"}
    assert fault.find(f"{NAMESPACE}Fault/{NAMESPACE}Error").attrib["code"] == "610"


def test_a_batch_and_an_attachment_may_be_sent_in_xml(company: Company):
    key = company.customer("Amy")
    items = (
        f'<IntuitBatchRequest xmlns="{NAMESPACE[1:-1]}">'
        '<BatchItemRequest bId="b1" operation="create"><Vendor><DisplayName>Bessie</DisplayName></Vendor>'
        '</BatchItemRequest><BatchItemRequest bId="b2" operation="update"><Customer sparse="true">'
        f"<Id>{key}</Id><SyncToken>0</SyncToken><Notes>x &amp; y</Notes></Customer></BatchItemRequest>"
        '<BatchItemRequest bId="b3"><Query>select * from Vendor</Query></BatchItemRequest>'
        '<BatchItemRequest bId="b4"><CDCQuery><Entities>Vendor</Entities>'
        "<ChangedSince>2026-11-21T00:00:00Z</ChangedSince></CDCQuery></BatchItemRequest></IntuitBatchRequest>"
    ).encode()
    headers = {"accept": "application/json", "content-type": "application/xml"}
    request = Request("POST", f"/v3/company/{REALM}/batch", "", headers, items)
    made, changed, queried, captured = wire.decode(company.erp.handle(request, authenticated=True).body)[
        "BatchItemResponse"
    ]

    assert (made["Vendor"]["DisplayName"], changed["Customer"]["Notes"]) == ("Bessie", "x & y")
    assert queried["QueryResponse"]["maxResults"] == 1 and captured["CDCResponse"]["QueryResponse"][0]["Vendor"]

    parts = (
        b"--b\r\nContent-Disposition: form-data; name=file_metadata_01\r\nContent-Type: application/xml\r\n\r\n"
        b"<Attachable><FileName>a.txt</FileName><Note>n</Note></Attachable>\r\n"
        b"--b\r\nContent-Disposition: form-data; name=file_content_01; filename=a.txt\r\nContent-Type: text/plain\r\n"
        b"\r\nhello\r\n--b--\r\n"
    )
    headers = {"accept": "application/json", "content-type": "multipart/form-data; boundary=b"}
    request = Request("POST", f"/v3/company/{REALM}/upload", "", headers, parts)
    (uploaded,) = wire.decode(company.erp.handle(request, authenticated=True).body)["AttachableResponse"]
    assert (uploaded["Attachable"]["Note"], uploaded["Attachable"]["Size"]) == ("n", 5)


def test_every_object_of_a_company_survives_the_way_through_xml(company: Company):
    company.erp.reset("demo", 1)
    lost = []
    for entity in ENTITIES:
        for key, row in list(company.erp.store.tables[entity.name].rows.items())[:50]:
            (found,) = in_xml(company, "GET", f"/{entity.path}/{key}")
            body = xml.body_of(ElementTree.tostring(found), entity)
            if bare(body) != bare(row.decoded()):
                lost.append((entity.name, key))

    assert lost == []


def bare(value: Any) -> Any:
    """Without what XML has no form for: empty objects and lists, and what only the service writes."""
    if isinstance(value, dict):
        kept = {name: bare(each) for name, each in value.items() if name != "LineEx"}
        return {name: each for name, each in kept.items() if each not in ({}, [], "")}
    return [bare(each) for each in value] if isinstance(value, list) else value


# -- limits and lag ----------------------------------------------------------------------------------------------------


def test_a_minute_of_the_limits_may_be_one_of_the_simulators_clock(company: Company):
    company.erp.turn({"limits_clock": "simulator"})
    access = company.erp.tokens()["access_token"]
    headers = {"accept": "application/json", "authorization": f"Bearer {access}"}

    def statuses(count: int, method: str = "GET", name: str = "preferences") -> list[int]:
        return [company.send(method, f"/v3/company/{REALM}/{name}", None, headers).status for _ in range(count)]

    assert statuses(41, "POST", "batch") == [400] * 40 + [429]
    assert statuses(461) == [200] * 460 + [429]
    company.later(60)
    assert statuses(1) == [200]


def test_a_query_may_lag_behind_writes_while_reads_by_id_do_not(company: Company):
    company.erp.turn({"query_lag_seconds": 30})
    amy = company.customer("Amy")
    assert company.ids("select * from Customer") == []
    company.later(30)
    bob = company.customer("Bob")
    company.post("Customer", {"Id": amy, "SyncToken": "0", "sparse": True, "DisplayName": "Ann"})
    bill = company.bill(company.vendor())

    assert [each["DisplayName"] for each in company.select("select * from Customer")["Customer"]] == ["Amy"]
    assert company.get("Customer", amy)["DisplayName"] == "Ann"
    since = f"/cdc?entities=Customer&changedSince={(NOON + timedelta(seconds=1)).isoformat().replace('+', '%2B')}"
    (group,) = company.call("GET", since)[1]["CDCResponse"][0]["QueryResponse"]
    assert {each["Id"] for each in group["Customer"]} == {amy, bob}
    company.later(30)
    company.post("Bill", {"Id": bill["Id"], "SyncToken": "0"}, "?operation=delete")
    assert company.ids("select * from Bill") == [bill["Id"]]
    assert company.ids("select * from Customer") == [amy, bob]
    company.later(30)
    assert company.ids("select * from Bill") == []
    assert company.fault("GET", f"/bill/{bill['Id']}")["code"] == "610"


def test_a_lagging_query_leaves_the_ledger_as_it_is(company: Company):
    company.bill(company.vendor())
    report = "/reports/TrialBalance?start_date=2026-01-01&end_date=2026-12-31"
    company.erp.turn({"query_lag_seconds": 30})
    company.later(60)
    company.bill(company.vendor("Second"))
    before, told = company.call("GET", report)[1]["Rows"], []

    company.erp.store.watchers.append(lambda *change: told.append(change))
    company.select("select * from Bill")
    company.select("select * from Account")

    assert told == [] and company.call("GET", report)[1]["Rows"] == before


def test_change_data_capture_does_not_know_time_activities_unless_switched(company: Company):
    path = "/cdc?entities=TimeActivity&changedSince=2026-11-21T00:00:00Z"

    assert company.fault("GET", path)["code"] == "500"
    company.erp.turn({"cdc_time_activity": "served"})
    assert company.call("GET", path)[0] == 200
