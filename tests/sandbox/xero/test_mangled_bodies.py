"""Damaged bodies: each is taken whole or refused whole, and the simulator itself never fails."""

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.xero.company import Company, invoice, line, payment
from tests.sandbox.xero.test_books_balance import Bookkeeper, check

COMPANY = Company()
CONTACT = COMPANY.contact()["ContactID"]
COMPANY.put("Items", {"Code": "BOOK", "SalesDetails": {"UnitPrice": 5, "AccountCode": "200", "TaxType": "OUTPUT"}})
OPEN = COMPANY.invoice(CONTACT)
CREDIT = COMPANY.put("CreditNotes", invoice(CONTACT, "30.00", Type="ACCRECCREDIT"))
BEGINNING = COMPANY.erp.snapshot()

REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "PUT",
        "/Contacts",
        {"Contacts": [{"Name": "A", "Addresses": [{"AddressType": "POBOX"}], "EmailAddress": "a@b.co"}]},
    ),
    ("POST", f"/Contacts/{CONTACT}", {"Contacts": [{"Phones": [{"PhoneType": "FAX", "PhoneNumber": "1"}]}]}),
    ("PUT", "/Items", {"Items": [{"Code": "A", "IsSold": True, "SalesDetails": {"UnitPrice": 5}}]}),
    ("PUT", "/Invoices", {"Invoices": [invoice(CONTACT, LineItems=[line(ItemCode="BOOK", DiscountRate=5), line()])]}),
    (
        "POST",
        f"/Invoices/{OPEN['InvoiceID']}",
        {"Invoices": [{"LineItems": OPEN["LineItems"], "Status": "AUTHORISED"}]},
    ),
    ("PUT", "/CreditNotes", {"CreditNotes": [invoice(CONTACT, Type="ACCRECCREDIT")]}),
    (
        "PUT",
        f"/CreditNotes/{CREDIT['CreditNoteID']}/Allocations",
        {"Allocations": [{"Amount": 5, "Date": "2026-11-20", "Invoice": {"InvoiceID": OPEN["InvoiceID"]}}]},
    ),
    ("PUT", "/Payments", {"Payments": [payment(OPEN["InvoiceID"], "5.00", CurrencyRate=1, IsReconciled=False)]}),
    (
        "PUT",
        "/BatchPayments",
        {
            "BatchPayments": [
                {
                    "Account": {"Code": "090"},
                    "Date": "2026-11-20",
                    "Payments": [{"Invoice": {"InvoiceID": OPEN["InvoiceID"]}, "Amount": 5}],
                }
            ]
        },
    ),
    (
        "PUT",
        "/BankTransactions",
        {
            "BankTransactions": [
                {
                    "Type": "RECEIVE-OVERPAYMENT",
                    "Contact": {"ContactID": CONTACT},
                    "BankAccount": {"Code": "090"},
                    "LineItems": [line()],
                }
            ]
        },
    ),
    (
        "PUT",
        "/PurchaseOrders",
        {"PurchaseOrders": [{"Contact": {"ContactID": CONTACT}, "DeliveryDate": "2026-12-01", "LineItems": [line()]}]},
    ),
    (
        "PUT",
        "/Accounts",
        {"Code": "999", "Name": "New", "Type": "BANK", "BankAccountNumber": "1", "CurrencyCode": "USD"},
    ),
    (
        "PUT",
        "/TaxRates",
        {"TaxRates": [{"Name": "T", "TaxComponents": [{"Name": "a", "Rate": 5, "IsCompound": True}]}]},
    ),
    ("PUT", "/TrackingCategories", {"Name": "Region"}),
    ("PUT", "/Currencies", {"Code": "EUR"}),
]
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        ["", "x", "2026-13-45", "/Date(99999999999999999)/", "NaN", "1e400", "-1", 0, -5, 10**16, [], {}, [[]]]
    ),
    st.decimals(Decimal("-1e20"), Decimal("1e20"), allow_nan=False, allow_infinity=False),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a body, from the outside in."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in items:
        found += places(each, (*path, name))
    return found


def damaged(body: Any, path: tuple[Any, ...], junk: Any, *, is_removed: bool) -> Any:
    body = copy.deepcopy(body)
    inner = body
    for each in path[:-1]:
        inner = inner[each]
    if is_removed:
        del inner[path[-1]]
    else:
        inner[path[-1]] = junk
    return body


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_body_is_taken_or_refused_and_the_books_balance(data: st.DataObject):
    COMPANY.erp.restore(BEGINNING)
    method, path, body = data.draw(st.sampled_from(REQUESTS))
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(places(body)))
        body = damaged(body, place, data.draw(JUNK), is_removed=data.draw(st.booleans()))
        if not places(body):
            return
    books = Bookkeeper(COMPANY)
    before = books.state()

    answer = COMPANY.send(method, path, body)

    assert answer.status in (200, 400), (answer.status, answer.body)
    assert answer.status == 200 or books.state() == before
    check(books)


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_the_undamaged_bodies_are_taken(method: str, path: str, body: Any):
    COMPANY.erp.restore(BEGINNING)

    answer = COMPANY.send(method, path, body)

    assert answer.status == 200, answer.body
