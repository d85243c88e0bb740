"""What a first meeting costs: statements for each batch of an entity, never for each record."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.books import Books
from tests.ledger_writer import LedgerWriter
from tests.resources.stages.test_meeting import connect, meet, strangers  # noqa: F401
from tests.small_company import a_customer, a_line, an_invoice, an_item

# Of all entities together, whatever there is: most of them are the questions that each of the entities asks once.
STATEMENTS_MAX = 180


def two_books(books: Books, count: int) -> None:
    """So many customers, each with an invoice, on both sides: a third as on the other side, a third with something that
    only one side says, a third with something to decide.
    """
    customers = [a_customer(n, f"Customer {n}", Notes=("", "x", "theirs")[n % 3]) for n in range(1, count + 1)]
    invoices = [
        an_invoice(
            10_000 + n, n, "100.00", DocNumber=f"A-{n}", Line=[a_line("100.00")], PrivateNote=("", "y", "theirs")[n % 3]
        )
        for n in range(1, count + 1)
    ]
    books.load({"Customer": customers, "Item": [an_item(90)], "Invoice": invoices})
    writer = LedgerWriter(books)
    item = writer.insert("items", name="item 90", kind="service")
    for n in range(1, count + 1):
        ours = "ours" if n % 3 == 2 else ""
        customer = writer.customer(f"Customer {n}", email=f"c{n}@books.example", phone=ours, note=ours)
        total = "80.00" if n % 10 == 0 else "100.00"
        writer.invoice(customer, total, item, document_number=f"A-{n}", po_number="ours", private_note=ours)


@pytest.mark.parametrize("is_applied", [False, True], ids=["reported", "applied"])
@pytest.mark.parametrize("start_at_now", [False, True], ids=["both pasts meet", "start at now"])
@pytest.mark.parametrize("count", [50, 500])
def test_ten_times_the_records_cost_no_more_statements(
    strangers: Books,  # noqa: F811
    statements: Counter[str],
    count: int,
    start_at_now: bool,
    is_applied: bool,
):
    two_books(strangers, count)
    connect(strangers)
    # The company is in the mirror before it is counted: what a pull costs is tried elsewhere.
    meet(strangers)
    statements.clear()

    found = meet(strangers, start_at_now=start_at_now, is_applied=is_applied)

    assert sum(len(e.found.bound) for e in found.entities) == count + 1 + count * 9 // 10
    assert sum(len(e.found.ambiguous) for e in found.entities) == count // 10
    if not start_at_now:
        assert sum(e.differing for e in found.entities) > count // 4
    assert statements.total() <= STATEMENTS_MAX, statements.most_common(20)
