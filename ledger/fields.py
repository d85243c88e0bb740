"""The vocabulary in which one entity's place on the wire is declared, field by field, for reading and for writing.

Belongs here: kinds of fields (`Text`, `Amount`, `Ref` ...) and of parts, and what each says of a value it cannot read.
Reading and writing whole records is `ledger/mapping.py`; any one ERP's mapping is `resources/erps/<erp>/<entity>.py`.

Paths are dotted keys into the ERP's JSON object, a number standing for a place in a list. A missing key reads as the
field's default; a key of the wrong kind raises MappingError, which names record, field, path, what was found and what
was expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter
from typing import Any

from msgspec import Raw

from ledger.money import FRACTION_DIGITS_MAX, INTEGER_DIGITS_MAX, InvalidAmountError, parse_amount
from ledger.shapes import Shaped, are_plain_numbers, number

Payload = Mapping[str, Any]
_FOUND_CHARACTERS_MAX = 120


class MappingError(ValueError):
    """One field of one record cannot be read; the record is held, the others go on."""

    def __init__(self, field_name: str, path: str, found: Any, expected: str) -> None:
        self.field = field_name
        self.path = path
        self.found = _short(found)
        self.expected = expected
        super().__init__(f"{field_name} ({path}): found {self.found}, expected {expected}")


class UnreadableError(ValueError):
    """Raised by a reader; the mapping adds the field's name."""

    def __init__(self, found: Any, expected: str) -> None:
        self.found = found
        self.expected = expected


def _short(value: Any) -> str:
    text = repr(value) if not isinstance(value, Decimal) else str(value)
    return text if len(text) <= _FOUND_CHARACTERS_MAX else f"{text[:_FOUND_CHARACTERS_MAX]}…"


def getter(path: str) -> Callable[[Payload], Any]:
    """A function that follows a dotted path and gives None where it ends early."""
    keys = path.split(".")
    if len(keys) == 1:
        (only,) = keys
        return lambda payload: payload.get(only)

    def follow(payload: Payload) -> Any:
        value: Any = payload
        for key in keys:
            # Nearly every value is a plain dict, and asking for Mapping costs more than all the rest of this loop.
            if type(value) is dict or isinstance(value, Mapping):
                value = value.get(key)
            elif value is None:
                return None
            elif isinstance(value, list) and key.isdigit():
                value = value[int(key)] if int(key) < len(value) else None
            else:
                raise UnreadableError(value, f"an object holding {key}")
        return value

    return follow


def put(body: dict[str, Any], path: str, value: Any) -> None:
    """Set a dotted path, making the objects (and one-element lists, for `.0.`) on the way."""
    keys = path.split(".")
    at: Any = body
    for key, following in pairwise(keys):
        if key == "0":
            at = at[0]
        else:
            at = at.setdefault(key, [{}] if following == "0" else {})
    at[keys[-1]] = value


def remove(body: dict[str, Any], path: str) -> None:
    """Take a dotted path out again, and with it the objects that are left empty."""
    key, _, rest = path.partition(".")
    if not rest:
        body.pop(key, None)
        return
    inner = body.get(key)
    if isinstance(inner, dict):
        remove(inner, rest)
        if not inner:
            del body[key]


@dataclass(frozen=True)
class Field:
    """One canonical field on the wire. `is_read_only` fields are the ERP's to compute and never written."""

    path: str
    is_read_only: bool = False

    def reader(self) -> Callable[[Payload], Any]:
        """A function from payload to value; None means absent, so that the record's default stands."""
        get, convert = getter(self.path), self.convert

        def read(payload: Payload) -> Any:
            value = get(payload)
            return None if value is None else convert(value)

        return read

    def convert(self, value: Any) -> Any:
        raise NotImplementedError

    def quick_converter(self) -> tuple[type | None, Callable[[Any], Any]]:
        """A type whose values are taken as they are unless empty, and for the others `convert`, whatever it raises."""
        return None, self.convert

    def convert_all(self, values: Sequence[Any], kinds: Set[type]) -> Sequence[Any]:
        """`convert` of each of these values, which are of these kinds and not None; raises what it raises."""
        plain, _ = self.quick_converter()
        if kinds == {plain} and all(values):
            return values
        if len(kinds) > 1:
            # Some values of different kinds are equal: 1 and True.
            return [*map(self.convert, values)]
        known = {value: self.convert(value) for value in set(values)}
        return [*map(known.__getitem__, values)]

    def write(self, body: dict[str, Any], value: Any) -> None:
        if not self.is_read_only and value is not None:
            put(body, self.path, self.unconvert(value))

    def clear(self, body: dict[str, Any]) -> None:
        """Take the field's value out of an object that has one."""
        if not self.is_read_only:
            remove(body, self.path)

    def unconvert(self, value: Any) -> Any:
        return value


@dataclass(frozen=True)
class Text(Field):
    """Text kept exactly; `length_max` is the ERP's limit, checked when writing only."""

    length_max: int | None = None

    def convert(self, value: Any) -> str:
        if type(value) is not str:
            raise UnreadableError(value, "text")
        return value

    def quick_converter(self) -> tuple[type | None, Callable[[Any], Any]]:
        return str, self.convert

    def unconvert(self, value: str) -> str:
        if self.length_max is not None and len(value) > self.length_max:
            raise MappingError(self.path, self.path, value, f"at most {self.length_max} characters")
        return value


@dataclass(frozen=True)
class Ref(Field):
    """A reference: the external id of another record. `pseudo` ids stand for no record and read as absent."""

    pseudo: frozenset[str] = frozenset()

    def convert(self, value: Any) -> str | None:
        if type(value) is not str or (not value and value not in self.pseudo):
            raise UnreadableError(value, "a record id as text")
        return None if value in self.pseudo else value

    def quick_converter(self) -> tuple[type | None, Callable[[Any], Any]]:
        return None if self.pseudo else str, self.convert


@dataclass(frozen=True)
class Amount(Field):
    """An exact number; `is_negated` turns the sign, both ways."""

    is_negated: bool = False

    def convert(self, value: Any) -> Decimal:
        try:
            amount = parse_amount(value)
        except InvalidAmountError as error:
            raise UnreadableError(value, str(error)) from None
        return -amount if self.is_negated else amount

    def quick_converter(self) -> tuple[type | None, Callable[[Any], Any]]:
        return None, self.convert if self.is_negated else parse_amount

    def convert_all(self, values: Sequence[Any], kinds: Set[type]) -> Sequence[Any]:
        """Amounts that are as they should be stay the texts they were sent as."""
        if Raw not in kinds:
            return super().convert_all(values, kinds)
        if not self.is_negated:
            limits = {"whole_digits_max": INTEGER_DIGITS_MAX, "fraction_digits_max": FRACTION_DIGITS_MAX}
            written = are_plain_numbers(values, **limits)
            if written is not None:
                return written.decode().split("\n")
        return [self.convert(number(value) if type(value) is Raw else value) for value in values]

    def unconvert(self, value: Decimal) -> Decimal:
        return -value if self.is_negated else value


@dataclass(frozen=True)
class Day(Field):
    """A calendar day as ISO 8601 text."""

    def convert(self, value: Any) -> date:
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise UnreadableError(value, "a day as YYYY-MM-DD") from None

    def quick_converter(self) -> tuple[type | None, Callable[[Any], Any]]:
        return None, date.fromisoformat

    def unconvert(self, value: date) -> str:
        return value.isoformat()


@dataclass(frozen=True)
class Flag(Field):
    """True or false."""

    def convert(self, value: Any) -> bool:
        if type(value) is not bool:
            raise UnreadableError(value, "true or false")
        return value

    def quick_converter(self) -> tuple[type | None, Callable[[Any], Any]]:
        return bool, self.convert


@dataclass(frozen=True)
class Choice(Field):
    """One of a closed set: wire word to canonical word. A word that is not listed holds the record."""

    words: Mapping[str, str] = field(default_factory=dict)

    def convert(self, value: Any) -> str:
        try:
            return self.words[value]
        except (KeyError, TypeError):
            raise UnreadableError(value, "one of " + ", ".join(self.words)) from None

    def unconvert(self, value: str) -> str:
        return next(wire for wire, canonical in self.words.items() if canonical == value)


@dataclass(frozen=True)
class Derived(Field):
    """A field that the wire does not carry but implies. It is computed from the whole object and never written.

    `derive_all` is the same of many objects of one shape at once (`ledger/shapes.py`), or None for `derive` to do it.
    """

    derive: Callable[[Payload], Any] = field(default=lambda payload: None)
    derive_all: Callable[[Sequence[Shaped]], Sequence[Any] | None] = field(default=lambda objects: None)
    is_read_only: bool = True

    def reader(self) -> Callable[[Payload], Any]:
        return self.derive

    def write(self, body: dict[str, Any], value: Any) -> None:
        return

    def clear(self, body: dict[str, Any]) -> None:
        return


@dataclass(frozen=True)
class Variant:
    """One kind of part: the canonical values it implies and where its fields stand."""

    implies: Mapping[str, Any]
    fields: Mapping[str, Field]


@dataclass(frozen=True)
class Parts:
    """A list on the wire whose elements come in variants, told apart by the value at `variant_path`.

    A variant mapped to None is computed by the ERP (a subtotal) and left out. `nested_path` names a list inside an
    element whose own elements follow it as parts. Where no value says which variant it is, `tell` does, and of many
    elements of one shape at once `tell_all`, or None for `tell` to do it.
    """

    path: str
    variant_path: str | None
    variants: Mapping[str, Variant | None]
    nested_path: str | None = None
    tell: Callable[[Payload], str] | None = None
    tell_all: Callable[[Sequence[Shaped]], Sequence[str] | None] = field(default=lambda elements: None)

    def variant_of(self, element: Payload) -> Variant | None:
        if self.variant_path is None:
            return self.variants[self.tell(element) if self.tell is not None else ""]
        name = element.get(self.variant_path)
        if not isinstance(name, str) or name not in self.variants:
            raise MappingError(self.variant_path, self.variant_path, name, "one of " + ", ".join(self.variants))
        return self.variants[name]

    def words_of(self, elements: Sequence[Shaped]) -> Sequence[Any]:
        """The variant of each of many elements of one shape."""
        if self.variant_path is not None:
            return [*map(attrgetter(self.variant_path), elements)]
        if self.tell is None:
            return [""] * len(elements)
        found = self.tell_all(elements)
        return [*map(self.tell, elements)] if found is None else found

    def variant_for(self, part: Any) -> tuple[str, Variant]:
        """The variant in which a part is written, with its word on the wire. Raises MappingError if there is none."""
        for wire_name, variant in self.variants.items():
            if variant is not None and all(getattr(part, name) == value for name, value in variant.implies.items()):
                return wire_name, variant
        raise MappingError(self.path, self.path, part, "a part of a kind this ERP has")
