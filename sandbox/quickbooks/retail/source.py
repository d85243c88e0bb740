"""The file of invoice lines: opened, checked, read a batch at a time and grouped into documents.

Belongs here: what makes a file unreadable, and the three readings of a value that need no decision (text, amount,
time). What is decided about content is in survey.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.quickbooks.shapes import cents

Row = dict[str, Any]

# Each column with what it must be; the text columns may be dictionary-encoded.
KINDS = {
    "text": lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind),
    "whole number": pa.types.is_integer,
    "number": lambda kind: pa.types.is_decimal(kind) or pa.types.is_floating(kind) or pa.types.is_integer(kind),
    "timestamp": pa.types.is_timestamp,
}
COLUMNS = {
    "invoice_no": "text",
    "line_seq": "whole number",
    "stock_code": "text",
    "description": "text",
    "quantity": "whole number",
    "invoice_ts": "timestamp",
    "unit_price": "number",
    "customer_id": "text",
    "country": "text",
}
ROWS_PER_BATCH = 20_000
# At most 10,000 lines an object (Intuit, REST API features).
LINES_MAX = 10_000
DOCUMENT_NUMBER_MAX = 21


class RetailError(Exception):
    """The file cannot be turned into a company; the text says where, what was found and expected, and what to do."""


class RetailFile:
    """A parquet file with COLUMNS, of which the first `limit_documents` documents count, or all."""

    def __init__(self, path: Path, limit_documents: int | None = None) -> None:
        self.path = path
        self.limit_documents = limit_documents
        self._open_file()

    def _open_file(self) -> None:
        try:
            self._file = pq.ParquetFile(self.path)
        except (OSError, pa.ArrowInvalid) as problem:
            raise RetailError(
                f"reading {self.path}: found {problem}, expected a parquet file of invoice lines: check the path"
            ) from problem
        schema = self._file.schema_arrow
        missing = [name for name in COLUMNS if name not in schema.names]
        if missing:
            raise RetailError(
                f"reading {self.path}: found columns {', '.join(schema.names)}, expected also "
                f"{', '.join(missing)}: see docs/online-retail.md for the columns"
            )
        for name, kind in COLUMNS.items():
            if not KINDS[kind](schema.field(name).type):
                raise RetailError(
                    f"reading {self.path}: column {name}: found {schema.field(name).type}, expected a {kind}: "
                    "see docs/online-retail.md for the columns"
                )

    def _rows(self) -> Iterator[Row]:
        for batch in self._file.iter_batches(batch_size=ROWS_PER_BATCH, columns=list(COLUMNS)):
            for row in batch.to_pylist():
                for name in ("invoice_no", "stock_code", "quantity", "invoice_ts", "unit_price", "country"):
                    if row[name] is None:
                        raise RetailError(
                            f"reading {self.path}: invoice {row['invoice_no']} line {row['line_seq']}: "
                            f"found no {name}, expected a value: repair or drop the line"
                        )
                if not isinstance(row["unit_price"], Decimal):
                    row["unit_price"] = Decimal(str(row["unit_price"]))
                yield row

    def documents(self) -> Iterator[tuple[str, list[Row]]]:
        """Number and lines of each document, in the order of the file; the lines of one must stand together."""
        seen: set[str] = set()
        for index, (number, rows) in enumerate(groupby(self._rows(), key=lambda row: row["invoice_no"].strip())):
            if index == self.limit_documents:
                return
            lines = list(rows)
            self._check(number, lines, seen)
            yield number, lines

    def _check(self, number: str, rows: list[Row], seen: set[str]) -> None:
        found = expected = None
        if number in seen:
            found, expected = "its lines in two places", "them together: sort the file by invoice_no and line_seq"
        elif len(rows) > LINES_MAX:
            found, expected = f"{len(rows)} lines", f"at most {LINES_MAX}, QuickBooks' limit: split the invoice"
        elif not 0 < len(number) <= DOCUMENT_NUMBER_MAX:
            found, expected = f"a number of {len(number)} characters", f"1 to {DOCUMENT_NUMBER_MAX}: shorten it"
        if found:
            raise RetailError(f"reading {self.path}: invoice {number}: found {found}, expected {expected}")
        seen.add(number)


def tidy(text: str | None) -> str | None:
    """Without stray spaces; None where nothing is left."""
    return " ".join(text.split()) or None if text else None


def line_amount(row: Row) -> Decimal:
    """Quantity x price in whole pennies, rounded half up; the document total is the sum of these."""
    return cents(row["quantity"] * row["unit_price"])


def as_utc(at: datetime) -> datetime:
    """The file's clock has no zone and is read as UTC, which is London's in winter; TxnDate keeps the file's day."""
    return at.replace(tzinfo=UTC)
