"""Many rows go to Xero in as few calls as they can, for each call is one of sixty a minute."""

from __future__ import annotations

from resources.erps.xero.profile import ELEMENTS_PER_WRITE_MAX
from resources.stages import push


def test_what_is_planned_at_once_fills_whole_calls(both, monkeypatch):
    customer = both.writer.customer("Lund & Sons")
    both.books.push()
    monkeypatch.setattr(push, "ROWS_PER_PLAN_MAX", ELEMENTS_PER_WRITE_MAX + 10)
    for number in range(2 * ELEMENTS_PER_WRITE_MAX):
        both.invoice(customer, "10.00", f"MANY-{number}")

    both.books.push()

    sent = both.books.rows("select count(*) as rows from sync.outbox where entity = 'invoices' group by batch_key")
    assert [each["rows"] for each in sent] == [ELEMENTS_PER_WRITE_MAX] * 2
    assert len(both.there("Invoices")) == 2 * ELEMENTS_PER_WRITE_MAX
