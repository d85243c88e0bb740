"""Documents made as drafts: not yet owed in either book, not paid from here, and owed once somebody approved them."""

from __future__ import annotations

from decimal import Decimal

import pytest
import requests

from resources.stores import due_work
from tests.resources.erps.xero.books import BothBooks


@pytest.fixture
def drafting(both: BothBooks) -> BothBooks:
    """Books whose documents are made as drafts."""
    both.books.change(
        "update sync.connections set settings = settings || jsonb_build_object('document_status', 'DRAFT')"
    )
    requests.delete(f"{both.books.simulator.base_url}/_sandbox/log", timeout=60)
    return both


def sent(both: BothBooks) -> set[str]:
    """What was asked of the organisation: method and list."""
    log = requests.get(f"{both.books.simulator.base_url}/_sandbox/log", timeout=60).json()
    return {f"{row['method']} {row['path'].rpartition('/')[2]}" for row in log}


def due_pushes(both: BothBooks) -> list[str]:
    with both.books.services.fleet() as tx:
        return due_work.partitions_to_push(tx, 10)


def approve(both: BothBooks, entity: str, key: str) -> None:
    (there,) = both.there(entity)
    both.books.simulator.post(
        "edit", {"operation": "update", "entity": entity, "body": {key: there[key], "Status": "AUTHORISED"}}
    )


def test_a_draft_is_owed_and_paid_from_here_once_it_is_approved_over_there(drafting: BothBooks):
    customer = drafting.writer.customer("Lund & Sons")
    invoice = drafting.invoice(customer, "40.00", "D-1")
    drafting.books.push()

    assert [row["Status"] for row in drafting.there("Invoices")] == ["DRAFT"]
    assert drafting.is_settled()
    assert drafting.open_amounts() == {"D-1": Decimal(0)}

    drafting.pay(customer, "40.00", {invoice: "40.00"})
    assert drafting.books.push().pushed == {}
    (error,) = drafting.books.open_errors()
    assert (error["entity"], error["stage"]) == ("payments", "push")
    assert "which is DRAFT in Xero" in error["message"]
    assert "approve it in Xero" in error["next_step"]
    assert "PUT Payments" not in sent(drafting)

    assert due_pushes(drafting) == []

    approve(drafting, "Invoices", "InvoiceID")
    drafting.books.sync()
    assert due_pushes(drafting) == [drafting.books.name]
    assert drafting.open_amounts() == {"D-1": Decimal("40.00")}
    assert drafting.books.push().pushed == {"payments": 1}
    assert "PUT Payments" in sent(drafting)
    assert [row["Status"] for row in drafting.there("Invoices")] == ["PAID"]
    assert drafting.is_settled()
    assert drafting.open_amounts() == {"D-1": Decimal(0)}
