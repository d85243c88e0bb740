"""Many records of one entity as columns: what a page of them is while it is on its way into a table.

Belongs here: records taken apart, and objects of a known shape (`ledger/shapes.py`) read into columns without a record
being made of each: whatever is not plainly as it should be raises ValueError, TypeError, LookupError or AttributeError,
and is then read one by one by `ledger/mapping.py`, which says what is amiss. A test holds both equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress, repeat
from operator import attrgetter, is_not, itemgetter
from types import NoneType
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ledger.fields import Derived, Field, Parts
from ledger.shapes import Shaped
from ledger.spec import EntitySpec, FieldSpec, PartSpec, Record

_NOTHING = frozenset({UnsetType, NoneType})
# By field, its values in the order of the records. An amount may stand as its text, to the digit.
Columns = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class PartColumns:
    """All parts of one kind; `owners` has for each the place of its record."""

    owners: Sequence[int]
    columns: Columns


@dataclass(frozen=True, slots=True)
class TakenApart:
    """Records as columns, and by name those of their parts."""

    columns: Columns
    parts: Mapping[str, PartColumns]


def take_apart(spec: EntitySpec, records: Sequence[Record]) -> TakenApart:
    """Records that were read one by one."""
    parts: dict[str, PartColumns] = {}
    for part in spec.parts:
        each = [getattr(record, part.name) for record in records]
        owners = [place for place, of_one in enumerate(each) for _ in of_one]
        parts[part.name] = PartColumns(owners, _columns_of(part.fields, [*chain.from_iterable(each)]))
    return TakenApart(_columns_of(spec.fields, records), parts)


def joined(spec: EntitySpec, several: Sequence[TakenApart]) -> TakenApart:
    """The records of the first and those of the others after it."""
    if len(several) == 1:
        return several[0]
    parts: dict[str, PartColumns] = {}
    for part in spec.parts:
        owners: list[int] = []
        before = 0
        for one in several:
            owners += [before + owner for owner in one.parts[part.name].owners]
            before += len(one.columns[spec.fields[0].name])
        parts[part.name] = PartColumns(owners, _chained(part.fields, [one.parts[part.name].columns for one in several]))
    return TakenApart(_chained(spec.fields, [one.columns for one in several]), parts)


def _chained(fields: Sequence[FieldSpec], several: Sequence[Columns]) -> Columns:
    return {f.name: [*chain.from_iterable(columns[f.name] for columns in several)] for f in fields}


def _columns_of(fields: Sequence[FieldSpec], objects: Sequence[Any]) -> Columns:
    names = [f.name for f in fields]
    if not objects:
        return dict.fromkeys(names, ())
    return dict(zip(names, zip(*map(attrgetter(*names, names[0]), objects), strict=True), strict=False))


class ShapeReader:
    """Reads objects of one shape into the columns of an entity."""

    def __init__(
        self, spec: EntitySpec, fields: Mapping[str, Field], parts: Mapping[str, Parts], shape: type[Shaped]
    ) -> None:
        self._fields = _FieldsReader(spec.fields, fields, {}, shape)
        self._parts = [
            _PartsReader(part, parts[part.name], shape) if part.name in parts else _NoParts(part) for part in spec.parts
        ]

    def read(self, objects: Sequence[Shaped]) -> TakenApart:
        """All of these objects, at least one, or an error of those above."""
        return TakenApart(self._fields.read(objects), {one.name: one.read(objects) for one in self._parts})


class _FieldsReader:
    """Reads the fields that stand in objects of one shape, all of an object by one `attrgetter`."""

    def __init__(
        self,
        specs: Sequence[FieldSpec],
        fields: Mapping[str, Field],
        implied: Mapping[str, Any],
        shape: type[Shaped],
    ) -> None:
        self._sent: list[tuple[str, Field, Any]] = []
        self._derived: list[tuple[str, Callable[[Sequence[Shaped]], Sequence[Any]], Any]] = []
        self._constant: dict[str, Any] = {}
        paths: list[str] = []
        for one in specs:
            wire = fields.get(one.name)
            if one.name in implied:
                self._constant[one.name] = implied[one.name]
            elif wire is not None and (isinstance(wire, Derived) or any(map(str.isdigit, wire.path.split(".")))):
                self._derived.append((one.name, _derivation(wire), one.default))
            elif wire is not None and _has_path(shape, wire.path):
                paths.append(wire.path)
                self._sent.append((one.name, wire, one.default))
            else:
                self._constant[one.name] = one.default
        # One path alone would give its value and not a tuple of it.
        self._values_of = attrgetter(*paths, *paths[:1]) if paths else None

    def read(self, objects: Sequence[Shaped]) -> dict[str, Sequence[Any]]:
        columns: dict[str, Sequence[Any]] = {}
        if self._values_of is not None:
            found = zip(*map(self._values_of, objects), strict=True)
            for (name, wire, default), values in zip(self._sent, found, strict=False):
                columns[name] = _converted(wire, values, default)
        for name, derive, default in self._derived:
            columns[name] = _filled(derive(objects), default)
        for name, value in self._constant.items():
            if value is not msgspec.NODEFAULT:
                columns[name] = [value] * len(objects)
            elif name != "position":
                raise ValueError(f"no {name}")
        return columns


def _derivation(wire: Field) -> Callable[[Sequence[Shaped]], Sequence[Any]]:
    """All at once where the field knows how, else one by one."""
    read = wire.reader()
    derive_all = wire.derive_all if isinstance(wire, Derived) else lambda objects: None

    def derive(objects: Sequence[Shaped]) -> Sequence[Any]:
        found = derive_all(objects)
        return [*map(read, objects)] if found is None else found

    return derive


def _converted(wire: Field, values: Sequence[Any], default: Any) -> Sequence[Any]:
    kinds = {*map(type, values)}
    if not kinds.isdisjoint(_NOTHING):
        found = [value for value in values if value is not UNSET and value is not None]
        present = iter(wire.convert_all(found, kinds - _NOTHING))
        return _filled([None if value is UNSET or value is None else next(present) for value in values], default)
    converted = wire.convert_all(values, kinds)
    return values if converted is values else _filled(converted, default)


def _filled(values: Sequence[Any], default: Any) -> Sequence[Any]:
    """With the default where there is none. Raises ValueError if there is no default."""
    if default is None or NoneType not in set(map(type, values)):
        return values
    if default is msgspec.NODEFAULT:
        raise ValueError("no value")
    return [default if value is None else value for value in values]


def _has_path(shape: type[Shaped], path: str) -> bool:
    """Whether objects of this shape may have a value there, or something that is in its way."""
    for key in path.split("."):
        if key not in shape.__struct_fields__:
            return False
        if key not in shape.inner:
            return True
        shape = shape.inner[key]
    return True


class _NoParts:
    """Parts that the ERP does not have."""

    def __init__(self, part: PartSpec) -> None:
        self.name = part.name
        self._columns: Columns = dict.fromkeys((f.name for f in part.fields), ())

    def read(self, objects: Sequence[Shaped]) -> PartColumns:
        return PartColumns((), self._columns)


class _PartsReader:
    """Reads the parts of objects of one shape, each variant by itself, and puts them back into their order."""

    def __init__(self, part: PartSpec, mapping: Parts, shape: type[Shaped]) -> None:
        self.name = part.name
        self._names = [f.name for f in part.fields]
        self._lists_of = attrgetter(mapping.path) if mapping.path in shape.__struct_fields__ else None
        items = shape.lists.get(mapping.path)
        # A list that was always empty has nothing in it that could be read.
        self._nested: tuple[Callable[[Any], Any], Any] | None = None
        self._words_of = mapping.words_of
        self._readers = {
            word: variant and _FieldsReader(part.fields, variant.fields, variant.implies, items)
            for word, variant in mapping.variants.items()
            if items is not None
        }
        if items is None:
            return
        nested_key = mapping.nested_path.partition(".")[0] if mapping.nested_path else None
        if nested_key in items.__struct_fields__:
            absent = items.inner[nested_key].absent if nested_key in items.inner else UNSET
            self._nested = attrgetter(nested_key), absent

    def read(self, objects: Sequence[Shaped]) -> PartColumns:
        lists = [*map(self._lists_of, objects)] if self._lists_of is not None else []
        lists = [() if elements is UNSET or elements is None else elements for elements in lists]
        elements = [*chain.from_iterable(lists)]
        if not elements:
            return PartColumns((), dict.fromkeys(self._names, ()))
        if self._nested is not None:
            get, absent = self._nested
            if any(map(is_not, map(get, elements), repeat(absent))):
                raise TypeError("parts in parts")
        owners = [*chain.from_iterable(map(repeat, range(len(lists)), map(len, lists)))]
        words = self._words_of(elements)
        kept = {word for word in dict.fromkeys(words) if self._readers[word] is not None}
        if len(kept) == 1:
            (word,) = kept
            is_kept = [*map(word.__eq__, words)]
            columns = self._readers[word].read([*compress(elements, is_kept)])
            owners = [*compress(owners, is_kept)]
        else:
            columns, places = self._mixed(elements, words, kept)
            owners = [owners[place] for place in places]
        counts = Counter(owners).values()
        return PartColumns(owners, {**columns, "position": [*chain.from_iterable(range(1, n + 1) for n in counts)]})

    def _mixed(
        self, elements: Sequence[Shaped], words: Sequence[Any], kept: set[Any]
    ) -> tuple[dict[str, Sequence[Any]], list[int]]:
        """Parts of several variants, in their order, and the place of the element that each was."""
        columns: dict[str, list[Any]] = {name: [] for name in self._names if name != "position"}
        places: list[int] = []
        for word in kept:
            at = [place for place, one in enumerate(words) if one == word]
            read = self._readers[word].read([elements[place] for place in at])
            places += at
            for name, values in columns.items():
                values.extend(read[name])
        order = sorted(range(len(places)), key=places.__getitem__)
        if len(order) > 1:
            columns = {name: list(itemgetter(*order)(values)) for name, values in columns.items()}
        return columns, sorted(places)
