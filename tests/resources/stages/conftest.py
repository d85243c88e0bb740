"""The fixtures of `tests/books.py` for this folder, and a small company with somebody who works on its ledger."""

from collections import Counter
from typing import Any

import psycopg
import pytest

from tests.books import Books, books, no_waiting, simulator, synced_demo  # noqa: F401
from tests.ledger_writer import LedgerWriter
from tests.small_company import a_company, an_invoice


@pytest.fixture
def company(books: Books) -> Books:  # noqa: F811
    """One customer, one item, one invoice, synced."""
    company = a_company(1)
    company["Invoice"] = [an_invoice(500)]
    books.load(company)
    books.sync()
    return books


@pytest.fixture
def writer(company: Books) -> LedgerWriter:
    return LedgerWriter(company)


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
