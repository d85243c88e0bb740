"""Every request that the connector sends and every answer that the simulator gives, against what Xero publishes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from resources.connector import Refused, WireRecord, Write, Written
from resources.erps.xero.client import XeroConnector
from resources.erps.xero.profile import PAYERS, WIRE_ENTITIES
from resources.errors import TieoutError
from sandbox.xero.resources import RESOURCES
from sandbox.xero.writing import HANDLERS
from tests.house import Simulator
from tests.resources.erps.xero.between import Between, standing_between
from tests.resources.erps.xero.conftest import SteadyToken
from tests.resources.erps.xero.description import (
    ABSENT,
    CORRECTIONS,
    ELSEWHERE,
    FOLDER,
    IN_OUR_CALLS,
    Exchange,
    Judge,
)
from tests.resources.erps.xero.every_call import drive

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT),
]


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


@pytest.fixture
def between(xero_simulator: Simulator, judge: Judge) -> Iterator[Between]:
    with standing_between(xero_simulator, judge) as between:
        yield between


def connected(between: Between) -> XeroConnector:
    minted = between.post("tokens")
    return XeroConnector.open(
        connection="xero",
        settings={"tenant_id": minted["tenant_id"]},
        tokens=SteadyToken(minted["access_token"]),
        base_url=between.base_url,
        sleep=lambda seconds: None,
    )


def written(connector: XeroConnector, entity: str, operation: str, body: dict[str, Any], **more: Any) -> WireRecord:
    """Send one write that must succeed; gives the record as it is then."""
    (answer,) = connector.send([Write(entity, operation, f"K{next(_numbers)}", body, **more)])  # type: ignore[arg-type]
    assert isinstance(answer, Written), answer
    return answer.record


_numbers = count()
_LINE = {"Description": "work", "Quantity": 1, "UnitAmount": 40, "AccountCode": "200"}
_DAYS = {"Date": "2026-03-01", "DueDate": "2026-04-01"}


def write_everything(connector: XeroConnector) -> None:
    """Every kind of call that the connector makes to write."""
    contact = written(connector, "customers", "create", {"Name": "Lund & Sons"}).external_id
    of = {"Contact": {"ContactID": contact}, "Status": "AUTHORISED", "LineItems": [_LINE]}
    item = written(connector, "items", "create", {"Code": "W-1", "SalesDetails": {"UnitPrice": 2}})
    invoice = written(connector, "invoices", "create", {"Type": "ACCREC", **of, **_DAYS})
    other = written(connector, "invoices", "create", {"Type": "ACCREC", **of, **_DAYS})
    bill = written(connector, "bills", "create", {"Type": "ACCPAY", **of, **_DAYS})
    note = written(connector, "credit_memos", "create", {"Type": "ACCRECCREDIT", **of, "Date": "2026-03-02"})
    order = written(connector, "purchase_orders", "create", {**of, "Date": "2026-03-01"})
    changed = {"InvoiceID": invoice.external_id, "Reference": "PO 7"}
    written(connector, "invoices", "update", changed, external_id=invoice.external_id)
    void = {"InvoiceID": bill.external_id, "Status": "VOIDED"}
    written(connector, "bills", "void", void, external_id=bill.external_id)
    gone = {"PurchaseOrderID": order.external_id, "Status": "DELETED"}
    written(connector, "purchase_orders", "delete", gone, external_id=order.external_id)
    written(connector, "items", "delete", {"ItemID": item.payload["ItemID"]}, external_id=item.external_id)
    write_money(connector, contact, invoice.external_id, other.external_id, note.external_id)


def write_money(connector: XeroConnector, contact: str, invoice: str, other: str, note: str) -> None:
    bank = {"Account": {"Code": "090"}, "Date": "2026-03-05"}
    paid = written(
        connector, "payments", "create", {"Invoice": {"InvoiceID": invoice}, "Amount": 1, "Reference": "", **bank}
    )
    gone = {"PaymentID": paid.external_id, "Status": "DELETED"}
    written(connector, "payments", "delete", gone, external_id=paid.external_id)
    use = {"Amount": 5, "Date": "2026-03-05", "Invoice": {"InvoiceID": invoice}}
    used = written(connector, "payments", "create", {"CreditNoteID": note, "Allocations": [use]})
    off = {"CreditNoteID": note, "AllocationID": used.external_id.rpartition("/")[2]}
    written(connector, "payments", "delete", off, external_id=used.external_id)
    back = {"CreditNote": {"CreditNoteID": note}, "Amount": 1, **bank}
    written(connector, "payments", "create", back)
    over = {
        "Type": "RECEIVE-OVERPAYMENT",
        "Contact": {"ContactID": contact},
        "BankAccount": {"Code": "090"},
        "LineAmountTypes": "NoTax",
        "LineItems": [{"Description": "Overpayment", "Quantity": 1, "UnitAmount": 30}],
        "Date": "2026-03-05",
        "Reference": "T-1 [tieout:M1]",
        "Allocations": [use],
    }
    made = written(connector, "payments", "create", over)
    key = made.external_id.partition(":")[2]
    (allocation,) = made.payload["Allocations"]
    moved = {
        "OverpaymentID": key,
        "Unallocate": [allocation["AllocationID"]],
        "Allocations": [{**use, "Invoice": {"InvoiceID": other}}],
    }
    made = written(connector, "payments", "update", moved, external_id=made.external_id)
    (allocation,) = made.payload["Allocations"]
    off = {"OverpaymentID": key, "Unallocate": [allocation["AllocationID"]], "Allocations": []}
    written(connector, "payments", "update", off, external_id=made.external_id)
    ended = {
        "OverpaymentID": key,
        "Type": "RECEIVE-OVERPAYMENT",
        "Contact": {"ContactID": contact},
        "Status": "DELETED",
    }
    written(connector, "payments", "delete", ended, external_id=made.external_id)


def be_refused(connector: XeroConnector, between: Between) -> None:
    """Whatever Xero says no to, of one element and of all, and when it says nothing sensible."""
    bodies = {"invoices": {"Type": "ACCREC", "LineItems": []}, "customers": {"Name": ""}, "bills": {"Type": "ACCPAY"}}
    for entity, body in bodies.items():
        (answer,) = connector.send([Write(entity, "create", f"K{next(_numbers)}", body)])
        assert isinstance(answer, Refused), answer
    for answer in ("throttled_concurrent", "unavailable", "server_error", "organisation_offline", "unauthorized"):
        between.post("faults", [{"path": "*/Contacts*", "answer": answer, "nth": 1}])
        with suppress(TieoutError):
            list(connector.pull("customers"))


def test_everything_the_connector_sends_and_is_answered_is_as_xero_describes_it(between: Between):
    between.reset("demo")
    connector = connected(between)
    everything = tuple(WIRE_ENTITIES)

    connector.test()
    for entity in everything:
        for page in connector.pull(entity):
            assert page.rejected == ()
        assert [row for page in connector.census(entity) for row in page.rows]
    some = {entity: [r.external_id for page in connector.pull(entity) for r in page.records][:3] for entity in PAYERS}
    for entity, ids in some.items():
        assert list(connector.pull_ids(entity, ids))
    assert list(connector.pull_together(everything))
    since = datetime.now(UTC) - timedelta(days=900)
    assert list(connector.pull_changes(dict.fromkeys(everything, since)))
    assert connector.control_totals().parties
    write_everything(connector)
    be_refused(connector, between)

    assert between.findings() == []
    assert between.judge.excused >= set(IN_OUR_CALLS), "a mistake that is none any more"
    assert {name for name, status in between.judge.seen if status in (200, 204)} >= CALLS


CALLS = {
    *("GET /Connections", "GET /Organisation", "GET /Contacts", "GET /Items", "GET /Invoices", "GET /CreditNotes"),
    *("GET /Payments", "GET /Overpayments", "GET /Prepayments", "GET /PurchaseOrders", "GET /Accounts"),
    *("GET /TaxRates", "GET /Currencies", "GET /TrackingCategories", "GET /BankTransactions"),
    *("PUT /Contacts", "PUT /Items", "PUT /Invoices", "PUT /CreditNotes", "PUT /PurchaseOrders", "PUT /Payments"),
    *("PUT /BankTransactions", "POST /BankTransactions", "POST /Invoices", "POST /PurchaseOrders"),
    *("POST /Payments/{PaymentID}", "DELETE /Items/{ItemID}"),
    *("PUT /CreditNotes/{CreditNoteID}/Allocations", "DELETE /CreditNotes/{CreditNoteID}/Allocations/{AllocationID}"),
    "PUT /Overpayments/{OverpaymentID}/Allocations",
    "DELETE /Overpayments/{OverpaymentID}/Allocations/{AllocationID}",
}


def test_every_answer_of_the_simulator_is_as_xero_describes_it(between: Between):
    drive(between)

    assert between.findings() == []
    assert between.judge.excused >= set(ELSEWHERE), "a mistake that is none any more"
    lists = {f"GET /{one.name}" for one in RESOURCES} | {f"PUT /{name}" for name in HANDLERS}
    assert {name for name, status in between.judge.seen if status == 200} >= lists


def test_every_correction_of_the_description_is_needed(judge: Judge):
    assert set(judge.corrected.elements()) == set(CORRECTIONS)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"path": "/api.xro/2.0/Invoices?pages=1"}, "the query parameter pages is not described"),
        ({"path": "/api.xro/2.0/Invoice"}, "no such path is described"),
        ({"request_headers": {"authorization": "Bearer x"}}, "xero-tenant-id"),
        ({"request_headers": {"xero-tenant-id": "t"}}, "no bearer token"),
        ({"answer_body": b'{"Invoices":[{"Status":"OPEN"}]}'}, "'OPEN' is not one of"),
        ({"answer_body": b'{"Invoices":[{"Total":"10"}]}'}, "'10' is not of type 'number'"),
        ({"answer_body": b'{"Invoices":[{"Totall":10}]}'}, "Invoices[].Totall: a property not described"),
        ({"method": "PUT", "request_body": b'{"Invoices":[{"Typ":"ACCREC"}]}'}, "Typ: a property not described"),
        ({"method": "PUT", "request_body": b'{"Invoices":[{"Type":1}]}'}, "1 is not of type 'string'"),
    ],
)
def test_what_is_not_as_described_is_found(judge: Judge, change: dict[str, Any], finding: str):
    headers = {"authorization": "Bearer x", "xero-tenant-id": "t", "content-type": "application/json"}
    right = Exchange("GET", "/api.xro/2.0/Invoices?page=1", headers, b"", 200, "application/json", b'{"Invoices":[]}')

    assert judge.findings(right) == []
    assert any(finding in found for found in judge.findings(replace(right, **change)))
