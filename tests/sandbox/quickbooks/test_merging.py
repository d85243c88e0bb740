"""Two customers become one, by a person's hand: documents change hands, balances add up, the other one is inactive."""

from decimal import Decimal

import pytest

from sandbox.quickbooks import wire
from sandbox.service import Service
from tests.sandbox.quickbooks.company import Company


@pytest.fixture
def company() -> Company:
    return Company()


def merged(company: Company, winner: str, loser: str, entity: str = "Customer") -> int:
    service = Service(company.erp, company.world)
    return service.edit({"operation": "merge", "entity": entity, "id": winner, "deleted_id": loser}).status


def test_the_documents_change_hands_and_the_balances_add_up(company: Company):
    amy, bob = company.customer("Amy"), company.customer("Bob")
    company.invoice(amy, Decimal("10.00"))
    moved = company.invoice(bob, Decimal("25.00"))
    company.payment(bob, Decimal("5.00"), (moved["Id"], Decimal("5.00")))
    company.later()

    assert merged(company, amy, bob) == 200

    assert company.get("Customer", amy)["Balance"] == Decimal("30.00")
    gone = company.get("Customer", bob)
    assert (gone["Active"], gone["DisplayName"], gone["Balance"]) == (False, "Bob (deleted)", 0)
    assert company.get("Invoice", moved["Id"])["CustomerRef"] == {"value": amy, "name": "Amy"}
    assert len(company.ids(f"select * from Invoice where CustomerRef = '{amy}'")) == 2
    assert company.ids(f"select * from Payment where CustomerRef = '{bob}'") == []
    effect = company.world.effects.lines[-1]
    assert (effect.entity, effect.id, effect.operation) == ("Customer", amy, "merge")


@pytest.mark.parametrize(("reading", "token"), [("unchanged", "0"), ("changed", "1")])
def test_whether_the_documents_show_it_is_a_switch(company: Company, reading: str, token: str):
    company.erp.turn({"merged_documents": reading})
    amy, bob = company.vendor("Amy"), company.vendor("Bob")
    bill = company.bill(bob)
    company.later()

    merged(company, amy, bob, "Vendor")

    after = company.get("Bill", bill["Id"])
    assert (after["VendorRef"]["value"], after["SyncToken"]) == (amy, token)
    assert (after["MetaData"]["LastUpdatedTime"] == bill["MetaData"]["LastUpdatedTime"]) == (token == "0")


def test_who_cannot_be_merged_stays(company: Company):
    amy, bob = company.customer("Amy"), company.customer("Bob")
    company.post("Customer", {"DisplayName": "Cottage", "Job": True, "ParentRef": {"value": bob}})

    assert [merged(company, amy, bob), merged(company, amy, "99"), merged(company, amy, amy)] == [400, 400, 400]
    assert company.get("Customer", bob)["Active"] is True


def test_a_client_cannot_merge(company: Company):
    amy, bob = company.customer("Amy"), company.customer("Bob")
    access = company.erp.tokens()["access_token"]
    headers = {"accept": "application/json", "authorization": f"Bearer {access}"}

    answer = company.send(
        "POST",
        f"/v3/company/{company.erp.realm_id}/customer?operation=merge",
        {"Id": amy, "deletedId": bob},
        headers,
    )

    assert (answer.status, wire.decode(answer.body)["Fault"]["Error"][0]["code"]) == (400, "500")
