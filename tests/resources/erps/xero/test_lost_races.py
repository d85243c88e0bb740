"""Somebody works on a record in Xero in the very moment we write it: nothing is overwritten without a person seeing it,
as far as Xero lets anybody see.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.resources.erps.xero.books import BothBooks

READ = {"method": "GET", "path": "*/Contacts*"}
WRITE = {"method": "POST", "path": "*/Contacts*"}


@pytest.fixture
def contact(both: BothBooks) -> Iterator[tuple[int, str]]:
    """A customer that both books have: ledger id and ContactID."""
    made = both.writer.customer("Lund & Sons", phone="11", email="post@lund.example")
    both.books.push()
    (external_id,) = both.books.ledger_ids("customers")
    yield made, external_id


def somebody(both: BothBooks, contact_id: str, after: dict[str, Any], **body: Any) -> None:
    """Somebody changes the contact right after the next call of that kind."""
    edit = {"operation": "update", "entity": "Contacts", "id": contact_id, "body": body}
    both.books.simulator.post("script", [{"after": {**after, "nth": 1}, "edit": edit}])


def conflicts(both: BothBooks) -> list[list[str]]:
    rows = both.books.rows("select fields from sync.conflicts where state = 'open'")
    return [[field["name"] for field in row["fields"]] for row in rows]


@pytest.mark.parametrize(
    ("ours", "theirs", "field"),
    [
        ({"name": "Ours"}, {"Name": "Theirs"}, "name"),
        ({"phone": "ours 22"}, {"Phones": [{"PhoneType": "DEFAULT", "PhoneNumber": "theirs 33"}]}, "phone"),
        (
            {"billing_city": "Otaki"},
            {"Addresses": [{"AddressType": "POBOX", "City": "Levin"}]},
            "billing_city",
        ),
    ],
    ids=["a text", "a phone", "an address"],
)
def test_a_race_that_we_lose_is_a_conflict_and_neither_value_is_lost(both, contact, ours, theirs, field):
    ledger_id, external_id = contact
    somebody(both, external_id, WRITE, **theirs)
    both.writer.update("customers", ledger_id, **ours)

    report = both.books.push()

    assert report.pushed == {}
    assert conflicts(both) == [[field]]
    (row,) = both.books.rows(f"select {field} as value from ledger.customers")
    assert row["value"] == next(iter(ours.values()))
    (there,) = both.there("Contacts")
    assert next(iter(ours.values())) not in str(there)


def test_another_field_that_changed_between_our_reading_and_our_writing_stays_and_arrives(both, contact):
    ledger_id, external_id = contact
    somebody(both, external_id, READ, EmailAddress="new@lund.example")
    both.writer.update("customers", ledger_id, name="Ours")

    assert both.books.push().pushed == {"customers": 1}

    (there,) = both.there("Contacts")
    assert (there["Name"], there["EmailAddress"]) == ("Ours", "new@lund.example")
    assert both.books.value("select email from ledger.customers") == "new@lund.example"
    assert both.is_settled()


def test_a_record_that_changed_before_our_reading_is_merged_first(both, contact):
    ledger_id, external_id = contact
    edit = {"operation": "update", "entity": "Contacts", "id": external_id, "body": {"Name": "Theirs"}}
    both.books.simulator.post("edit", edit)
    both.writer.update("customers", ledger_id, name="Ours")

    assert both.books.push().pushed == {}

    assert conflicts(both) == [["name"]]
    assert both.there("Contacts")[0]["Name"] == "Theirs"


def test_an_invoice_paid_between_our_reading_and_our_writing_is_merged_and_then_judged(both, contact):
    customer, _ = contact
    invoice = both.invoice(customer, "40.00", "L-1")
    both.books.push()
    (there,) = both.there("Invoices")
    body = {"Invoice": {"InvoiceID": there["InvoiceID"]}, "Account": {"Code": "090"}, "Date": "2026-03-05", "Amount": 1}
    edit = {"method": "PUT", "path": "/Payments", "body": body}
    after = {"method": "GET", "path": "*/Invoices*", "nth": 1}
    both.books.simulator.post("script", [{"after": after, "edit": edit}])
    both.writer.update("invoices", invoice, issue_date="2026-03-02")

    report = both.books.push()

    # Refused by Xero at first, for a reason that our books did not know; then known, and refused with its field.
    assert (report.pushed, report.held) == ({}, {"invoices": 1})
    (error,) = both.books.open_errors()
    assert "issue_date" in error["message"]
    assert both.books.value("select open_amount from ledger.invoices") == 39


def add_line_meanwhile(both: BothBooks, invoice: dict[str, Any], after: dict[str, Any]) -> None:
    """Somebody adds a line of 7 right after the next call of that kind."""
    lines = [{"LineItemID": invoice["LineItems"][0]["LineItemID"]}]
    lines.append({"Description": "theirs", "Quantity": 1, "UnitAmount": 7, "AccountCode": "200"})
    edit = {"operation": "update", "entity": "Invoices", "id": invoice["InvoiceID"], "body": {"LineItems": lines}}
    both.books.simulator.post("script", [{"after": {**after, "path": "*/Invoices*", "nth": 1}, "edit": edit}])


def lines_there(both: BothBooks) -> list[str]:
    (invoice,) = both.there("Invoices")
    return [line["Description"] for line in invoice["LineItems"]]


def lines_here(both: BothBooks) -> list[str]:
    rows = both.books.rows("select description from ledger.invoice_lines order by position")
    return [row["description"] for row in rows]


def test_a_line_that_somebody_adds_between_our_reading_and_our_writing_of_lines_is_gone(both, contact):
    """The limit that the README names: what is read back is what we sent, so nothing tells of the other line."""
    invoice = both.invoice(contact[0], "40.00", "L-1")
    both.books.push()
    (there,) = both.there("Invoices")
    add_line_meanwhile(both, there, {"method": "GET"})
    both.writer.update_line("invoices", invoice, 1, description="ours")

    assert both.books.push().pushed == {"invoices": 1}

    assert both.is_settled()
    assert lines_there(both) == lines_here(both) == ["ours"]


def test_a_line_that_somebody_adds_there_stays_and_is_shown_where_we_write_something_else(both, contact):
    invoice = both.invoice(contact[0], "40.00", "L-1")
    both.books.push()
    (there,) = both.there("Invoices")
    add_line_meanwhile(both, there, {"method": "GET"})
    both.writer.update("invoices", invoice, due_date="2026-04-02")

    both.books.push()

    assert (lines_there(both), lines_here(both)) == (["work", "theirs"], ["work"])
    (shown,) = conflicts(both)
    assert "total_amount" in shown


def test_a_line_that_somebody_adds_right_after_our_writing_is_seen(both, contact):
    invoice = both.invoice(contact[0], "40.00", "L-1")
    both.books.push()
    (there,) = both.there("Invoices")
    add_line_meanwhile(both, there, {"method": "POST"})
    both.writer.update_line("invoices", invoice, 1, account_code="260")

    both.books.push()
    both.books.push()

    assert both.is_settled()
    assert lines_there(both) == lines_here(both) == ["work", "theirs"]


@pytest.mark.parametrize("late", [1, 3])
def test_a_deletion_that_is_not_to_be_seen_yet_is_in_doubt_and_ours_once_it_is(both: BothBooks, late: int):
    customer = both.writer.customer("Lund & Sons")
    invoice = both.invoice(customer, "40.00", "L-1")
    payment = both.pay(customer, "40.00", {invoice: "40.00"})
    both.books.push()
    (before,) = both.there("Payments")
    both.writer.update("payments", payment, is_deleted=True)
    # It is read before it is deleted, and once more after it.
    lagging = {"method": "GET", "path": "*/Payments*", "from": 2, "count": late}
    both.books.simulator.post("faults", [{**lagging, "status": 200, "body": {"Payments": [before]}}])

    pushed = both.books.push().pushed

    both.books.simulator.post("faults", [])
    assert pushed == {"payments": 1}
    actions = both.books.rows("select action from sync.audit where entity = 'payments' order by 1")
    assert [row["action"] for row in actions] == ["push.create", "push.delete"]
    assert both.is_settled()


@pytest.mark.parametrize(("operation", "values"), [("update", {"document_number": "L-2"}), ("void", {"is_void": True})])
def test_a_write_that_comes_between_our_question_and_our_second_attempt_is_ours(both, operation, values):
    customer = both.writer.customer("Lund & Sons")
    invoice = both.invoice(customer, "40.00", "L-1")
    both.books.push()
    late = {"method": "POST", "path": "*/Invoices*", "nth": 1, "late": {"requests": 1}}
    both.books.simulator.post("faults", [late])
    both.writer.update("invoices", invoice, **values)

    pushed = both.books.push().pushed

    both.books.simulator.post("faults", [])
    assert pushed == {"invoices": 1}
    assert both.books.value("select count(*) from sync.audit where action = %s", f"push.{operation}") == 1
    assert both.is_settled()


@pytest.mark.parametrize(("theirs", "pushed"), [({"EmailAddress": "new@lund.example"}, 1), ({"Name": "Theirs"}, 0)])
def test_what_somebody_changes_between_our_question_and_our_second_attempt_is_theirs(both, contact, theirs, pushed):
    ledger_id, external_id = contact
    both.books.simulator.post("faults", [{**WRITE, "nth": 1, "drop": "before"}])
    edit = {"operation": "update", "entity": "Contacts", "id": external_id, "body": theirs}
    both.books.simulator.post("script", [{"after": {**READ, "nth": 2}, "edit": edit}])
    both.writer.update("customers", ledger_id, name="Ours")

    assert both.books.push().pushed == ({"customers": 1} if pushed else {})

    both.books.simulator.post("faults", [])
    assert both.books.value("select count(*) from sync.audit where action = 'push.update'") == pushed
    assert both.books.value("select attempts from sync.outbox where state = 'stale'") == 2
    assert conflicts(both) == ([] if pushed else [["name"]])
    (there,) = both.there("Contacts")
    assert theirs.items() <= there.items()
