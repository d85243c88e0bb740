"""One ledger, two ERPs: a document belongs to one connection, master data may be bound to several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from ledger.policies import Policy, Side
from resources.stages.deciding import Decision
from resources.stages.resolve import resolve
from resources.stores import policies, switches
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
    (error,) = two.xero.books.open_errors()
    assert f"invoices/#{invoice}, a document of qbo_test" in error["message"]
    assert "name a document of xero_test, or enter this record for qbo_test" in error["next_step"]
    # The invoice itself is as it was: an edit of it is still its own company's to push.
    two.quickbooks.writer.update("invoices", invoice, memo="thank you")
    two.xero.books.push()
    assert two.quickbooks.books.push().pushed == {"invoices": 1}


def test_an_invoice_that_is_not_in_its_own_company_yet_is_not_made_in_the_one_of_its_payment(two: Two, customer: int):
    item = two.quickbooks.books.value("select ledger_id from ledger.items")
    invoice = two.quickbooks.writer.invoice(customer, "20.00", item, connection="qbo_test", document_number="Q-2")
    two.xero.writer.payment(customer, "20.00", {invoice: "20.00"}, connection="xero_test", deposit_account_code="090")

    report = two.xero.books.push()

    assert (report.pushed, report.held.keys()) == ({}, {"payments"})
    assert [row["InvoiceNumber"] for row in two.xero.books.objects("Invoices")] == ["X-1"]
    # It still wakes the push of its own company.
    assert two.quickbooks.books.value("select looked_at from sync.edits where entity = 'invoices'") is None
    assert two.quickbooks.books.push().pushed == {"invoices": 1}


def test_a_customer_of_one_company_goes_along_with_an_invoice_of_another_and_still_into_its_own(two: Two):
    made = two.xero.writer.customer("Both Ltd", connection="qbo_test")
    two.xero.writer.insert(
        "invoices",
        [{"kind": "item", "account_code": "200", "amount": "5.00", "description": "work"}],
        customer_id=made,
        connection="xero_test",
        document_number="X-2",
        issue_date="2026-03-01",
        due_date="2026-04-01",
        currency="USD",
        total_amount="5.00",
    )

    assert two.xero.books.push().pushed == {"customers": 1, "invoices": 1}
    assert two.quickbooks.books.push().pushed == {"customers": 1}
    assert not two.xero.books.rows("select * from sync.edits where entity = 'customers'")


def test_what_waits_for_a_customer_whose_pushing_is_switched_off_says_so(two: Two):
    vendor = two.quickbooks.writer.vendor("Parts Inc")
    order = two.quickbooks.writer.insert(
        "purchase_orders",
        [
            {
                "kind": "account",
                "account_code": "79",
                "customer_id": two.quickbooks.writer.customer("Shut Ltd"),
                "amount": "5.00",
                "description": "parts",
            }
        ],
        vendor_id=vendor,
        connection="qbo_test",
        issue_date="2026-03-01",
        currency="USD",
        total_amount="5.00",
    )
    with two.quickbooks.books.services.db.transaction("default") as tx:
        switches.switch(
            tx,
            tenant="default",
            connection="qbo_test",
            module="ar",
            direction="push",
            is_on=False,
            actor="ann",
            reason="",
        )

    report = two.quickbooks.books.push()

    assert "purchase_orders" not in report.pushed
    assert (
        "pushing customers is switched off" in two.quickbooks.books.held()["purchase_orders", f"#{order}"]["next_step"]
    )


def test_theirs_as_a_whole_empties_nothing_that_they_have_no_word_for(two: Two):
    books, writer = two.xero.books, two.xero.writer
    asked, settled = (
        writer.customer(name, note=f"pays late, {name} does", connection="xero_test") for name in ("Ada", "Bo")
    )
    books.push()

    def deleted_here_and_changed_there(customer: int) -> None:
        external_id = books.value(
            "select external_id from sync.bindings where entity = 'customers' and ledger_id = %s", customer
        )
        writer.update("customers", customer, is_deleted=True)
        edit = {"operation": "update", "entity": "Contacts", "id": external_id, "body": {"FirstName": "Lena"}}
        books.simulator.post("edit", edit)
        books.sync()

    deleted_here_and_changed_there(asked)
    conflict = books.value("select conflict_id from sync.conflicts where ledger_id = %s and state = 'open'", asked)
    resolve(books.services, conflict, Decision("anna", keep=Side.THEIRS))
    with books.services.db.transaction(books.tenant) as tx:
        policies.put(tx, tenant=books.tenant, entity="customers", field="", policy=Policy.ERP_WINS, by="anna")
    deleted_here_and_changed_there(settled)
    with books.services.db.transaction(books.tenant) as tx:
        policies.drop(tx, tenant=books.tenant, entity="customers", field="", by="anna")

    rows = books.rows(
        "select name, note, given_name, is_deleted from ledger.customers where ledger_id = any(%s) order by name",
        [asked, settled],
    )
    assert rows == [
        {"name": name, "note": f"pays late, {name} does", "given_name": "Lena", "is_deleted": False}
        for name in ("Ada", "Bo")
    ]
