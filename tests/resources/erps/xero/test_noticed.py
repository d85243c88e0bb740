"""What webhooks tell of a contact, which may be a customer, a vendor or both: it comes as what it is."""

from __future__ import annotations

from tests.resources.erps.xero.books import BothBooks
from tests.resources.stages.test_noticed import tell


def test_a_customer_that_no_delta_brings_does_not_come_as_a_vendor_too(both: BothBooks):
    both.writer.customer("Lund & Sons")
    both.books.push()
    both.books.sync()
    (contact,) = both.books.ledger_ids("customers")
    tell(both.books, contact, "customers", "vendors")

    both.books.sync()

    assert both.books.ledger_ids("vendors") == set()
