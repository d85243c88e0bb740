"""What a push costs: statements for each record, which decide how many records a second go through one Postgres."""

from __future__ import annotations

from collections import Counter
from typing import Any

import psycopg
import pytest

from tests.books import Books
from tests.ledger_writer import LedgerWriter
from tests.resources.stages.test_push import customer_id, item_id

RECORDS = 30


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Every statement that is sent from now on, by its beginning; each row of an `executemany` is one."""
    counted: Counter[str] = Counter()

    def text_of(query: Any) -> str:
        text = (
            query if isinstance(query, str) else query.decode() if isinstance(query, bytes) else query.as_string(None)
        )
        return " ".join(text.split())[:90]

    execute, executemany = psycopg.Cursor.execute, psycopg.Cursor.executemany

    def count_one(self, query, *arguments, **more):
        counted[text_of(query)] += 1
        return execute(self, query, *arguments, **more)

    def count_many(self, query, rows, **more):
        rows = list(rows)
        counted[text_of(query)] += len(rows)
        return executemany(self, query, rows, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", count_one)
    monkeypatch.setattr(psycopg.Cursor, "executemany", count_many)
    return counted


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
