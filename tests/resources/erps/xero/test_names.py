"""Names of contacts are unique in Xero, and customers and vendors are one pool."""

from __future__ import annotations

from tests.resources.erps.xero.books import BothBooks


def contact_of(both: BothBooks, entity: str) -> list[str]:
    rows = both.books.rows("select external_id from sync.bindings where entity = %s", entity)
    return [row["external_id"] for row in rows]


def test_a_customer_who_is_a_vendor_too_is_one_contact_there(both: BothBooks):
    both.writer.customer("Lund & Sons", email="post@lund.example")
    both.books.push()
    both.writer.vendor("Lund & Sons", email="post@lund.example")

    both.books.push()

    assert both.books.open_errors() == []
    assert len(both.there("Contacts")) == 1
    assert contact_of(both, "vendors") == contact_of(both, "customers")
    assert both.is_settled()
    both.books.sync("full")
    assert both.books.value("select count(*) from ledger.vendors where not is_deleted") == 1


def test_what_the_two_say_otherwise_is_for_a_person(both: BothBooks):
    both.writer.customer("Lund & Sons", email="post@lund.example")
    both.books.push()
    both.writer.vendor("Lund & Sons", email="purchase@lund.example")

    report = both.books.push()

    assert report.pushed == {}
    (conflict,) = both.books.rows("select * from sync.conflicts where state = 'open'")
    assert (conflict["entity"], [field["name"] for field in conflict["fields"]]) == ("vendors", ["email"])
    assert len(both.there("Contacts")) == 1


def test_two_vendors_of_one_name_cannot_both_be_there_and_the_second_is_told_why(both: BothBooks):
    both.writer.vendor("Paper Mill")
    both.books.push()
    both.writer.vendor("paper mill")

    report = both.books.push()

    assert (report.pushed, report.held) == ({}, {"vendors": 1})
    (error,) = both.books.open_errors()
    assert "which has this name" in error["message"]
    assert len(both.there("Contacts")) == 1


def test_a_second_vendor_of_a_customers_name_is_told_why_once_the_first_has_it(both: BothBooks):
    both.writer.customer("Lund & Sons")
    both.books.push()
    both.writer.vendor("Lund & Sons")
    both.books.push()
    both.writer.vendor("Lund & Sons", email="other@lund.example")

    both.books.push()

    (error,) = both.books.open_errors()
    assert "which has this name" in error["message"]
    assert len(contact_of(both, "vendors")) == 1


def test_a_document_for_a_contact_that_was_archived_there_says_so(both: BothBooks):
    """Nobody here knows that it is archived yet; restored there, it goes."""
    vendor = both.writer.vendor("Larkspur Paper")
    both.books.push()
    (contact,) = both.there("Contacts")
    both.books.simulator.post("edit", {"operation": "archive", "entity": "Contacts", "id": contact["ContactID"]})
    both.writer.bill(vendor, "40.00", "429", document_number="B-1", due_date="2026-04-01")

    assert both.books.push().held == {"bills": 1}
    (error,) = both.books.open_errors()
    assert "Larkspur Paper is archived" in error["message"]
    restored = {"ContactID": contact["ContactID"], "ContactStatus": "ACTIVE"}
    both.books.simulator.post("edit", {"method": "POST", "path": "/Contacts", "body": restored})
    both.books.sync()
    assert both.books.push(retry_refused=True).pushed == {"bills": 1}
    assert both.is_settled()
