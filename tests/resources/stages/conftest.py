"""The fixtures of `tests/books.py` for this folder."""

from tests.books import books, no_waiting, simulator, synced_demo  # noqa: F401
