"""Permission that ends between the calls of one send: what has happened by then keeps its answer.

A send may be several calls, and so may one write be. A token that is over, or a scope that is lacking, concerns all of
them, but says that nothing happened of the call alone that it was said to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from resources.connector import Answer, Deferred, InDoubt, Write, Written
from resources.erps.xero.client import XeroConnector
from resources.errors import ErrorKind, TieoutError
from tests.resources.erps.xero.books import BANK, BothBooks
from tests.resources.erps.xero.conftest import Organisation, SteadyToken

UNALLOCATING = {"method": "DELETE", "path": "*/Allocations/*"}
ALLOCATING = {"method": "PUT", "path": "*/Allocations*"}
# How Xero says it, and whether the token can be renewed then.
WAYS = {"no scope": ("forbidden", True), "refused again": ("revoked", True), "no renewal": ("unauthorized", False)}


class LastToken(SteadyToken):
    """A token after which no other is given."""

    def renew(self, rejected: str) -> str:
        raise TieoutError(ErrorKind.AUTHENTICATION, doing="refreshing the access token", found="no consent any more")


@pytest.fixture(params=list(WAYS))
def ending(request: pytest.FixtureRequest, organisation: Organisation) -> Iterator[Callable[..., list[Answer]]]:
    """Send writes by a connector whose permission ends at the calls of that kind."""
    answer, is_renewed = WAYS[request.param]
    connector = XeroConnector.open(
        connection="xero",
        settings={"tenant_id": organisation.minted["tenant_id"]},
        tokens=(SteadyToken if is_renewed else LastToken)(organisation.minted["access_token"]),
        base_url=organisation.simulator.base_url,
    )

    def send(writes: list[Write], **calls: Any) -> list[Answer]:
        organisation.simulator.post("faults", [{**calls, "answer": answer}])
        return list(connector.send(writes))

    yield send
    organisation.simulator.post("faults", [])


def contacts(*names: str, **more: Any) -> list[Write]:
    return [Write("customers", "create", f"K-{name}", {"Name": name}, **more) for name in names]


def a_change(organisation: Organisation) -> Write:
    known = made(organisation, *contacts("Known"))
    return Write("customers", "update", "K-C", {"ContactID": known, "Name": "Renamed"}, "B", external_id=known)


def an_invoice(contact: str, number: str) -> Write:
    line = {"Description": "work", "Quantity": 1, "UnitAmount": 50, "AccountCode": "200", "TaxType": "NONE"}
    body = {
        "Type": "ACCREC",
        "Status": "AUTHORISED",
        "Contact": {"ContactID": contact},
        "Date": "2026-03-01",
        "DueDate": "2026-04-01",
        "InvoiceNumber": number,
        "LineItems": [line],
    }
    return Write("invoices", "create", f"K-{number}", body)


def uses(*invoices: str) -> list[dict[str, Any]]:
    return [{"Amount": 20, "Date": "2026-03-02", "Invoice": {"InvoiceID": invoice}} for invoice in invoices]


def money(contact: str, *invoices: str) -> Write:
    """Money of 100 paid ahead, of which 20 go to each of these invoices."""
    body = {
        "Type": "RECEIVE-OVERPAYMENT",
        "Contact": {"ContactID": contact},
        "BankAccount": {"Code": BANK},
        "LineAmountTypes": "NoTax",
        "LineItems": [{"Description": "Overpayment", "Quantity": 1, "UnitAmount": 100}],
        "Date": "2026-03-02",
        "Reference": "T-1 [tieout:ABCDEFGHIJKL]",
        "Allocations": uses(*invoices),
    }
    return Write("payments", "create", "K-M", body)


def made(organisation: Organisation, write: Write) -> str:
    (answer,) = organisation.connector.send([write])
    assert isinstance(answer, Written), answer
    return answer.record.external_id


@pytest.fixture
def owed(organisation: Organisation) -> tuple[str, list[str]]:
    """A contact and its three invoices of 50."""
    contact = made(organisation, *contacts("Lund & Sons"))
    return contact, [made(organisation, an_invoice(contact, f"L-{n}")) for n in range(3)]


@pytest.fixture
def otherwise(organisation: Organisation, owed: tuple[str, list[str]]) -> Write:
    """Money that is applied to two invoices, taken off both and put on the third."""
    contact, (first, second, third) = owed
    external_id = made(organisation, money(contact, first, second))
    (there,) = organisation.simulator.objects("Overpayments")
    body = {
        "OverpaymentID": there["OverpaymentID"],
        "Unallocate": [one["AllocationID"] for one in there["Allocations"]],
        "Allocations": uses(third),
    }
    return Write("payments", "update", "K-O", body, external_id=external_id)


def test_a_reading_that_is_refused_although_the_sign_in_works_sends_nobody_to_connect_again(
    organisation: Organisation,
):
    organisation.simulator.post("faults", [{"path": "*/Items*", "answer": "revoked"}])

    with pytest.raises(TieoutError) as caught:
        list(organisation.connector.pull("items"))
    organisation.simulator.post("faults", [])

    assert caught.value.kind is ErrorKind.AUTHENTICATION
    assert (caught.value.doing, caught.value.entity) == ("pulling items", "items")
    assert "signing in works" in caught.value.next_step
    assert "connect the company again" not in str(caught.value)


def test_what_was_written_before_is_written_and_the_rest_has_not_happened(organisation: Organisation, ending):
    change = a_change(organisation)
    item = Write("items", "create", "K-I", {"Code": "I-1", "Name": "Item"}, "B")

    answers = ending([*contacts("One", "Two", batch_key="B"), change, item], method="POST", path="*/Contacts*")

    assert [type(answer) for answer in answers] == [Written, Written, Deferred, Deferred]
    assert {row["Name"] for row in organisation.simulator.objects("Contacts")} == {"Known", "One", "Two"}
    assert organisation.simulator.objects("Items") == []


def test_where_the_first_call_is_refused_nothing_was_sent_and_it_is_raised(organisation: Organisation, ending):
    change = a_change(organisation)

    with pytest.raises(TieoutError) as caught:
        ending([*contacts("One", batch_key="B"), change], method="PUT", path="*/Contacts*")

    assert caught.value.kind in (ErrorKind.AUTHENTICATION, ErrorKind.AUTHORIZATION)
    assert [row["Name"] for row in organisation.simulator.objects("Contacts")] == ["Known"]


def test_what_may_not_go_out_any_more_has_not_happened(organisation: Organisation):
    def prove() -> None:
        raise TieoutError(ErrorKind.CONFLICT, doing="pushing", found="another worker")

    change = a_change(organisation)
    organisation.connector.fence(prove)
    answers = organisation.connector.send([*contacts("One", batch_key="B"), change])
    organisation.connector.fence(lambda: None)

    assert [type(answer) for answer in answers] == [Deferred, Deferred]
    assert [row["Name"] for row in organisation.simulator.objects("Contacts")] == ["Known"]


@pytest.mark.parametrize("calls", [{**UNALLOCATING, "from": 2}, ALLOCATING], ids=["taking off", "putting on"])
def test_a_write_of_which_a_part_has_happened_is_in_doubt(organisation: Organisation, otherwise, ending, calls):
    (answer,) = ending([otherwise], **calls)

    assert isinstance(answer, InDoubt)
    (there,) = organisation.simulator.objects("Overpayments")
    assert len(there["Allocations"]) < 2


def test_a_write_of_which_no_part_has_happened_is_raised(organisation: Organisation, otherwise, ending):
    with pytest.raises(TieoutError):
        ending([otherwise], **UNALLOCATING)

    (there,) = organisation.simulator.objects("Overpayments")
    assert len(there["Allocations"]) == 2


def test_money_that_was_made_and_may_not_be_applied_is_in_doubt_and_gone_on_with(
    organisation: Organisation, owed, ending
):
    contact, (first, second, _) = owed
    write = money(contact, first, second)

    (answer,) = ending([write], **ALLOCATING)

    assert isinstance(answer, InDoubt)
    with pytest.raises(TieoutError):
        # Nothing was sent this time, so that it is said for all.
        ending([write], **ALLOCATING)
    organisation.simulator.post("faults", [])
    assert made(organisation, write).startswith("overpayment:")
    (there,) = organisation.simulator.objects("Overpayments")
    assert len(there["Allocations"]) == 2


@pytest.mark.parametrize("lost", [{"answer": "throttled"}, {"drop": "after"}], ids=["told to wait", "answer lost"])
def test_any_other_failure_of_a_later_call_leaves_the_write_in_doubt_too(organisation: Organisation, otherwise, lost):
    organisation.simulator.post("faults", [{**ALLOCATING, **lost}])

    (answer,) = organisation.connector.send([otherwise])
    organisation.simulator.post("faults", [])

    assert isinstance(answer, InDoubt)


@pytest.mark.parametrize(
    ("answer", "kind"), [("forbidden", ErrorKind.AUTHORIZATION), ("revoked", ErrorKind.AUTHENTICATION)]
)
def test_money_that_went_out_is_recorded_and_the_next_push_says_what_is_lacking(both: BothBooks, answer, kind):
    customer = both.writer.customer("Lund & Sons")
    invoice = both.invoice(customer, "40.00", "L-1")
    both.books.push()
    both.pay(customer, "25.00")
    both.pay(customer, "30.00")
    both.pay(customer, "40.00", {invoice: "40.00"})
    both.books.simulator.post("faults", [{"method": "PUT", "path": "*/Payments*", "answer": answer}])

    assert both.books.push().pushed == {"payments": 2}
    # Nothing of it can arrive any more, and its key is forgotten.
    both.books.change("update sync.outbox set due_at = now(), tried_at = tried_at - interval '2 hours'")
    both.books.simulator.post("clock", {"advance_seconds": 7200})
    try:
        with pytest.raises(TieoutError) as caught:
            both.books.push()
        both.books.simulator.post("faults", [])
        both.books.push()
    finally:
        both.books.simulator.post("clock", {})

    assert caught.value.kind is kind
    assert (len(both.there("Overpayments")), len(both.there("Payments"))) == (2, 1)
    assert both.is_settled()
