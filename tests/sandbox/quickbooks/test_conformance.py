"""Every captured exchange of the real service against the simulator: same status, faults, keys, types, same values.

The captures are kept beside the checkout; without them these tests are skipped. A difference that is meant is in KNOWN
with its reason; a capture that cannot be replayed is in NOT_REPLAYED with its reason. Nothing else may differ.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest

from sandbox.quickbooks import wire
from sandbox.quickbooks.references import references
from sandbox.quickbooks.spec import BY_NAME
from sandbox.quickbooks.xml import body_of
from tests.sandbox.quickbooks.company import REALM, Company

CAPTURES = Path(__file__).parents[3].parent / "shared" / "reference" / "quickbooks"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captured answers are not kept beside this checkout"),
]

NOT_REPLAYED = {
    "airbyte_taxcode_california": "rows without envelope and without request, retyped by their authors",
    "airbyte_taxrate_california": "rows without envelope and without request, retyped by their authors",
    "airbyte_terms": "rows without envelope and without request, retyped by their authors",
    "cdc_customer_changes_with_deleted_xml": "an XML fixture its authors edited (Ids and dates)",
    "vendorcredit_xml": "a bare object without envelope, of 2013",
}

SINCE_2026 = "a field QuickBooks has shown since 2026, in a capture of 2020 or 2022"
_NEW_FIELDS = dict.fromkeys(
    (
        "Invoice.Line[].CustomExtensions",
        "Invoice.Line[].SalesItemLineDetail.ItemAccountRef",
        "Invoice.FreeFormAddress",
        "Invoice.ShipFromAddr",
        "Invoice.MetaData.LastModifiedByRef",
        "Customer.IsProject",
    ),
    SINCE_2026,
)
_ONLINE = "the company's own payment settings decide it"
KNOWN: dict[str, dict[str, str]] = {
    "invoice_create_minimal": {
        **_NEW_FIELDS,
        "Invoice.AllowOnlineCreditCardPayment": _ONLINE,
        "Invoice.AllowOnlineACHPayment": _ONLINE,
        "Invoice.CustomField[]": "the recorded company has a custom field, Crew #",
    },
    "invoice_void_2_operation_void": _NEW_FIELDS,
    "customer_create": _NEW_FIELDS,
    "item_create_2016": {"Item.DeferredRevenue": SINCE_2026},
    "fault_2010_unsupported_property": {
        "Fault.Error[].Detail": "the list of known properties grew, and its order was that of a hash table"
    },
    "fault_610_deleted_transaction": {
        "time": "the quoted error had no envelope",
        "Fault.Error[].element": "quoted in part",
    },
    "fault_6140_duplicate_docnumber": {
        "time": "the quoted error had no envelope",
        "Fault.Error[].element": "quoted in part",
    },
    "batch_mixed_results": {
        "BatchItemResponse[].QueryResponse": "its rows are loaded and the statement is replayed by tests of queries",
        "BatchItemResponse[].Vendor.BillRate": SINCE_2026,
        "BatchItemResponse[].Vendor.CostRate": SINCE_2026,
        "BatchItemResponse[].Vendor.V4IDPseudonym": SINCE_2026,
    },
}
KNOWN["po_to_bill_2_create_bill_with_header_link_xml"] = {"Bill[].MetaData[].LastModifiedByRef": SINCE_2026}
_TRIMMED = dict.fromkeys(
    ("QueryResponse.totalCount", "QueryResponse.maxResults"), "the capture's list was cut, its counts were not"
)
"""Differences that are meant: capture -> path -> reason. A path covers everything below it."""

FREE_VALUES = re.compile(
    r"(^|\.)(@?time|Id|CreateTime|LastUpdatedTime|DocNumber|TxnDate|DueDate|value|Value|bId|Balance|BalanceWithJobs)"
    r"(\[\])?$|Addr(\[\])?\."
)
"""Paths whose values depend on the day, on counters or on a company not captured whole: only their type is compared."""

CENSORED = re.compile(r"scrubbed|redacted|SCRUBBED")


def captures() -> list[str]:
    return sorted(path.stem for path in CAPTURES.glob("*.json")) if CAPTURES.is_dir() else []


def read(name: str) -> dict[str, Any]:
    """One capture; the objects of an XML answer are added as a JSON body would hold them."""
    capture = json.loads((CAPTURES / f"{name}.json").read_text(), parse_float=Decimal)
    if "body_xml" in capture["response"] and name not in NOT_REPLAYED:
        root = ElementTree.fromstring(capture["response"]["body_xml"])
        objects = [each for each in root.iter() if each.tag.rpartition("}")[2] in BY_NAME]
        found = [(each.tag.rpartition("}")[2], each) for each in objects]
        capture["objects"] = [{name: body_of(ElementTree.tostring(each), BY_NAME[name])} for name, each in found]
    return capture


def sample_company() -> dict[str, list[dict[str, Any]]]:
    company = {}
    for path in sorted((CAPTURES / "sample_company").glob("*.json")):
        found = json.loads(path.read_text(), parse_float=Decimal)
        company.update({name: rows for name, rows in found.items() if name != "meta"})
    return company


def objects_in(body: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every QuickBooks object in an answer, with its entity."""
    if isinstance(body, dict):
        for name, value in body.items():
            for each in value if isinstance(value, list) else [value]:
                if name in BY_NAME and isinstance(each, dict) and "Id" in each:
                    yield name, each
                else:
                    yield from objects_in(each)
    elif isinstance(body, list):
        for each in body:
            yield from objects_in(each)


def company_for(capture: dict[str, Any], *, with_sample: bool) -> Company:
    """The company at the time of a capture as far as it tells: what it refers to exists under the names it shows."""
    body = capture["response"].get("body") or capture.get("objects") or {}
    at = datetime.fromisoformat(body["time"]) if isinstance(body, dict) and isinstance(body.get("time"), str) else None
    company = Company(at) if at is not None else Company()
    objects = sample_company() if with_sample else {}
    wanted: dict[tuple[str, str], str] = {}
    for entity, value in [*objects_in(body), *((e, v) for e, rows in objects.items() for v in rows)]:
        for _, target, reference in references(value, entity, entity):
            if reference["value"].isdigit():
                wanted.setdefault((target, reference["value"]), reference.get("name", f"{target} {reference['value']}"))
    for entity, value in request_objects(capture):
        for _, target, reference in references(value, entity, entity):
            wanted.setdefault((target, reference["value"]), reference.get("name", f"{target} {reference['value']}"))
    table = {(entity, value["Id"]): value for entity, rows in objects.items() for value in rows}
    for (entity, key), name in wanted.items():
        value = table.setdefault((entity, key), company.erp.store.get(entity, key) or stand_in(entity, key))
        value[BY_NAME[entity].named_by] = name.rpartition(":")[2] if entity != "Customer" else name
        value[BY_NAME[entity].shown_as] = name
    grouped: dict[str, list[dict[str, Any]]] = {}
    for (entity, _), value in table.items():
        grouped.setdefault(entity, []).append(value)
    company.load(**grouped)
    return company


def request_objects(capture: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = capture["request"].get("path", "").rstrip("/").rpartition("/")[2]
    body = capture["request"].get("body")
    if isinstance(body, str) and body.startswith("<?xml"):
        entity = next(each for each in BY_NAME if each.lower() == name)
        yield entity, body_of(body.encode(), BY_NAME[entity])
    entity = next((each for each in BY_NAME if each.lower() == name), None)
    if entity and isinstance(capture["request"].get("body"), dict):
        yield entity, capture["request"]["body"]


def stand_in(entity: str, key: str) -> dict[str, Any]:
    """The least an object that is only referred to must have."""
    more: dict[str, Any] = {
        "Account": {"AccountType": "Income", "Classification": "Revenue", "CurrentBalance": 0},
        "Item": {"Type": "Service", "IncomeAccountRef": {"value": "79", "name": "Sales of Product Income"}},
        "Customer": {"Balance": 0, "BillAddr": {"Id": "2", **_ADDRESS}, "ShipAddr": {"Id": "2", **_ADDRESS}},
        "Vendor": {"Balance": 0},
        "Term": {"DueDays": 30},
    }.get(entity, {})
    return {"Id": key, "SyncToken": "0", "Active": True, "FullyQualifiedName": "", **more}


_ADDRESS = {
    "Line1": "1 Some Street",
    "City": "Some Town",
    "CountrySubDivisionCode": "CA",
    "PostalCode": "90000",
    "Lat": "INVALID",
    "Long": "INVALID",
}


def put_back(company: Company, entity: str, value: dict[str, Any], **changes: Any) -> None:
    """Load an object as it was before the captured request."""
    before = {name: each for name, each in {**value, **changes}.items() if each is not None}
    company.load(**{entity: [before]})


def take_out(company: Company, entity: str, named: str) -> None:
    """Remove what already has the name a captured create gives."""
    table = company.erp.store.tables[entity]
    for key in list(table.equal(BY_NAME[entity].named_by, named)):
        table.remove(key, None)


def replay(name: str) -> tuple[Company, dict[str, Any]]:
    """The company prepared for one capture, and the request to send."""
    capture = read(name)
    request, body = capture["request"], capture["response"].get("body") or capture.get("objects") or {}
    company = company_for(capture, with_sample=name.startswith(("create_", "update_")) and "2026" in name)
    sent = request.get("body")
    if name.startswith("create_") or name in ("customer_create", "fault_6240_duplicate_name_customer"):
        for entity, value in request_objects(capture):
            if BY_NAME[entity].named_by in value:
                take_out(company, entity, value[BY_NAME[entity].named_by])
            if name.startswith("fault"):
                company.load(**{entity: [{"Id": "29", BY_NAME[entity].named_by: value[BY_NAME[entity].named_by]}]})
    elif name.startswith("update_"):
        ((entity, value),) = objects_in(body)
        changed = {key: None for key in sent if key not in ("Id", "SyncToken", "sparse", "VendorRef")}
        if "DisplayName" in changed:
            changed = {"DisplayName": "Before", "FullyQualifiedName": "Before"}
        put_back(company, entity, value, SyncToken=sent["SyncToken"], **changed)
    elif name == "account_inactive_2_noop_sparse_update":
        put_back(company, *next(objects_in(read("account_inactive_1_read")["response"]["body"])))
    elif name == "invoice_delete_2_operation_delete":
        put_back(company, *next(objects_in(read("invoice_delete_1_read")["response"]["body"])))
    elif name == "invoice_void_2_operation_void":
        put_back(company, *next(objects_in(read("invoice_void_1_read")["response"]["body"])))
    elif name == "batch_mixed_results":
        company.load(SalesReceipt=[value for entity, value in objects_in(body) if entity == "SalesReceipt"])
        company.clock.set(now=datetime.fromisoformat(body["time"]), frozen=True)
    elif name == "cdc_estimate_customer":
        company.erp.turn({"cdc_older_than_30_days": "serve"})
        company.load(**{entity: [v for e, v in objects_in(body) if e == entity] for entity, _ in objects_in(body)})
    elif name == "customer_query_count":
        company.load(Customer=[{"Id": str(key), "DisplayName": f"C{key}", "Active": True} for key in range(1, 42)])
    elif name == "customer_query_page":
        company.load(Customer=[value for _, value in objects_in(body)])
    elif name == "vendor_query_last_page":
        rows = [{"Id": str(key), "DisplayName": f"A {key:03}", "Active": True} for key in range(100, 125)]
        company.load(Vendor=[*rows, *(value for _, value in objects_in(body))])
    elif name.startswith("po_to_bill"):
        put_back(company, *next(objects_in(read("po_to_bill_1_query_po_xml")["objects"])))
    elif capture["response"]["status"] == 200 and name not in ("item_create_2016", "invoice_create_minimal"):
        for entity in {entity for entity, _ in objects_in(body)}:
            for key in list(company.erp.store.tables[entity].rows):
                company.erp.store.tables[entity].remove(key, None)
        for entity, value in objects_in(body):
            put_back(company, entity, value)
    return company, prepared(name, request, company)


def prepared(name: str, request: dict[str, Any], company: Company) -> dict[str, Any]:
    """The captured request, or for captures without one a request that must bring the same answer."""
    if name == "fault_2020_required_param_missing":
        return {**request, "body": {"Type": "Service", "IncomeAccountRef": {"value": "79"}}}
    if name == "fault_5010_stale_object":
        key = company.item()
        return {**request, "body": {"Id": key, "SyncToken": "7", "sparse": True, "Name": "New"}}
    if name == "fault_4000_query_parse":
        return {**request, "query": {"query": "SELECT * FROM NULL"}}
    if name == "fault_2500_invalid_reference":
        company.item()
        line = {"Amount": 1, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "9999"}}}
        return {**request, "body": {"CustomerRef": {"value": company.customer()}, "Line": [line]}}
    if name == "fault_610_deleted_transaction":
        invoice = company.invoice(company.customer())
        company.post("Invoice", {"Id": invoice["Id"], "SyncToken": "0"}, "?operation=delete")
        return {**request, "body": {"Id": invoice["Id"], "SyncToken": "0", "sparse": True}}
    if name == "fault_6140_duplicate_docnumber":
        customer = company.customer()
        company.erp.store.counters["transaction"] = 45822
        company.invoice(customer, DocNumber="O0010714")
        line = {"Amount": 1, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}
        return {**request, "body": {"CustomerRef": {"value": customer}, "Line": [line], "DocNumber": "O0010714"}}
    if name == "item_create_2016":
        inventory = {"TrackQtyOnHand": True, "QtyOnHand": 10, "InvStartDate": "2015-01-01"}
        accounts = {"IncomeAccountRef": "79", "ExpenseAccountRef": "80", "AssetAccountRef": "81"}
        references_ = {key: {"value": value} for key, value in accounts.items()}
        return {**request, "body": {"Name": "Garden Supplies", "Type": "Inventory", **inventory, **references_}}
    if name == "paymentmethod_query_xml":
        return {**request, "query": {"query": "select * from PaymentMethod"}}
    if name == "preferences_read":
        return request
    if name == "query_payments_2026":
        return {**request, "query": {"query": "select * from Payment"}}
    return request


AUTH = {
    "auth_401_malformed_token": "x",
    "auth_401_token_expired": "expired",
    "auth_403_application_authorization_failed": "other realm",
}


def answer_to(name: str) -> tuple[int, Any, str]:
    """Status, body and content type the simulator answers one captured request with."""
    company, request = replay(name)
    query = f"?{urlencode(request['query'])}" if request.get("query") else ""
    body = request.get("body")
    headers = None
    path = request["path"]
    if name in AUTH:
        headers = {"accept": "application/json", "authorization": f"Bearer {token_for(name, company)}"}
        path = f"/v3/company/{REALM if AUTH[name] != 'other realm' else '123'}/customer/1"
    elif name.endswith("_xml"):
        headers = {"accept": "application/xml", "content-type": "application/xml"}
    elif isinstance(body, str):
        boundary = body.split("\r\n", 1)[0][2:]
        headers = {"accept": "application/json", "content-type": f'multipart/form-data; boundary="{boundary}"'}
    if name == "oauth_invalid_grant":
        form = urlencode({"grant_type": "refresh_token", "refresh_token": "long gone", **client(company)})
        answer = company.send("POST", path, form.encode(), {})
        return answer.status, wire.decode(answer.body), answer.content_type
    if name == "throttle_429_xml":
        company.erp.limits.admits = lambda in_flight, is_batch, now: False  # type: ignore[method-assign]
        headers = {"accept": "application/json", "authorization": f"Bearer {company.erp.tokens()['access_token']}"}
        path = f"/v3/company/{REALM}/customer/1"
    data = body.encode() if isinstance(body, str) else body
    answer = company.send(request["method"], path + query, data, headers)
    decoded = answer.body if "xml" in answer.content_type else wire.decode(answer.body)
    return answer.status, decoded, answer.content_type


def client(company: Company) -> dict[str, str]:
    return {"client_id": company.erp.oauth.client_id, "client_secret": company.erp.oauth.client_secret}


def token_for(name: str, company: Company) -> str:
    if AUTH[name] == "x":
        return "x"
    token = company.erp.tokens()["access_token"]
    if AUTH[name] == "expired":
        company.later(3601)
    return token


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, Decimal)):
        return "number"
    return {str: "text", dict: "object", list: "list", type(None): "null"}[type(value)]


def differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """What differs between a captured body and ours, one line each, by path."""
    if kind_of(expected) != kind_of(found):
        yield f"{path}: captured {kind_of(expected)}, found {kind_of(found)} {found!r}"
    elif isinstance(expected, dict):
        for key in expected.keys() - found.keys():
            yield f"{path}.{key}".lstrip(".") + ": missing"
        for key in found.keys() - expected.keys():
            yield f"{path}.{key}".lstrip(".") + ": not in the capture"
        for key in expected.keys() & found.keys():
            yield from differences(expected[key], found[key], f"{path}.{key}".lstrip("."))
    elif isinstance(expected, list):
        if len(expected) != len(found):
            yield f"{path}[]: captured {len(expected)} entries, found {len(found)}"
        for each, ours in zip(expected, found, strict=False):
            yield from differences(each, ours, f"{path}[]")
    elif not same(expected, found) and not FREE_VALUES.search(path) and not CENSORED.search(str(expected)):
        yield f"{path}: captured {expected!r}, found {found!r}"


def same(expected: Any, found: Any) -> bool:
    """Equal; numbers in XML are texts and keep another scale than ours."""
    number = re.compile(r"-?\d+(\.\d+)?")
    if isinstance(expected, str) and number.fullmatch(expected) and number.fullmatch(found):
        return Decimal(expected) == Decimal(found)
    return expected == found


def as_value(element: ElementTree.Element) -> Any:
    """An XML element as nested values, so that XML bodies compare as JSON ones do."""
    children: dict[str, Any] = {f"@{name}": text for name, text in element.attrib.items()}
    for child in element:
        children.setdefault(child.tag.rpartition("}")[2], []).append(as_value(child))
    return children or (element.text or "").strip()


@pytest.mark.parametrize("name", [each for each in captures() if each not in NOT_REPLAYED])
def test_the_simulator_answers_as_quickbooks_did(name: str):
    response = read(name)["response"]

    status, body, kind = answer_to(name)

    assert status == response["status"], body
    if "body_xml" in response:
        assert "xml" in kind
        found = as_value(ElementTree.fromstring(body))
        expected = as_value(ElementTree.fromstring(response["body_xml"]))
    else:
        expected, found = response["body"], body
    known = {**KNOWN.get(name, {}), **(_TRIMMED if read(name)["meta"].get("trimmed") else {})}
    unexplained = [
        each
        for each in differences(expected, found)
        if not any(each.startswith((f"{path}:", f"{path}.")) for path in known)
    ]
    assert not unexplained, "\n".join(unexplained)
