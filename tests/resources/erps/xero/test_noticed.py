"""What webhooks of Xero's tell of: a document that was taken back says so itself, a contact comes as what it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from resources.stores import inbox
from resources.webhooks import Notice
from tests.resources.erps.xero.books import BothBooks
from tests.resources.stages.test_noticed import tell

# A list that has nothing new to tell.
NOTHING = {
    "Id": "3f9f4b1c-0000-4000-8000-000000000000",
    "Status": "OK",
    "ProviderName": "Tieout",
    "Invoices": [],
    "pagination": {"page": 1, "pageSize": 1000, "pageCount": 1, "itemCount": 0},
}


def test_what_was_voided_and_no_list_told_of_is_read_by_id(both: BothBooks):
    both.invoice(both.writer.customer("Lund & Sons"), "40.00", "L-1")
    both.books.push()
    both.books.sync()
    (external_id,) = both.books.mirror_ids("invoices")
    edit = {"operation": "update", "entity": "Invoices", "id": external_id, "body": {"Status": "VOIDED"}}
    both.books.simulator.post("edit", edit)
    now = datetime.now(UTC)
    nothing = {**NOTHING, "DateTimeUTC": f"/Date({int(now.timestamp() * 1000)})/"}
    fault = {"method": "GET", "path": "*/Invoices*", "nth": 1, "status": 200, "body": nothing}
    both.books.simulator.post("faults", [fault])
    notice = Notice("told", "", ("invoices", "bills"), external_id, "update", now + timedelta(minutes=1))
    with both.books.services.db.transaction(both.books.tenant) as tx:
        inbox.put(tx, tenant=both.books.tenant, connection=both.books.name, notices=[notice])

    both.books.sync()
    both.books.simulator.post("faults", [])

    assert both.books.rows("select is_void, is_deleted from ledger.invoices") == [
        {"is_void": True, "is_deleted": False}
    ]
    assert both.books.rows("select 1 from sync.inbox where taken_at is null") == []
    assert both.is_settled()


def test_a_customer_that_no_delta_brings_does_not_come_as_a_vendor_too(both: BothBooks):
    both.writer.customer("Lund & Sons")
    both.books.push()
    both.books.sync()
    (contact,) = both.books.ledger_ids("customers")
    tell(both.books, contact, "customers", "vendors")

    both.books.sync()

    assert both.books.ledger_ids("vendors") == set()
