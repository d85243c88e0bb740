"""Reading many rows of one kind: their shape is learned from some, and then reads the others in a third of the time.

Belongs here: learning a shape, and proving of each row read by it that nothing was lost. A row that does not fit, or of
which nothing can be proven, is read by itself with `wire_json`, which stays the only judge of what cannot be stored.
"""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import NoneType
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.shapes import Shaped, can_be_key
from resources import wire_json
from resources.collector import collector_paused

# So few rows are sooner read one by one than by a shape; and nothing smaller is worth learning from.
LEARNED_FROM_ROWS = 40
LESSONS_MAX = 10

_encode = msgspec.json.Encoder(decimal_format="number").encode
# A run of digits and points can be searched for as one string, and an exponent as another.
_NUMBERS_AS_ZERO = bytes.maketrans(b"123456789.", b"0000000000")
_LONG_RUN = b"0" * (wire_json.INTEGER_DIGITS_MAX + 1)


@dataclass(frozen=True, slots=True)
class Row:
    """One row, and its text as sent. `is_suspect`: some value in it may be a marker of `wire_json`."""

    value: Any
    text: bytes
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

    def read(self, texts: Sequence[msgspec.Raw], whole: bytes) -> list[Row]:
        """Read rows that stand in `whole`. Raises MalformedJson."""
        is_plain = _is_plain(whole)
        with collector_paused():
            return [self._read_row(bytes(text), is_plain) for text in texts]

    def _read_row(self, text: bytes, is_plain: bool) -> Row:
        if self._decode is None and self._has_learned:
            self._learn()
        if self._decode is not None and (is_plain or _is_plain(text)):
            try:
                value = self._decode(text)
                # Nothing gets longer by being written again, and a key that came twice would be missing now.
                if len(_encode(value)) == len(text):
                    return Row(value, text)
            except (ValueError, RecursionError):
                pass
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


def _is_plain(text: bytes) -> bool:
    """Whether there is nothing in it that only `wire_json` can judge: odd escapes, long numbers, exponents."""
    if rb"\u00" in text or rb"\ud" in text or rb"\uD" in text:
        return False
    zeros = text.translate(_NUMBERS_AS_ZERO)
    if b"0e" in zeros or b"0E" in zeros:
        return False
    return zeros.count(_LONG_RUN) == zeros.count(b'"' + _LONG_RUN)


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
            found = list[self.items.kind()] if self.items else Annotated[list[None], Meta(max_length=0)]
        elif Decimal in kinds:
            found = Decimal
            kinds = kinds - {int}
        else:
            found, *others = sorted(kinds, key=lambda kind: kind.__name__)
            for other in others:
                found = found | other
            kinds = {found}
        if len(kinds) > 1:
            raise _Shapeless
        return found | None if NoneType in self.kinds else found

    def _object(self) -> type[Shaped]:
        fields: list[tuple[str, Any, Any]] = []
        inner: dict[str, type[Shaped]] = {}
        for key, seen in self.keys.items():
            if not can_be_key(key) or keyword.iskeyword(key):
                raise _Shapeless
            kind = seen.kind()
            if isinstance(kind, type) and issubclass(kind, Shaped):
                inner[key] = kind
                fields.append((key, kind, kind.absent))
            else:
                fields.append((key, kind | UnsetType if kind is not None else None | UnsetType, UNSET))
        shape: Any = msgspec.defstruct("Row", fields, bases=(Shaped,), namespace={"inner": inner}, kw_only=True)
        shape.absent = shape()
        return shape
