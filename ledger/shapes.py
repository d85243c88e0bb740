"""JSON objects of a known shape: read like dicts, and by those who know the shape a good deal faster.

Belongs here: what such an object is. Which shape a row has is learned in `resources/wire_shapes.py`; the reader is in
`ledger/mapping.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from types import NoneType
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Raw

_LEAVES = frozenset({str, int, Decimal, bool, list, NoneType})
# Every digit becomes 0, so that a run of digits can be searched for as one string.
_DIGITS_AS_ZERO = bytes.maketrans(b"123456789", b"000000000")
_METHODS = frozenset({"get", "keys", "values", "items", "inner", "absent", "numbers", "lists"})


class Shaped(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """An object whose keys are fields. A key that is missing has UNSET, or `absent` of its class if it is an object.

    So a dotted path can be followed to its end by one `attrgetter`, whatever is missing on the way. `inner`: the class
    of each key that holds an object. An attribute that is a number with a fraction is left as it was written (`Raw`):
    `get` and all that looks like a dict give the number. `numbers`: the dotted paths of those in this object, `lists`:
    those of lists of objects, which have numbers of their own.
    """

    inner: ClassVar[Mapping[str, type[Shaped]]] = {}
    absent: ClassVar[Any] = None
    numbers: ClassVar[tuple[str, ...]] = ()
    lists: ClassVar[Mapping[str, type[Shaped]]] = {}

    def get(self, key: str, default: Any = None) -> Any:
        value = getattr(self, key, UNSET)
        kind = type(value)
        if kind in _LEAVES:
            return value
        if kind is Raw:
            return number(value)
        # What is left is nothing, an object, or one of these methods.
        return value if isinstance(value, Shaped) and value is not type(value).absent else default

    def __getitem__(self, key: str) -> Any:
        value = self.get(key, UNSET)
        if value is UNSET:
            raise KeyError(key)
        return value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key, UNSET) is not UNSET

    def __iter__(self) -> Iterator[str]:
        return (key for key in self.__struct_fields__ if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def keys(self) -> list[str]:
        return list(self)

    def values(self) -> list[Any]:
        return [self[key] for key in self]

    def items(self) -> list[tuple[str, Any]]:
        return [(key, self[key]) for key in self]


Mapping.register(Shaped)


def column(objects: Sequence[Shaped], key: str) -> Sequence[Any]:
    """What objects of one shape have under a key, numbers with a fraction as they were written; UNSET is nothing."""
    if key not in type(objects[0]).__struct_fields__:
        return [UNSET] * len(objects)
    return [*map(attrgetter(key), objects)]


def with_values(value: Mapping[str, Any], **changes: Any) -> Mapping[str, Any]:
    """A copy of an object with other values under some keys that it has; one of a known shape stays one."""
    if not isinstance(value, Shaped):
        return {**value, **changes}
    written = {key: Raw(format(one, "f").encode()) for key, one in changes.items() if type(one) is Decimal}
    return msgspec.structs.replace(value, **changes | written)


def number(written: Raw) -> int | Decimal | None:
    """The number that is written so, None for null."""
    text = str(written, "ascii")
    if text == "null":
        return None
    return Decimal(text) if "." in text else int(text)


def are_plain_numbers(
    written: Sequence[Raw], *, whole_digits_max: int, fraction_digits_max: int, separator: bytes = b"\n"
) -> bytes | None:
    """These values of JSON in one text, if each is a number written without an exponent and within these digits.

    That they are JSON has been seen by whoever read them: what is left to see is of what signs they are.
    """
    text = separator.join(written)
    digits = text.translate(_DIGITS_AS_ZERO, b"-")
    is_plain = (
        not digits.translate(None, b"0." + separator)
        and b"0" * (whole_digits_max + 1) not in digits
        and b"." + b"0" * (fraction_digits_max + 1) not in digits
    )
    return text if is_plain else None


def plain(value: Any) -> Any:
    """The same in dicts and lists."""
    if isinstance(value, Shaped):
        inner = type(value).inner
        return {
            key: plain(one)
            for key, one in msgspec.structs.asdict(value).items()
            if one is not UNSET and not (key in inner and one is inner[key].absent)
        }
    if type(value) is list:
        return [plain(item) for item in value]
    return number(value) if type(value) is Raw else value


def can_be_key(key: str) -> bool:
    """Whether a field may have this name."""
    return key.isidentifier() and not key.startswith("_") and key not in _METHODS
