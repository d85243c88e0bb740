"""The demo organisation: its books balance, it holds what a tester looks for, and a seed is a whole organisation."""

from collections import Counter
from typing import Any

import pytest

from sandbox.xero.demo import build_company
from sandbox.xero.plug import TENANT_ID
from tests.sandbox.xero.company import Company
from tests.sandbox.xero.test_books_balance import Bookkeeper, check


@pytest.fixture(scope="module", params=[1, 2])
def company(request: Any) -> Company:
    company = Company()
    company.erp.reset("demo", request.param)
    return company


def test_its_books_balance(company: Company):
    check(Bookkeeper(company))


def test_it_has_documents_of_every_kind_and_status(company: Company):
    books = Bookkeeper(company)
    invoices = Counter((each["Type"], each["Status"]) for each in books.all("Invoices"))

    assert len(books.all("Invoices")) > 800
    assert {status for kind, status in invoices if kind == "ACCREC"} == {
        *("DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED")
    }
    assert {status for kind, status in invoices if kind == "ACCPAY"} >= {"AUTHORISED", "PAID"}
    assert {each["Type"] for each in books.all("CreditNotes")} == {"ACCRECCREDIT", "ACCPAYCREDIT"}
    assert {each["CurrencyCode"] for each in books.all("Invoices")} == {"USD", "EUR"}
    assert {each["Status"] for each in books.all("PurchaseOrders")} >= {"SUBMITTED", "AUTHORISED", "BILLED"}
    assert {each["ContactStatus"] for each in books.all("Contacts")} == {"ACTIVE", "ARCHIVED"}
    assert books.all("BatchPayments") and books.all("Overpayments") and books.all("BankTransactions")


def test_a_part_paid_document_and_a_name_that_trips_software_are_in_it(company: Company):
    books = Bookkeeper(company)

    assert any(each["Status"] == "AUTHORISED" and each["AmountPaid"] > 0 for each in books.all("Invoices"))
    names = [each["Name"] for each in books.all("Contacts")]
    assert "青竹文具店" in names
    assert max(map(len, names)) > 200


def test_what_is_written_to_it_gets_new_ids_and_numbers(company: Company):
    contact = company.rows("/Contacts")[0]["ContactID"]
    before = len(company.rows("/Invoices"))

    made = company.invoice(contact)

    assert len(company.rows("/Invoices")) == before + 1
    assert made["InvoiceNumber"] > "INV-0600"


def test_the_same_seed_gives_the_same_organisation_and_another_seed_another():
    first, again, other = (build_company(TENANT_ID, seed) for seed in (3, 3, 4))

    assert first == again
    assert first["Invoices"] != other["Invoices"]
