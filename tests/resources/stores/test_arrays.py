"""A column sent as an array arrives as it was, whatever signs are in it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from resources.stores import arrays

ODD_TEXTS = [
    *("", "NULL", "null", " ", "a,b", "{}", "}", "{{", '"', '""', "\\", "\\\\", '\\"', "\\n", "a\tb", "a\nb", "a\rb"),
    *("'", "$1", "%s", "é", "𝄞", "\N{NO-BREAK SPACE}", "\x01", "(1,2)", ";", "--", "a" * 9000),
]


def test_texts_of_any_kind_arrive_as_they_are_alone_and_together(transaction):
    with transaction() as tx:
        for column in [
            [],
            ODD_TEXTS,
            ODD_TEXTS[::-1],
            *([one] for one in ODD_TEXTS),
            *(["a", one] for one in ODD_TEXTS),
        ]:
            assert tx.execute("select %s::text[]", (arrays.texts(column),)).fetchone() == (column,)
            with_gaps = [None, *column, None]
            assert tx.execute("select %s::text[]", (arrays.texts_or_null(with_gaps),)).fetchone() == (with_gaps,)


def test_what_shows_itself_arrives_to_the_digit(transaction):
    amounts = [Decimal("10.50"), Decimal("1E+2"), Decimal("-0.00"), Decimal(3)]
    columns = {
        "numeric": (amounts, [Decimal("10.50"), Decimal(100), Decimal("0.00"), Decimal(3)]),
        "bigint": ([1, None, -(2**62)], [1, None, -(2**62)]),
        "date": ([date(2026, 1, 31), None], [date(2026, 1, 31), None]),
        "timestamptz": ([datetime(2026, 1, 31, 9, 30, 0, 5, tzinfo=UTC)],) * 2,
    }
    with transaction() as tx:
        for sql_type, (column, expected) in columns.items():
            for sent in (column, [one if one is None else str(one) for one in column]):
                found = tx.execute(f"select %s::{sql_type}[]", (arrays.plain_or_null(sent),)).fetchone()
                assert list(map(str, found[0])) == list(map(str, expected))
        assert tx.execute("select %s::boolean[]", (arrays.flags([True, None, False]),)).fetchone()[0] == [
            True,
            None,
            False,
        ]


def test_bytes_arrive_as_they_are(transaction):
    digests, instants = [b"\x00\xff", None, b""], [datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), None]
    documents = ['{"a": "é"}'.encode(), b"[]"]
    with transaction() as tx:
        found = tx.execute(
            "select %s, %s, %s::text[]",
            (arrays.Digests(digests), arrays.Instants(instants), arrays.Documents(documents)),
        ).fetchone()
    assert found == (digests, instants, ['{"a": "é"}', "[]"])
