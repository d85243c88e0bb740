"""Rows of a file that a person wants to import: CSV as text, Parquet as what it holds; a chunk at a time, never floats.

Belongs here: encodings, delimiters, quoting, row numbers. What a cell means is `ledger/tabular.py`.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from resources.errors import ErrorKind, TieoutError

DELIMITERS = ",;\t|"
_SNIFFED_BYTES = 65_536
# A cell of a description may be long; one that is longer has swallowed the rest of the file behind a lost quote.
_CELL_CHARACTERS_MAX = 1_000_000
_BATCH_ROWS = 10_000

Row = tuple[int, Sequence[Any]]


@contextmanager
def open_table(path: Path) -> Iterator[tuple[list[str], Iterator[Row]]]:
    """The header of a file and its rows, each with its number as a spreadsheet shows it (the header is row 1).

    Blank rows are left out. Raises TieoutError for what is no table: not there, empty, in another encoding, with a
    quote that nothing closes, floats in Parquet.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if start == b"PAR1":
                yield _parquet(path, file)
            else:
                yield _csv(path, file, start)
    except OSError as error:
        raise _refused(path, f"{error.strerror}", "a readable CSV or Parquet file") from error


def _csv(path: Path, file: io.BufferedReader, start: bytes) -> tuple[list[str], Iterator[Row]]:
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise _refused(path, "UTF-16", "UTF-8", "save it as CSV in UTF-8")
    try:
        beginning = codecs.getincrementaldecoder("utf-8-sig")().decode(file.read(_SNIFFED_BYTES))
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from error
    if not beginning.strip():
        raise _refused(path, "an empty file", "a header and rows")
    file.seek(0)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    csv.field_size_limit(_CELL_CHARACTERS_MAX)
    # Strict, or a quote inside a cell would end it and take what follows for text.
    records = csv.reader(text, delimiter=_delimiter(beginning), strict=True)
    rows = _records(path, records)
    _, header = next(rows)
    return list(header), rows


def _records(path: Path, records: Any) -> Iterator[Row]:
    number = 0
    try:
        for number, cells in enumerate(records, start=1):
            if any(cells):
                yield number, cells
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from error
    except csv.Error as error:
        raise _refused(
            path, f"{error} after row {number}", "CSV: quotes around a cell are closed, and doubled inside it"
        ) from error


def _delimiter(beginning: str) -> str:
    """The delimiter that stands most often in the header, outside of quotes."""
    counts = dict.fromkeys(DELIMITERS, 0)
    is_quoted = False
    for character in beginning.lstrip():
        if character == '"':
            is_quoted = not is_quoted
        elif is_quoted:
            continue
        elif character in "\r\n":
            break
        elif character in counts:
            counts[character] += 1
    return max(counts, key=lambda d: counts[d])


def _parquet(path: Path, file: io.BufferedReader) -> tuple[list[str], Iterator[Row]]:
    # Takes a quarter of a second, which no other command of `tieout` is to wait for.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise _refused(path, f"{error}".splitlines()[0], "a whole Parquet file") from error
    schema = table.schema_arrow
    lossy = [f.name for f in schema if pa.types.is_floating(f.type)]
    if lossy:
        raise _refused(
            path,
            f"columns of floats: {', '.join(lossy)}",
            "decimals, whole numbers or text: a float has lost the cent already",
            "write them as decimal128 or as text",
        )

    def rows() -> Iterator[Row]:
        number = 1
        for batch in table.iter_batches(batch_size=_BATCH_ROWS):
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                if any(cell is not None and cell != "" for cell in cells):
                    yield number, cells

    return schema.names, rows()


def _not_utf8(path: Path, error: UnicodeDecodeError) -> TieoutError:
    return _refused(
        path, f"the byte 0x{error.object[error.start]:02x}, which is no UTF-8", "UTF-8", "save it as CSV in UTF-8"
    )


def _refused(path: Path, found: str, expected: str, next_step: str = "correct the file") -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION, doing=f"importing {path}", found=found, expected=expected, next_step=next_step
    )
