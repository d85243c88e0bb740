"""JSON as the ERPs send it, read strictly: exact numbers, nothing ambiguous, and a bad record never spoils its page.

Belongs here: bytes to Python values, and finding what in them cannot be stored. Fetching is `resources/http.py`; what a
value means is for the mappings. Two kinds of trouble are kept apart: a text that is not JSON (or too deep) raises
`MalformedJson` as a whole, for it was damaged on the way; a value that is JSON but cannot be stored becomes a marker in
its place, so that its record alone is rejected.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from resources.collector import collector_paused

DEPTH_MAX = 64
INTEGER_DIGITS_MAX = 18
DIGITS_MAX = 24
EXPONENT_MAX = 15
RAW_CHARACTERS_MAX = 4000

_TOO_DEEP = b"\n" + b" " * (DEPTH_MAX + 1)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_encode = msgspec.json.Encoder(decimal_format="number").encode
# Every digit becomes 0, so that a run of digits can be searched for as one string.
_DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_RUN = b"0" * (INTEGER_DIGITS_MAX + 1)


class MalformedJson(ValueError):
    """The text is not JSON, or nested deeper than 64: cut short on the way, or not an answer of the ERP at all."""


class AbsurdNumber:
    """Stands where a number was that no book holds: over 18 digits before the point, 24 in all, or |exponent| > 15."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"AbsurdNumber({_shortened(self.text)})"


class AmbiguousObject(dict[str, Any]):
    """Stands where an object had the same key twice; `repeated` is that key, its values cannot be trusted."""

    repeated: str


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed answer. Unless `is_suspect`, it holds nothing that `find_unstorable` could find."""

    root: Any
    is_suspect: bool
    size_bytes: int
    text: bytes = b""


@dataclass(frozen=True, slots=True)
class Unstorable:
    """The first thing in a record that cannot be stored: its path (`Line[3].Amount`), what it is, what was expected."""

    path: str
    found: str
    expected: str


def parse(text: bytes) -> Document:
    """Parse one answer: whole numbers as int, all others as Decimal with their scale kept, never float.

    Raises MalformedJson for anything that is not strict UTF-8 JSON (so for NaN and Infinity) or nested deeper than 64.
    """
    with collector_paused():
        return _parse_flawless(text) or _parse_with_care(text)


def _parse_flawless(text: bytes) -> Document | None:
    """Parse with msgspec, in two thirds of the time; None where it cannot be proven that nothing is wrong.

    msgspec is as strict about JSON and UTF-8, but takes the last of two equal keys and whole numbers of any size.
    """
    # Escapes that can bring in NUL, half of a surrogate pair, or a quote that is written otherwise than it was read.
    if rb"\u00" in text or rb"\ud" in text or rb"\uD" in text:
        return None
    reader = _Reader()
    try:
        root = msgspec.json.Decoder(float_hook=reader.read_fraction).decode(text)
        is_proven = not (reader.is_suspect or _may_have_long_integer(text) or _lost_a_key(text, root))
    except (ValueError, RecursionError):
        return None
    return Document(root, False, len(text), text) if is_proven and not _is_too_deep(text, root) else None


def _may_have_long_integer(text: bytes) -> bool:
    """Whether a run of over 18 digits stands anywhere but at the start of a string, where ids have them."""
    zeros = text.translate(_DIGITS_AS_ZERO)
    return zeros.count(_LONG_RUN) != zeros.count(b'"' + _LONG_RUN)


def _lost_a_key(text: bytes, root: Any) -> bool:
    """Whether an object had a key twice: then the quotes around one are missing when the values are written again.

    Writing keeps every other quote as it stands, around strings and escaped inside them, as long as none came as an
    escape by number.
    """
    return text.count(b'"') != _encode(root).count(b'"')


def _parse_with_care(text: bytes) -> Document:
    """Parse with hooks that see every pair and every number, and mark what cannot be stored."""
    reader = _Reader()
    try:
        root = json.loads(
            text.decode("utf-8"),
            object_pairs_hook=reader.read_object,
            parse_float=reader.read_fraction,
            parse_int=reader.read_integer,
            parse_constant=_refuse_constant,
        )
        if _is_too_deep(text, root):
            raise MalformedJson(f"nested deeper than {DEPTH_MAX}")
    except MalformedJson:
        raise
    except (ValueError, RecursionError) as e:
        raise MalformedJson(f"{str(e)[:200]} in {len(text)} bytes") from e
    # Only an escape can bring in NUL or half of a surrogate pair: raw ones are not JSON or not UTF-8.
    has_odd_text = rb"\u0000" in text or rb"\ud" in text or rb"\uD" in text
    return Document(root=root, is_suspect=reader.is_suspect or has_odd_text, size_bytes=len(text), text=text)


def find_unstorable(record: Any) -> Unstorable | None:
    """The first value in `record` that cannot be stored as it is, or None. Linear: call it on suspects only."""
    waiting: list[tuple[str, Any]] = [("", record)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, AbsurdNumber):
            return Unstorable(
                path,
                _shortened(value.text),
                f"at most {INTEGER_DIGITS_MAX} digits before the point, {DIGITS_MAX} in all",
            )
        if isinstance(value, AmbiguousObject):
            return Unstorable(_joined(path, value.repeated), "the same key twice in one object", "every key once")
        if isinstance(value, str):
            if problem := _unstorable_text(path, value):
                return problem
        elif isinstance(value, dict):
            for key in value:
                if problem := _unstorable_text(path, key):
                    return problem
            waiting.extend((_joined(path, key), item) for key, item in reversed(value.items()))
        elif isinstance(value, list):
            waiting.extend((f"{path}[{index}]", item) for index, item in reversed(list(enumerate(value))))
    return None


def as_raw_text(record: Any) -> str:
    """The record as JSON text for a person to look at: at most 4,000 characters, and storable whatever it holds."""
    text = json.dumps(record, default=_spelled_out, ensure_ascii=False, separators=(",", ":"))
    text = _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
    return text if len(text) <= RAW_CHARACTERS_MAX else text[:RAW_CHARACTERS_MAX] + f"... ({len(text)} characters)"


class _Reader:
    """The hooks of one parse; remembers whether any marker was placed."""

    def __init__(self) -> None:
        self.is_suspect = False

    def read_object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        self.is_suspect = True
        ambiguous = AmbiguousObject(members)
        seen: set[str] = set()
        ambiguous.repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return ambiguous

    def read_fraction(self, text: str) -> Decimal | AbsurdNumber:
        # Sixteen characters without an exponent are within every limit, and that is nearly every number there is.
        if len(text) <= 16 and "e" not in text and "E" not in text:
            return Decimal(text)
        mantissa, _, exponent = text.lower().partition("e")
        if len(exponent) > 4 or abs(int(exponent or 0)) > EXPONENT_MAX or len(mantissa) > DIGITS_MAX + 2:
            return self._absurd(text)
        value = Decimal(text)
        digits = len(value.as_tuple().digits)
        if value.adjusted() >= INTEGER_DIGITS_MAX or digits > DIGITS_MAX:
            return self._absurd(text)
        return value

    def read_integer(self, text: str) -> int | AbsurdNumber:
        if len(text) <= INTEGER_DIGITS_MAX or len(text.lstrip("-")) <= INTEGER_DIGITS_MAX:
            return int(text)
        return self._absurd(text)

    def _absurd(self, text: str) -> AbsurdNumber:
        self.is_suspect = True
        return AbsurdNumber(text)


def _is_too_deep(text: bytes, root: Any) -> bool:
    try:
        # Indented by one space a level, the depth can be read off without walking the values: ten times as fast.
        return _TOO_DEEP in msgspec.json.format(text, indent=1)
    except (msgspec.MsgspecError, RecursionError):
        # The formatter refuses half of a surrogate pair, which is only one record's trouble.
        level = [root]
        for _ in range(DEPTH_MAX + 1):
            level = [
                item
                for value in level
                if isinstance(value, dict | list)
                for item in (value.values() if isinstance(value, dict) else value)
            ]
        return bool(level)


def _refuse_constant(name: str) -> None:
    raise MalformedJson(f"{name} is not a JSON number")


def _unstorable_text(path: str, text: str) -> Unstorable | None:
    if "\x00" in text:
        return Unstorable(path, "a NUL character", "text without NUL")
    if _LONE_SURROGATE.search(text):
        return Unstorable(path, "half of a surrogate pair", "whole Unicode characters")
    return None


def _spelled_out(value: Any) -> Any:
    """Numbers as their digits: this text is for people, and an exact number beats a rounded one."""
    if isinstance(value, AbsurdNumber):
        return _shortened(value.text)
    return str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
