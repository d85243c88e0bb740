"""Change data capture: groups in the order asked for, stubs after live objects, and its two silent limits."""

from datetime import timedelta

import pytest

from sandbox.quickbooks import wire
from tests.sandbox.quickbooks.company import NOON, Company


@pytest.fixture
def company() -> Company:
    return Company()


def changes(company: Company, entities: str, since: str = "2026-11-21T00:00:00Z") -> list[dict]:
    status, answer = company.call("GET", f"/cdc?entities={entities}&changedSince={since}")
    assert status == 200, answer
    return answer["CDCResponse"][0]["QueryResponse"]


def ago(days: float) -> dict[str, str]:
    moment = wire.stamp(NOON - timedelta(days=days))
    return {"CreateTime": moment, "LastUpdatedTime": moment}


def test_one_group_per_entity_in_the_order_asked_for(company: Company):
    customer = company.customer()
    first = company.invoice(customer)
    company.later()
    second = company.invoice(customer)
    company.post("Invoice", {"Id": first["Id"], "SyncToken": "0"}, "?operation=delete")

    estimates, invoices, customers = changes(company, "estimate,Invoice,Customer")

    assert estimates == {}
    assert [(each["Id"], each.get("status")) for each in invoices["Invoice"]] == [
        (second["Id"], None),
        (first["Id"], "Deleted"),
    ]
    assert invoices["totalCount"] == 2 and "totalCount" not in customers
    assert set(invoices["Invoice"][1]) == {"domain", "status", "Id", "MetaData"}


def test_inactive_names_come_too(company: Company):
    vendor = company.vendor()
    company.post("Vendor", {"Id": vendor, "SyncToken": "0", "sparse": True, "Active": False})

    assert changes(company, "Vendor")[0]["Vendor"][0]["Active"] is False


def test_an_answer_stops_at_a_thousand_objects_over_all_entities_and_does_not_say_so(company: Company):
    company.load(
        Bill=[{"Id": str(key), "SyncToken": "0", "MetaData": ago(1)} for key in range(600)],
        Purchase=[{"Id": str(key), "SyncToken": "0", "MetaData": ago(1)} for key in range(600, 1200)],
        Transfer=[{"Id": "5000", "SyncToken": "0", "MetaData": ago(1)}],
    )

    bills, purchases, transfers = changes(company, "Bill,Purchase,Transfer", "2026-11-01T00:00:00Z")

    assert len(bills["Bill"]) == 600 and len(purchases["Purchase"]) == 400
    assert transfers == {}


def test_what_is_older_than_thirty_days_is_silently_missing(company: Company):
    company.load(Bill=[{"Id": str(key), "SyncToken": "0", "MetaData": ago(days)} for key, days in ((1, 31), (2, 29))])

    def found() -> list[str]:
        return [each["Id"] for each in changes(company, "Bill", "2020-01-01T00:00:00Z")[0].get("Bill", [])]

    assert found() == ["2"]
    company.erp.turn({"cdc_older_than_30_days": "serve"})
    assert found() == ["1", "2"]
    company.erp.turn({"cdc_older_than_30_days": "fault"})
    assert company.fault("GET", "/cdc?entities=Bill&changedSince=2020-01-01T00:00:00Z")["code"] == "4001"


def test_an_object_changed_exactly_then_is_left_out_unless_switched(company: Company):
    company.customer()
    since = wire.stamp(NOON)

    assert changes(company, "Customer", since) == [{}]
    company.erp.turn({"cdc_since": "inclusive"})
    assert len(changes(company, "Customer", since)[0]["Customer"]) == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("entities=TaxCode&changedSince=2026-11-21T00:00:00Z", "500"),
        ("entities=Nonsense&changedSince=2026-11-21T00:00:00Z", "4001"),
        ("entities=Invoice", "2020"),
        ("changedSince=2026-11-21T00:00:00Z", "2020"),
        ("entities=Invoice&changedSince=yesterday", "2010"),
    ],
)
def test_what_cannot_be_captured_is_refused(company: Company, query: str, code: str):
    assert company.fault("GET", f"/cdc?{query}")["code"] == code
