"""Every captured answer of the real service against the simulator: loaded, it comes back with the same keys, types,
values and computed amounts; sent again, it is answered in the same shape.

The captures are kept beside the checkout; without them these tests are skipped. A difference that is meant is in KNOWN
with its reason; a file that is no answer of the accounting API is in NOT_REPLAYED with its reason.
"""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from sandbox.http import Request
from sandbox.xero import bodies, lines, wire
from sandbox.xero.company import ENVELOPE
from sandbox.xero.properties import TYPES
from sandbox.xero.resources import BY_COLLECTION
from tests.sandbox.xero.company import Company

CAPTURES = Path(__file__).parents[3].parent / "shared" / "reference" / "xero" / "recorded"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captured answers are not kept beside this checkout"),
]

NOT_REPLAYED = {
    "connections_2020": "identity: test_identity.py compares its keys",
    "connections_2022": "identity: test_identity.py compares its keys",
    "token_refresh_2020": "identity: test_identity.py compares its keys",
    "error_expired_oauth2_token": "identity: test_identity.py compares it",
    "error_invalid_oauth2_request_token": "identity: test_identity.py compares it",
    "error_invalid_tenant_header": "identity: test_identity.py compares it",
    "headers_2020": "headers only: compared below",
    "webhook_intent_to_receive": "a webhook: test_webhooks.py recomputes it",
    "attachment_put_2020": "an attachment: compared below",
    "attachments_list_2020": "an attachment: compared below",
}
WRITES = ("bank_transaction_put_response_2022", "bill_put_response_2022", "contact_put_response_2022")


def read(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text(), parse_float=Decimal)


def listed() -> list[str]:
    names = sorted(path.stem for path in CAPTURES.glob("*.json")) if CAPTURES.is_dir() else []
    return [name for name in names if name not in NOT_REPLAYED]


def wire_form(value: Any, name: str = "") -> Any:
    """A record that was read through a client (camelCase keys, dates as ISO) as the service sends it."""
    if isinstance(value, dict):
        return {_pascal(key): wire_form(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [wire_form(each) for each in value]
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value):
        return f"/Date({wire.read_ms(value)}+0000)/"
    return value


def _pascal(key: str) -> str:
    return {"_class": "Class", "pagination": "pagination"}.get(key, key[:1].upper() + key[1:])


def records(name: str) -> tuple[str, list[dict[str, Any]]]:
    """The resource and the records of one capture."""
    found = read(name)
    if isinstance(found, list):
        return "Organisations", found
    if name.startswith("sdkcase_"):
        found = wire_form(found)
    ((resource, rows),) = [(key, value) for key, value in found.items() if key not in ENVELOPE]
    return resource, rows


@pytest.mark.parametrize("name", listed())
def test_a_captured_record_comes_back_as_it_was_captured(name: str):
    company, (resource, rows) = Company(), records(name)
    company.load(**{resource: rows})
    row = BY_COLLECTION[resource]
    path = "Organisation" if resource == "Organisations" else resource

    # An organisation is asked for by its own id, everything else in the organisation there is.
    asked_of = [{"xero-tenant-id": each[row.key]} for each in rows] if resource == "Organisations" else [{}]
    found = {}
    for headers in asked_of:
        status, answer = company.call("GET", f"/{path}?page=1&pageSize=1000&includeArchived=true&unitdp=4", **headers)
        assert status == 200
        found |= {each[row.key]: each for each in answer[resource]}

    loaded = {each[row.key]: each for each in rows}
    assert {key: each for key, each in found.items() if key in loaded} == loaded


@pytest.mark.parametrize("name", [name for name in listed() if "invoice_acc" in name or "bill_put" in name])
def test_the_amounts_of_a_captured_document_are_the_computed_ones(name: str):
    _, rows = records(name)

    for row in rows:
        for line in row["LineItems"]:
            expected = wire.half_up(Decimal(line["Quantity"]) * Decimal(line["UnitAmount"]))
            assert Decimal(line["LineAmount"]) == expected
        computed = lines.totals(row["LineItems"], row["LineAmountTypes"])
        assert {key: Decimal(row[key]) for key in computed} == computed


@pytest.mark.parametrize("name", [name for name in listed() if name.startswith("invoice_acc")])
def test_the_lines_of_a_captured_invoice_are_taxed_as_captured(name: str):
    _, (row,) = records(name)
    rates = {"INPUT2": Decimal(15), "OUTPUT2": Decimal(15), "NONE": Decimal(0)}

    for line in row["LineItems"]:
        computed = lines.tax_of(line["LineAmount"], rates[line["TaxType"]], row["LineAmountTypes"])
        assert computed == line["TaxAmount"]


def shape(value: Any) -> Any:
    """Keys and kinds of a record; the inner shape of a list is that of its first element."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, str) and value.startswith("/Date("):
        return "date"
    return "number" if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else type(value).__name__


SINCE_2022 = "properties the service has shown since, in the captures of 2026"
NEWER = {"Item", "AccountID", "UpdatedDateUTCString", "InvoiceAddresses", "TrackingOptionID", "DiscountRate"}
WRITTEN_KNOWN = {
    "bill_put_response_2022": {"LineItems.AccountID": SINCE_2022},
    "contact_put_response_2022": {},
    "bank_transaction_put_response_2022": {},
}


def differences(captured: Any, ours: Any, path: str = "") -> list[str]:
    """Where two shapes differ; properties only ours has and that are newer than the capture are left out."""
    if isinstance(captured, dict) and isinstance(ours, dict):
        found = [f"{path}{key} is missing" for key in captured.keys() - ours.keys()]
        found += [f"{path}{key} is ours only" for key in ours.keys() - captured.keys() - NEWER]
        for key in captured.keys() & ours.keys():
            found += differences(captured[key], ours[key], f"{path}{key}.")
        return sorted(found)
    if isinstance(captured, list) and isinstance(ours, list):
        return differences(captured[0], ours[0], path) if captured and ours else []
    return [] if captured == ours else [f"{path[:-1]}: {captured} is {ours} here"]


def sent_again(name: str) -> tuple[str, dict[str, Any]]:
    """The request that a captured answer to a write belongs to: what a client can have sent of it."""
    resource, (row,) = records(name)
    kind = BY_COLLECTION[resource].singular
    body = {key: value for key, value in row.items() if key in TYPES[kind]}
    for gone in (
        "ContactID",
        "InvoiceID",
        "BankTransactionID",
        "CurrencyRate",
        "CurrencyCode",
        "AmountDue",
        "Addresses",
    ):
        body.pop(gone, None)
    for gone in ("SubTotal", "TotalTax", "Total", "Phones"):
        body.pop(gone, None)
    if "Contact" in body:
        kept = ("Name", "FirstName", "LastName", "EmailAddress")
        body["Contact"] = {key: row["Contact"][key] for key in kept}
    for line in body.get("LineItems", []):
        line.pop("LineItemID")
        line.pop("AccountID", None)
    if body.get("Status") == "PAID":
        body["Status"] = "AUTHORISED"
    return resource, body


@pytest.mark.parametrize("name", WRITES)
def test_an_answer_to_a_write_has_the_captured_shape(name: str):
    company, (resource, body) = Company(), sent_again(name)
    company.load(TaxRates=read("tax_rates_2022")["TaxRates"])
    captured = records(name)[1][0]

    answer = company.put(resource, body)

    assert differences(shape(captured), shape(answer)) == []
    for key in ("SubTotal", "TotalTax", "Total", "AmountDue", "AmountPaid"):
        if key in captured:
            assert answer[key] == captured[key], key


def test_an_uploaded_file_is_shown_as_captured():
    company, captured = Company(), read("attachment_put_2020")["Attachments"][0]
    bill = company.bill(company.contact()["ContactID"])
    path = f"/Invoices/{bill['InvoiceID']}/Attachments/{captured['FileName']}?IncludeOnline=True"

    answer = company.send("PUT", path, b"x" * captured["ContentLength"], {"content-type": "application/octet-stream"})

    (file,) = wire.decode(answer.body)["Attachments"]
    assert shape(file) == shape(captured)
    assert {key: file[key] for key in ("MimeType", "ContentLength", "IncludeOnline")} == {
        key: captured[key] for key in ("MimeType", "ContentLength", "IncludeOnline")
    }
    assert wire.decode(company.send("GET", path.partition("?")[0].rpartition("/")[0]).body)["Attachments"] == [file]


def test_answers_have_the_captured_headers():
    company = Company()
    captured = read("headers_2020")[3]["response_headers"]
    hop_by_hop = {
        "Connection",
        "Content-Length",
        "Content-Type",
        "Date",
        "Expires",
        "Server",
        "X-Client-TLS-ver",
        "X-N",
    }

    answer = company.send("GET", "/Invoices?page=1", None, company.bearer())

    assert answer.content_type == captured["Content-Type"]
    assert captured.keys() - hop_by_hop == answer.headers.keys() - hop_by_hop


def xml_keys(element: ElementTree.Element) -> Any:
    return {child.tag: xml_keys(child) if len(child) else "" for child in element}


@pytest.mark.parametrize("name", ["xml_invoice_put_2014", "xml_invoice_post_2014"])
def test_a_captured_xml_exchange_is_answered_alike(name: str):
    text = (CAPTURES / f"{name}.xml.txt").read_text()
    body, captured = text.partition("xml=")[2].split("\n\n--- response 200\n")
    company = Company()
    company.load(
        Organisations=[{"BaseCurrency": "GBP"}],
        Contacts=[{"ContactID": "52129e59-9b76-412e-a2e0-d66608ebb012", "Name": "Existing", "ContactStatus": "ACTIVE"}],
        TaxRates=[{"TaxType": "OUTPUT2", "Name": "20% VAT", "EffectiveRate": 20, "Status": "ACTIVE"}],
        TrackingCategories=[
            {
                "TrackingCategoryID": "fa620646-16e2-446d-a596-6298b1cd738d",
                "Name": "Sector",
                "Status": "ACTIVE",
                "Options": [{"TrackingOptionID": "1", "Name": "Public sector", "Status": "ACTIVE"}],
            }
        ],
    )
    method = "POST" if "_post_" in name else "PUT"
    if method == "POST":
        created = company.invoice("52129e59-9b76-412e-a2e0-d66608ebb012", "5.00", Status="DRAFT")
        body = body.replace("6fb580ca-1daf-40b3-95ac-fd75594b0f8b", created["InvoiceID"])

    answer = company.send(method, "/Invoices", body.encode(), {"accept": "application/xml"})

    assert answer.status == 200, answer.body
    ours, theirs = (ElementTree.fromstring(each).find("Invoices/Invoice") for each in (answer.body, captured))
    assert ours is not None and theirs is not None
    for path in (
        "Status",
        "LineAmountTypes",
        "SubTotal",
        "TotalTax",
        "Total",
        "Reference",
        "CurrencyCode",
        "AmountPaid",
    ):
        assert ours.findtext(path) == theirs.findtext(path), path
    assert ours.findtext("Date") is not None
    for path in ("Description", "UnitAmount", "TaxType", "TaxAmount", "LineAmount", "Quantity"):
        assert ours.findtext(f"LineItems/LineItem/{path}") == theirs.findtext(f"LineItems/LineItem/{path}"), path
    assert ours.findtext("Warnings/Warning/Message") == theirs.findtext("Warnings/Warning/Message")


def test_the_captured_list_of_prepayments_has_the_elements_of_ours():
    captured = ElementTree.parse(CAPTURES / "prepayments_list.xml").getroot()
    company = Company()
    contact = company.contact()["ContactID"]
    transaction = {
        "Type": "RECEIVE-PREPAYMENT",
        "Contact": {"ContactID": contact},
        "BankAccount": {"Code": "090"},
        "Date": "2026-11-10",
        "Reference": "ORC1040",
        "LineAmountTypes": "Inclusive",
        "LineItems": [{"Description": "Down payment", "UnitAmount": 400, "AccountCode": "200", "TaxType": "OUTPUT"}],
    }
    company.put("BankTransactions", transaction)

    answer = company.send("GET", "/Prepayments", None, {"accept": "application/xml"})

    ours = ElementTree.fromstring(answer.body)
    assert [child.tag for child in captured] == [child.tag for child in ours]
    theirs, own = (xml_keys(each.find("Prepayments/Prepayment")) for each in (captured, ours))
    assert theirs.keys() - own.keys() == set()


def test_a_refusal_in_xml_has_the_elements_of_the_printed_one():
    text = (CAPTURES / "error_api_exception.xml").read_text().partition("?>")[2]
    printed = ElementTree.fromstring(text)
    company = Company()
    contact = company.contact()["ContactID"]
    body = f"""<Invoices><Invoice><Type>ACCREC</Type><Contact><ContactID>{contact}</ContactID></Contact>
        <Date>2009-09-08</Date><Status>SUBMITTED</Status><CurrencyCode>NZD</CurrencyCode><LineItems><LineItem><Description>Copies</Description>
        <Quantity>3.0000</Quantity><UnitAmount>59.00</UnitAmount><AccountCode>200</AccountCode></LineItem></LineItems>
        </Invoice></Invoices>"""

    answer = company.send("PUT", "/Invoices", body.encode(), {"accept": "application/xml"})

    ours = ElementTree.fromstring(answer.body)
    assert (answer.status, ours.tag) == (400, printed.tag)
    for path in ("ErrorNumber", "Type", "Message"):
        assert ours.findtext(path) == printed.findtext(path)
    element, theirs = (each.find("Elements/DataContractBase") for each in (ours, printed))
    assert element is not None and theirs is not None
    assert element.attrib == theirs.attrib
    assert (
        element.findtext("ValidationErrors/ValidationError/Message") == "Organisation is not subscribed to currency NZD"
    )
    assert element.findtext("Date") == theirs.findtext("Date")
    assert {each.tag for each in element} - {"InvoiceID", "HasErrors", "StatusAttributeString"} <= {
        each.tag for each in theirs
    }


@pytest.mark.parametrize(
    "name", ["Contacts", "Invoices", "CreditNotes", "Payments", "PurchaseOrders", "Items", "Accounts"]
)
def test_what_is_read_as_xml_is_what_is_read_as_json(name: str):
    company = Company()
    company.erp.reset("demo", 1)
    query = "?page=1&pageSize=20"

    as_json = company.call("GET", f"/{name}{query}")[1][name]
    answer = company.send("GET", f"/{name}{query}", None, {"accept": "application/xml"})

    row = BY_COLLECTION[name]
    elements = ElementTree.fromstring(answer.body).findall(f"{name}/{row.singular}")
    assert len(elements) == len(as_json)
    read = bodies.elements(
        Request("PUT", "/", "", {}, ElementTree.tostring(one(answer.body, name))), name, row.singular
    )
    for ours, json_row in zip(read, as_json, strict=True):
        expected = without_empty(bodies.clean(row.singular, json_row))
        assert without_times(without_empty(ours)) == without_times(expected)


def one(body: bytes, name: str) -> ElementTree.Element:
    found = ElementTree.fromstring(body).find(name)
    assert found is not None
    return found


def without_empty(value: Any) -> Any:
    """A value without empty lists, objects and texts, which XML does not show."""
    if isinstance(value, dict):
        return {key: inner for key, each in value.items() if (inner := without_empty(each)) not in ([], {}, "")}
    return [without_empty(each) for each in value] if isinstance(value, list) else value


def without_times(value: Any) -> Any:
    """XML writes times in another form and some texts of times not at all."""
    if isinstance(value, dict):
        return {
            key: without_times(each) for key, each in value.items() if not key.startswith(("UpdatedDate", "DateString"))
        }
    return [without_times(each) for each in value] if isinstance(value, list) else value
