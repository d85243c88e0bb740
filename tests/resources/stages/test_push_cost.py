"""What a push costs: statements for each record, which decide how many records a second go through one Postgres."""

from __future__ import annotations

from collections import Counter

from tests.books import Books
from tests.ledger_writer import LedgerWriter
from tests.resources.stages.test_push import customer_id, item_id

RECORDS = 30


def test_thirty_new_invoices_cost_few_statements_each(company: Books, writer: LedgerWriter, statements: Counter[str]):
    for number in range(RECORDS):
        writer.invoice(customer_id(company), "10.00", item_id(company), document_number=f"N-{number}")
    statements.clear()

    assert company.push().pushed == {"invoices": RECORDS}

    # Row, lines taken and lines put are three; the rest is asked and written once for all of them.
    assert statements.total() <= 12 * RECORDS, statements.most_common(20)


def test_thirty_changed_invoices_cost_few_statements_each(
    company: Books, writer: LedgerWriter, statements: Counter[str]
):
    rows = [
        writer.invoice(customer_id(company), "10.00", item_id(company), document_number=f"N-{number}")
        for number in range(RECORDS)
    ]
    company.push()
    for row in rows:
        writer.update("invoices", row, memo="thank you")
    statements.clear()

    assert company.push().pushed == {"invoices": RECORDS}

    assert statements.total() <= 8 * RECORDS, statements.most_common(20)
