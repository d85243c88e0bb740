"""The fixtures of `tests/books.py` for this folder, and a small company with somebody who works on its ledger."""

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
