"""Reading many rows of one kind: their shape is learned from some, and then reads the others in a fifth of the time.

Belongs here: learning a shape, and proving of each row read by it that nothing was lost. A row that does not fit, or of
which nothing can be proven, is read by itself with `wire_json`, which stays the only judge of what cannot be stored.

A number with a fraction is left as the text it was sent as (see `Shaped`): most of them are written into a table as
they stand, and all of a page can be judged by one search.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from operator import attrgetter
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from ledger.shapes import Shaped, are_plain_numbers, can_be_key
from resources import wire_json
from resources.collector import collector_paused
from resources.wire_pages import is_whole

# So few rows are sooner read one by one than by a shape; and nothing smaller is worth learning from.
LEARNED_FROM_ROWS = 40
LESSONS_MAX = 10

_encode_into = msgspec.json.Encoder(decimal_format="number").encode_into
_WHOLE_MAX = 10**wire_json.INTEGER_DIGITS_MAX - 1
_Whole = Annotated[int, Meta(ge=-_WHOLE_MAX, le=_WHOLE_MAX)]
# With as many before the point as there may be.
_FRACTION_DIGITS_MAX = wire_json.DIGITS_MAX - wire_json.INTEGER_DIGITS_MAX
# Nothing, and numbers that are surely within the limits of `wire_json`, one a line.
_NUMBER = rb"(?:null|-?(?:\d{1,8}(?:\.\d{1,16})?|\d{9,18}(?:\.\d{1,6})?))"
_are_numbers = re.compile(rb"(?:" + _NUMBER + rb"\n)*" + _NUMBER).fullmatch


class Row(msgspec.Struct, frozen=True, gc=False):
    """One row, and its text as sent where that is known. `is_suspect`: some value may be a marker of `wire_json`."""

    value: Any
    text: bytes | None = None
    is_suspect: bool = False


class RowReader:
    """Reads the rows of one kind; what it learns from them it forgets with them."""

    def __init__(self, learned_from_rows: int = LEARNED_FROM_ROWS) -> None:
        self._learned_from_rows = learned_from_rows
        self._seen = _Seen()
        self._rows_seen = 0
        self._lessons = 0
        self._has_learned = False
        self._decode: Any = None

    def read(self, texts: Sequence[Raw], whole: bytes) -> list[Row]:
        """Read rows that stand in `whole`. Raises MalformedJson."""
        with collector_paused():
            rows = self._read(list(map(bytes, texts)), has_odd_text=_has_odd_escape(whole))
            shaped = [row for row in rows if isinstance(row.value, Shaped)]
            if not _have_plain_numbers([row.value for row in shaped]):
                odd = {id(row) for row in shaped if not _have_plain_numbers([row.value])}
                rows = [self._read_with_care(row.text) if id(row) in odd else row for row in rows]
        return rows

    def _read(self, texts: Sequence[bytes], *, has_odd_text: bool) -> list[Row]:
        written = bytearray()
        rows: list[Row] = []
        for text in texts:
            if self._has_learned:
                self._learn()
            if self._decode is not None and not (has_odd_text and _has_odd_escape(text)):
                try:
                    value = self._decode(text)
                    _encode_into(value, written)
                except (ValueError, RecursionError):
                    pass
                else:
                    if is_whole(text, written):
                        rows.append(Row(value, text))
                        continue
            rows.append(self._read_with_care(text))
        return rows

    def _read_with_care(self, text: bytes) -> Row:
        document = wire_json.parse(text)
        if not document.is_suspect and self._lessons < LESSONS_MAX:
            self._seen.add(document.root)
            self._rows_seen += 1
            self._has_learned = self._rows_seen >= self._learned_from_rows * (self._lessons + 1)
            if self._has_learned:
                self._decode = None
        return Row(document.root, text, document.is_suspect)

    def _learn(self) -> None:
        self._has_learned = False
        self._lessons += 1
        try:
            self._decode = msgspec.json.Decoder(self._seen.kind()).decode
        except _Shapeless:
            self._lessons = LESSONS_MAX


def _has_odd_escape(text: bytes) -> bool:
    """Whether an escape may bring in what only `wire_json` can judge."""
    return b"\\" in text and (rb"\u00" in text or rb"\ud" in text or rb"\uD" in text)


def _have_plain_numbers(rows: Sequence[Shaped]) -> bool:
    """Whether what was left as a text in these rows is all numbers, and none that only `wire_json` can judge."""
    written: list[Raw] = []
    for shape in set(map(type, rows)):
        _add_numbers(written, shape, [row for row in rows if type(row) is shape])
    limits = {"whole_digits_max": wire_json.INTEGER_DIGITS_MAX, "fraction_digits_max": _FRACTION_DIGITS_MAX}
    return are_plain_numbers(written, **limits) is not None or _are_numbers(b"\n".join(written)) is not None


def _add_numbers(written: list[Raw], shape: type[Shaped], objects: Sequence[Shaped]) -> None:
    if shape.numbers:
        # What is absent counts for nothing. One path alone would give its value and not a tuple of it.
        found: Iterable[Any] = map(attrgetter(*shape.numbers), objects)
        written += filter(None, chain.from_iterable(found) if len(shape.numbers) > 1 else found)
    for path, items in shape.lists.items():
        lists = filter(None, map(attrgetter(path), objects))
        _add_numbers(written, items, [*chain.from_iterable(lists)])


class _Shapeless(Exception):
    """What was seen in one place is of kinds that no one field can have."""


@dataclass(slots=True)
class _Seen:
    """What stood in one place in all the rows seen."""

    kinds: set[type] = field(default_factory=set)
    keys: dict[str, _Seen] = field(default_factory=dict)
    items: _Seen | None = None

    def add(self, value: Any) -> None:
        self.kinds.add(type(value))
        if type(value) is dict:
            for key, inner in value.items():
                self.keys.setdefault(key, _Seen()).add(inner)
        elif type(value) is list:
            for item in value:
                self.items = self.items or _Seen()
                self.items.add(item)

    def kind(self) -> Any:
        """The type that reads exactly this. Raises _Shapeless."""
        kinds = self.kinds - {NoneType}
        if not kinds:
            return None
        if dict in kinds:
            found = self._object()
        elif list in kinds:
            found = self._list()
        elif Decimal in kinds:
            # It may be null as well.
            return _only(Raw, kinds - {int, Decimal})
        else:
            found, *others = (_Whole if kind is int else kind for kind in sorted(kinds, key=lambda kind: kind.__name__))
            for other in others:
                found = found | other
            kinds = {found}
        if len(kinds) > 1:
            raise _Shapeless
        if NoneType not in self.kinds:
            return found
        if _is_shape(found) and (found.numbers or found.lists):
            # What is in it could not be reached by a path.
            raise _Shapeless
        return found | None

    def _list(self) -> Any:
        if self.items is None:
            return Annotated[list[None], Meta(max_length=0)]
        kind = self.items.kind()
        if kind is Raw or self.items.kinds & {list}:
            # Numbers that no path leads to.
            raise _Shapeless
        return list[kind]

    def _object(self) -> type[Shaped]:
        fields: list[tuple[str, Any, Any]] = []
        inner: dict[str, type[Shaped]] = {}
        numbers: list[str] = []
        lists: dict[str, type[Shaped]] = {}
        for key, seen in self.keys.items():
            if not can_be_key(key) or keyword.iskeyword(key):
                raise _Shapeless
            kind = seen.kind()
            if _is_shape(kind):
                inner[key] = kind
                fields.append((key, kind, kind.absent))
                numbers += [f"{key}.{path}" for path in kind.numbers]
                lists |= {f"{key}.{path}": items for path, items in kind.lists.items()}
                continue
            fields.append((key, kind | UnsetType if kind is not None else None | UnsetType, UNSET))
            if kind is Raw:
                numbers.append(key)
            elif (items := _shape_of_items(kind)) is not None:
                lists[key] = items
        namespace = {"inner": inner, "numbers": tuple(numbers), "lists": lists}
        shape: Any = msgspec.defstruct("Row", fields, bases=(Shaped,), namespace=namespace, kw_only=True)
        shape.absent = shape()
        return shape


def _only(found: Any, others: set[type]) -> Any:
    if others:
        raise _Shapeless
    return found


def _is_shape(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Shaped)


def _shape_of_items(kind: Any) -> type[Shaped] | None:
    """Of a list of objects, or nothing in its place."""
    for one in (kind, *get_args(kind)):
        if get_origin(one) is list and _is_shape(get_args(one)[0]):
            return get_args(one)[0]
    return None
