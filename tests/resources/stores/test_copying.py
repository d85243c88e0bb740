"""COPY text: what is written column by column comes back as the same values."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from resources.stores.copying import write_rows


class Sink:
    """Keeps what is written to it."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        (r"\N", r"\\N"),
        ("a\tb\nc\rd\\e", r"a\tb\nc\rd\\e"),
        (None, r"\N"),
        (Decimal("1.50"), "1.50"),
        (7, "7"),
        (True, "True"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (b"\x00\xff", r"\\x00ff"),
    ],
)
def test_each_value_is_written_as_postgres_reads_it(value, text):
    alone, beside_null = Sink(), Sink()

    write_rows(alone, [("x", value), ("y", value)])
    write_rows(beside_null, [(value,), (None,)])

    assert alone.text == f"x\t{text}\ny\t{text}\n"
    assert beside_null.text == f"{text}\n\\N\n"


def test_no_rows_write_nothing():
    sink = Sink()

    write_rows(sink, [])

    assert sink.text == ""
