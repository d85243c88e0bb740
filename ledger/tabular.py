"""An entity as a table of text: which column of a file is which field, and what a cell must look like.

Pure. Belongs here: headers and cells. Opening files is `resources/tables_in_files.py`, what the rows mean together
(references, documents of several lines, totals) `resources/stores/imports.py`.

Columns carry the canonical field names. A reference is `customer_id` (the ledger id) or `customer` (the name, or a
document's number); a line's field is `line.amount`, an application's `application.amount`. Repeated rows with the same
`import_key`, or without one with the same natural key, are one document.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from ledger.money import InvalidAmountError, parse_amount
from ledger.spec import EntitySpec, FieldSpec, PartSpec, RefersToAny, entities

IMPORT_KEY = "import_key"
_PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}
_FOUND_CHARACTERS_MAX = 80
_LEDGER_ID_MAX = 2**63 - 1


class CellError(ValueError):
    """A cell that cannot be read; `str()` says what was expected."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file. `row` counts as a spreadsheet does: the header is row 1."""

    row: int
    column: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"row {self.row}, {self.column or 'the whole row'}: found {self.found}, expected {self.expected}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file. `part` is None for the record's own; `is_by_name`: a reference by what people call it."""

    header: str
    field: FieldSpec | None  # None for import_key
    part: str | None = None
    is_by_name: bool = False

    @property
    def kind(self) -> type:
        if self.field is None or self.is_by_name:
            return str
        return int if self.field.reference is not None else self.field.kind


def prefix_of(part: PartSpec) -> str:
    """`line.` for lines, `application.` for applications."""
    return f"{part.name.removesuffix('s')}."


def _holders(spec: EntitySpec) -> list[tuple[str | None, str, tuple[FieldSpec, ...]]]:
    """(part, prefix of its headers, fields): the record itself and each of its parts."""
    return [(None, "", spec.fields), *((part.name, prefix_of(part), part.fields) for part in spec.parts)]


def columns_of(spec: EntitySpec) -> dict[str, Column]:
    """Every column a file of this entity may have, by its header."""
    found = {IMPORT_KEY: Column(IMPORT_KEY, None)} if spec.parts else {}
    for part, prefix, fields in _holders(spec):
        for f in fields:
            if f.reference is not None:
                found[f"{prefix}{f.column}"] = Column(f"{prefix}{f.column}", f, part)
            found[f"{prefix}{f.name}"] = Column(f"{prefix}{f.name}", f, part, is_by_name=f.reference is not None)
    return found


def read_header(spec: EntitySpec, header: Sequence[str]) -> tuple[list[Column], list[Problem]]:
    """The columns of a file in its order, and everything wrong with its header."""
    known = columns_of(spec)
    names = [name.strip() for name in header]
    columns: list[Column] = []
    problems: list[Problem] = []
    for place, name in enumerate(names, start=1):
        if name not in known:
            near = difflib.get_close_matches(name.lower().replace(" ", "_"), known, n=1, cutoff=0.6)
            expected = near[0] if near else f"one of {', '.join(known)}"
            problems.append(Problem(1, name or f"column {place}", f"the header {name!r}", expected))
        elif name in names[: place - 1]:
            problems.append(Problem(1, name, "this header twice", "each once"))
        else:
            columns.append(known[name])
    given = {(c.part, c.field.name) for c in columns if c.field is not None}
    for column in columns:
        if column.is_by_name and f"{column.header}_id" in names:
            problems.append(Problem(1, column.header, f"{column.header} and {column.header}_id", "one of them"))
    if not problems:
        problems += [
            Problem(1, prefix + name, "no such column", "it to be there")
            for part, prefix, fields in [
                (None, "", spec.fields),
                *((p.name, prefix_of(p), p.fields) for p in spec.parts),
            ]
            if part is None or any(c.part == part for c in columns)
            for name in _indispensable(part, fields)
            if (part, name) not in given
        ]
    return columns, problems


def _indispensable(part: str | None, fields: Sequence[FieldSpec]) -> list[str]:
    """Fields whose value follows from nothing else."""
    following = {"total_amount", "status"} if part is None else {"position", "document_key", "kind"}
    return [
        f.name for f in fields if is_required(f) and f.name not in following and f.sum_of is None and f.rest_of is None
    ]


def is_required(field: FieldSpec) -> bool:
    """Whether a row must have a value: neither optional nor with a default."""
    return field.default is msgspec.NODEFAULT and not field.is_optional


def reader_of(column: Column) -> Callable[[Any], Any]:
    """A function from a cell to its value: None for an empty one. Raises CellError.

    Cells are text, or what a Parquet column holds (exact decimals, whole numbers, days, booleans, never floats).
    """
    convert = _CONVERTERS[column.kind]
    if column.field is not None and column.field.choices:
        convert = _choice(column.field.choices)
    elif column.field is not None and column.field.name == "document_entity":
        convert = _choice(tuple(spec.name for spec in entities() if spec.is_document))
    elif column.field is not None and column.field.name == "currency" and column.part is None:
        convert = _currency
    elif column.kind is int and column.field is not None and column.field.reference is not None:
        convert = _ledger_id

    def read(cell: Any) -> Any:
        return None if cell is None or cell == "" else convert(cell)

    return read


def shown(cell: Any) -> str:
    """A cell as an error shows it."""
    text = repr(cell) if isinstance(cell, str) else str(cell)
    return text if len(text) <= _FOUND_CHARACTERS_MAX else f"{text[:_FOUND_CHARACTERS_MAX]}…"


def _text(cell: Any) -> str:
    text = cell if isinstance(cell, str) else str(cell)
    if "\x00" in text:
        raise CellError("text without a NUL character")
    return text


def _amount(cell: Any) -> Decimal:
    if isinstance(cell, str):
        cell = cell.strip()
        if not _PLAIN_NUMBER.fullmatch(cell):
            raise CellError("a plain number such as 1234.50, without separators, signs of currencies or exponents")
    try:
        return parse_amount(cell)
    except InvalidAmountError as error:
        raise CellError(str(error)) from None


def _whole(cell: Any) -> int:
    if isinstance(cell, str):
        cell = cell.strip()
        if not _WHOLE_NUMBER.fullmatch(cell):
            raise CellError("a whole number")
        return int(cell)
    if isinstance(cell, Decimal) and cell == cell.to_integral_value():
        return int(cell)
    if isinstance(cell, bool) or not isinstance(cell, int):
        raise CellError("a whole number")
    return cell


def _ledger_id(cell: Any) -> int:
    number = _whole(cell)
    if not 0 < number <= _LEDGER_ID_MAX:
        raise CellError("a ledger id")
    return number


def _day(cell: Any) -> date:
    if type(cell) is date:
        return cell
    if isinstance(cell, str) and _ISO_DAY.fullmatch(cell.strip()):
        try:
            return date.fromisoformat(cell.strip())
        except ValueError:
            raise CellError("a day that exists") from None
    raise CellError("a day as YYYY-MM-DD (other orders of day and month can be taken for each other)")


def _boolean(cell: Any) -> bool:
    value = cell if isinstance(cell, bool) else _BOOLEANS.get(str(cell).strip().lower())
    if value is None:
        raise CellError("true or false")
    return value


def _currency(cell: Any) -> str:
    text = str(cell).strip()
    if not re.fullmatch("[A-Z]{3}", text):
        raise CellError("a currency's three capital letters, such as USD")
    return text


def _choice(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def read(cell: Any) -> str:
        if (text := str(cell).strip()) not in choices:
            raise CellError(f"one of {', '.join(choices)}")
        return text

    return read


_CONVERTERS: dict[type, Callable[[Any], Any]] = {
    str: _text,
    int: _whole,
    bool: _boolean,
    Decimal: _amount,
    date: _day,
}


def names_a_document(column: Column) -> bool:
    """Whether it refers to a document by number, of an entity that the column beside it names."""
    return column.is_by_name and column.field is not None and isinstance(column.field.reference, RefersToAny)
