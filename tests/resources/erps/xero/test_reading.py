"""Reading an organisation: whole lists while they change, nothing repeated behind our back, blind spots closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from resources.connector import InDoubt, Write
from resources.erps.xero.auth import CustomConnection, XeroTokenEndpoint
from resources.errors import ErrorKind, TieoutError
from resources.token_endpoint import GrantRefusedError
from tests.resources.erps.xero.conftest import Organisation

AT = "/Date(1780000000000+0000)/"


def guid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def contacts(count: int, at: str = AT) -> list[dict[str, object]]:
    return [
        {"ContactID": guid(n), "Name": f"Contact {n}", "ContactStatus": "ACTIVE", "UpdatedDateUTC": at}
        for n in range(1, count + 1)
    ]


def enter_bill(organisation: Organisation) -> None:
    """One of the first contact's, which makes it a vendor."""
    bill = {
        "Type": "ACCPAY",
        "Contact": {"ContactID": guid(1)},
        "Status": "AUTHORISED",
        "Date": "2026-03-01",
        "DueDate": "2026-04-01",
        "LineItems": [
            {"Description": "paper", "Quantity": 1, "UnitAmount": 5, "AccountCode": "400", "TaxType": "NONE"}
        ],
    }
    organisation.simulator.post("edit", {"operation": "create", "entity": "Invoices", "body": bill})


def test_a_second_with_more_records_than_a_page_comes_whole_and_once(organisation: Organisation):
    organisation.simulator.post("load", {"Contacts": contacts(2300)})

    ids = organisation.ids("customers")

    assert len(ids) == len(set(ids)) == 2300


def test_a_list_longer_than_a_page_is_read_by_time_and_never_by_a_second_page(organisation: Organisation):
    some = contacts(1500)
    for n, contact in enumerate(some):
        contact["UpdatedDateUTC"] = f"/Date({1_780_000_000_000 + n * 1000}+0000)/"
    organisation.simulator.post("load", {"Contacts": some})

    assert len(set(organisation.ids("customers"))) == 1500
    pages = [row["query"] for row in organisation.log() if "Contacts" in row["path"]]
    assert len(pages) == 2
    assert all("page=1&" in f"{query}&" for query in pages)


def test_a_contact_that_became_a_vendor_comes_with_its_first_bill(organisation: Organisation):
    organisation.simulator.post("load", {"Contacts": contacts(1)})
    since = datetime.now(UTC) + timedelta(hours=-1)
    enter_bill(organisation)

    pages = list(organisation.connector.pull_changes({"vendors": since, "bills": since}))

    assert guid(1) in {record.external_id for page in pages if page.entity == "vendors" for record in page.records}


def test_a_contact_that_is_not_held_is_read_by_id_as_what_it_is(organisation: Organisation):
    organisation.simulator.post("load", {"Contacts": contacts(1)})
    enter_bill(organisation)

    def read_as(entity: str, *, is_held: bool) -> list[str]:
        pages = organisation.connector.pull_ids(entity, [guid(1)], is_held=is_held)
        return [record.external_id for page in pages for record in page.records]

    assert read_as("vendors", is_held=False) == [guid(1)]
    assert read_as("customers", is_held=False) == []
    # What was a customer once still is one to us.
    assert read_as("customers", is_held=True) == [guid(1)]


def test_an_order_is_gone_where_xero_says_so_and_not_somebody_on_the_way(organisation: Organisation):
    assert [page.records for page in organisation.connector.pull_ids("purchase_orders", [guid(1)])] == []

    not_xeros = {"status": 404, "body": "<html>Not Found</html>", "headers": {"Xero-Correlation-Id": ""}}
    organisation.simulator.post("faults", [{"method": "GET", "path": "*/PurchaseOrders/*", **not_xeros}])
    with pytest.raises(TieoutError, match="404"):
        list(organisation.connector.pull_ids("purchase_orders", [guid(1)]))


def test_a_create_whose_connection_drops_is_sent_once(organisation: Organisation):
    organisation.simulator.post("faults", [{"method": "PUT", "path": "*/Contacts*", "drop": "before"}])

    (answer,) = organisation.connector.send([Write("customers", "create", "KEY1", {"Name": "Lund"})])

    assert isinstance(answer, InDoubt)
    assert len([row for row in organisation.log() if row["method"] == "PUT"]) == 1


def test_a_day_limit_is_not_sat_out(organisation: Organisation):
    organisation.simulator.post("faults", [{"path": "*/Contacts*", "answer": "throttled_day"}])

    with pytest.raises(TieoutError) as raised:
        list(organisation.connector.pull("customers"))

    assert raised.value.kind is ErrorKind.RATE_LIMIT
    assert raised.value.retry_after_seconds > 3600
    assert organisation.pauses == []


def test_an_answer_of_another_tenant_names_those_there_are(organisation: Organisation):
    organisation.connector._wire.tenant_id = guid(7)

    with pytest.raises(TieoutError, match=organisation.minted["tenant_id"]):
        organisation.connector.test()


def test_testing_says_what_a_first_sync_takes_of_the_day(organisation: Organisation):
    organisation.simulator.post("load", {"Contacts": contacts(2300)})

    forecast = organisation.connector.test().forecast

    assert forecast is not None
    assert forecast.calls_per_day == 5000
    # Three pages of contacts, which are customers and vendors; every other list is one call.
    assert forecast.calls == 3 + 13 - 1
    assert "of the day's 5000 calls" in str(forecast)


def endpoint(organisation: Organisation, **app: str) -> XeroTokenEndpoint:
    given = {key: organisation.minted[key] for key in ("client_id", "client_secret")} | app
    return XeroTokenEndpoint(connection="xero", base_url=organisation.simulator.base_url, **given)


def test_a_refresh_gives_another_token_and_the_one_before_works_for_a_while(organisation: Organisation):
    asking = endpoint(organisation)

    first = asking.refresh(organisation.minted["refresh_token"])
    again = asking.refresh(organisation.minted["refresh_token"])

    assert first.refresh_token != organisation.minted["refresh_token"]
    assert again.refresh_token != organisation.minted["refresh_token"]
    assert again.access_token


def test_a_token_nobody_knows_is_refused_for_good(organisation: Organisation):
    with pytest.raises(GrantRefusedError):
        endpoint(organisation).refresh("nonsense")


def test_a_custom_connection_needs_no_consent(organisation: Organisation):
    tokens = CustomConnection(endpoint(organisation, **organisation.minted["custom_connection"]))

    token = tokens.access_token()

    assert token and tokens.access_token() == token
    assert tokens.renew(token) != token
