"""One ledger, two ERPs: a document belongs to one connection, master data may be bound to several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.books import Books, opened_books
from tests.conformance.conftest import Company
from tests.conftest import NewDatabase
from tests.house import connect_simulator, running_simulator


@dataclass
class Two:
    """The same ledger seen from a QuickBooks company and from a Xero organisation."""

    quickbooks: Company
    xero: Company


@pytest.fixture(scope="module")
def two(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with (
        running_simulator("--no-limits", erp="quickbooks") as one,
        running_simulator("--no-limits", erp="xero") as other,
        opened_books(new_database, one, tmp_path_factory.mktemp("home"), "empty") as books,
    ):
        connect_simulator(books.services, other, name="xero_test", erp="xero")
        there: Books = replace(books, simulator=other, name="xero_test")
        books.sync()
        there.sync()
        yield Two(Company("quickbooks", books), Company("xero", there))


@pytest.fixture(scope="module")
def customer(two: Two) -> int:
    """A customer with a note, and an invoice for it in each of the two companies, pushed."""
    writer = two.xero.writer
    made = writer.customer("Lund & Sons", note="pays late")
    item = writer.insert(
        "items", name="Widget", sku="W-1", kind="service", income_account_code="79", connection="qbo_test"
    )
    writer.invoice(made, "50.00", item, connection="qbo_test", document_number="Q-1", due_date="2026-04-01")
    writer.insert(
        "invoices",
        [{"kind": "item", "account_code": "200", "amount": "70.00", "description": "work"}],
        customer_id=made,
        connection="xero_test",
        document_number="X-1",
        issue_date="2026-03-01",
        due_date="2026-04-01",
        currency="USD",
        net_amount="70.00",
        total_amount="70.00",
        open_amount="70.00",
    )
    two.quickbooks.books.push()
    two.xero.books.push()
    return made


def test_an_invoice_is_only_in_the_company_it_was_written_for(two: Two, customer: int):
    assert two.quickbooks.books.open_errors() == two.xero.books.open_errors() == []
    assert [row["DocNumber"] for row in two.quickbooks.books.objects("Invoice")] == ["Q-1"]
    assert [row["InvoiceNumber"] for row in two.xero.books.objects("Invoices")] == ["X-1"]


def test_its_customer_is_one_row_with_a_binding_in_each(two: Two, customer: int):
    bound = two.xero.books.rows("select connection from sync.bindings where entity = 'customers' order by connection")

    assert [row["connection"] for row in bound] == ["qbo_test", "xero_test"]
    assert two.xero.books.value("select count(*) from ledger.customers") == 1


def test_a_name_changed_in_one_company_goes_on_to_the_other_and_nothing_is_emptied(two: Two, customer: int):
    (external_id,) = two.quickbooks.books.ledger_ids("customers")
    two.quickbooks.books.simulator.post(
        "edit", {"operation": "update", "entity": "Customer", "id": external_id, "body": {"DisplayName": "Lund AS"}}
    )

    two.quickbooks.books.sync()
    two.xero.books.push()
    two.xero.books.sync()

    assert [row["Name"] for row in two.xero.books.objects("Contacts")] == ["Lund AS"]
    # Xero has no word for a note.
    assert two.xero.books.value("select note from ledger.customers") == "pays late"
    assert two.xero.books.push().pushed == two.quickbooks.books.push().pushed == {}


def test_a_payment_does_not_carry_an_invoice_into_the_other_company(two: Two, customer: int):
    invoice = two.quickbooks.books.value("select ledger_id from ledger.invoices where document_number = 'Q-1'")
    two.xero.writer.payment(customer, "10.00", {invoice: "10.00"}, connection="xero_test", deposit_account_code="090")

    report = two.xero.books.push()

    assert (report.pushed, report.held) == ({}, {"payments": 1})
    assert [row["InvoiceNumber"] for row in two.xero.books.objects("Invoices")] == ["X-1"]
