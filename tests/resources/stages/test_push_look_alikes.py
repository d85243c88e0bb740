"""Records there that say just what a row in doubt says, and are another row's already."""

from __future__ import annotations

from tests.books import Books
from tests.ledger_writer import LedgerWriter
from tests.resources.stages.test_push import customer_id, quiet


def bound(company: Books) -> dict[int, str]:
    rows = company.rows("select ledger_id, external_id from sync.bindings where entity = 'payments'")
    return {row["ledger_id"]: row["external_id"] for row in rows}


def test_a_payment_that_did_not_happen_is_made_although_somebody_entered_an_equal_one_there(
    company: Books, writer: LedgerWriter
):
    body = {"CustomerRef": {"value": "1"}, "TxnDate": "2026-03-02", "TotalAmt": 40}
    theirs = company.edit("create", "Payment", **body)
    company.sync()
    held = bound(company)
    ours = writer.payment(customer_id(company), "40.00")
    company.simulator.post("faults", [{"method": "POST", "path": "*/payment*", "count": 1, "drop": "before"}])

    company.push()

    assert list(held.values()) == [theirs["Id"]]
    assert len(company.objects("Payment")) == 2
    assert {row: id for row, id in bound(company).items() if row != ours} == held
    assert ours in bound(company)
    assert quiet(company)
