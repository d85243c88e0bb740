"""How one entity is written on the wire, read in both directions: `from_wire` and `to_wire`, both pure.

A mapping is data, declared in the words of `ledger/fields.py` in `resources/erps/<erp>/<entity>.py`; nothing in it is
evaluated from configuration. A record without a flaw is read quickly, one of a known shape quicker still; any other is
read again with care, which knows at each step what to say about a value that cannot be read. A test holds them equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar

import msgspec

from ledger.columns import ShapeReader, TakenApart, joined, take_apart
from ledger.fields import (
    Derived,
    Field,
    MappingError,
    Parts,
    Payload,
    UnreadableError,
    Variant,
    getter,
    put,
)
from ledger.shapes import Shaped
from ledger.spec import EntitySpec, Part, PartSpec, Record, SpecError, spec_of

R = TypeVar("R", bound=Record)

# Shapes are learned with every pull and forgotten; what was made of them goes with them once there are so many.
_SHAPES_REMEMBERED_MAX = 64


class _QuickReader:
    """Reads the fields of one object that is as it should be: each inner object fetched once, nothing explained.

    Whatever is amiss raises ValueError, TypeError, LookupError or AttributeError; `_read` then says what it is.
    """

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._own: list[tuple[str, str, type | None, Callable[[Any], Any]]] = []
        self._only: list[tuple[str, str, str, type | None, Callable[[Any], Any]]] = []
        self._inner: list[tuple[str, _QuickReader]] = []
        self._other: list[tuple[str, Callable[[Payload], Any]]] = []
        inner: dict[str, dict[str, Field]] = {}
        for name, wire_field in fields.items():
            first, _, rest = wire_field.path.partition(".")
            if isinstance(wire_field, Derived) or any(key.isdigit() for key in wire_field.path.split(".")):
                self._other.append((name, wire_field.reader()))
            elif rest:
                inner.setdefault(first, {})[name] = replace(wire_field, path=rest)
            else:
                self._own.append((first, name, *wire_field.quick_converter()))
        for key, below in inner.items():
            (name, wire_field), *more = below.items()
            if more or "." in wire_field.path:
                self._inner.append((key, _QuickReader(below)))
            else:
                self._only.append((key, wire_field.path, name, *wire_field.quick_converter()))

    def read_into(self, values: dict[str, Any], payload: Payload) -> None:
        for key, name, plain, convert in self._own:
            value = payload.get(key)
            if (type(value) is plain and value) or (value is not None and (value := convert(value)) is not None):
                values[name] = value
        for key, inner_key, name, plain, convert in self._only:
            inner = payload.get(key)
            if inner is None:
                continue
            value = inner.get(inner_key)
            if (type(value) is plain and value) or (value is not None and (value := convert(value)) is not None):
                values[name] = value
        for key, reader in self._inner:
            inner = payload.get(key)
            if inner is not None:
                reader.read_into(values, inner)
        for name, read in self._other:
            if (value := read(payload)) is not None:
                values[name] = value


class _QuickParts:
    """Reads a list of parts that is as it should be; errors as with `_QuickReader`."""

    def __init__(self, record: type[Part], mapping: Parts) -> None:
        self._record = record
        self._mapping = mapping
        self._nested_key = mapping.nested_path.partition(".")[0] if mapping.nested_path else None
        self._variants = {
            name: variant and (_QuickReader(variant.fields).read_into, dict(variant.implies))
            for name, variant in mapping.variants.items()
        }

    def read(self, payload: Payload) -> tuple[Part, ...]:
        elements = payload.get(self._mapping.path)
        if elements is None:
            return ()
        if type(elements) is not list:
            raise TypeError
        nested_key, variant_path, tell = self._nested_key, self._mapping.variant_path, self._mapping.tell
        if nested_key is not None and any(nested_key in element for element in elements):
            elements = _with_nested(elements, self._mapping.nested_path)
        parts: list[Part] = []
        for element in elements:
            word = element[variant_path] if variant_path is not None else tell(element) if tell is not None else ""
            variant = self._variants[word]
            if variant is None:
                continue
            read_into, implies = variant
            values: dict[str, Any] = {}
            read_into(values, element)
            values.update(implies)
            parts.append(self._record(position=len(parts) + 1, **values))
        return tuple(parts)


class WireMapping:
    """One entity of one ERP: `from_wire` and `to_wire`, both pure."""

    def __init__(
        self,
        entity: str,
        wire_name: str,
        fields: Mapping[str, Field],
        parts: Mapping[str, Parts] | None = None,
    ) -> None:
        self.spec: EntitySpec = spec_of(entity)
        self.wire_name = wire_name
        self.fields = dict(fields)
        self.parts = dict(parts or {})
        self._check()
        self._readers = [(name, f.path, f.reader()) for name, f in self.fields.items()]
        self._part_readers = {
            name: (
                next(p.record for p in self.spec.parts if p.name == name),
                {
                    id(variant): [(n, f.path, f.reader()) for n, f in variant.fields.items()]
                    for variant in parts_mapping.variants.values()
                    if variant is not None
                },
                parts_mapping,
            )
            for name, parts_mapping in self.parts.items()
        }
        self._shape_readers: dict[type[Shaped], ShapeReader] = {}
        self.unsaid = tuple(f.name for f in self.spec.fields if f.name not in self.fields)
        """Fields that this ERP has no word for: what the ledger says in them stays there."""
        self.unsaid_of_parts = {part.name: self._unsaid_of(part) for part in self.spec.parts}
        self._defaults = {f.name: f.default for f in self.spec.fields if f.name in self.unsaid}
        self._quick_reader = _QuickReader(self.fields)
        self._quick_parts = [
            (name, _QuickParts(record, mapping)) for name, (record, _, mapping) in self._part_readers.items()
        ]

    def _check(self) -> None:
        unknown = set(self.fields) - {f.name for f in self.spec.fields}
        unknown |= set(self.parts) - {p.name for p in self.spec.parts}
        missing = {f.name for f in self.spec.fields if f.default is msgspec.NODEFAULT} - set(self.fields)
        if unknown or missing:
            raise SpecError(
                f"mapping of {self.spec.name} to {self.wire_name}: unknown fields {sorted(unknown)}, "
                f"missing fields {sorted(missing)}"
            )

    def _unsaid_of(self, part: PartSpec) -> tuple[str, ...]:
        mapping = self.parts.get(part.name)
        if mapping is None:
            return ()
        known = {"position"}
        for variant in mapping.variants.values():
            known |= set(variant.fields) | set(variant.implies) if variant is not None else set()
        return tuple(f.name for f in part.fields if f.name not in known and f.default is not msgspec.NODEFAULT)

    def said(self, record: R) -> R:
        """The record as this ERP could say it: what it has no word for is as if nobody had said anything."""
        changes: dict[str, Any] = dict(self._defaults)
        for name, unsaid in self.unsaid_of_parts.items():
            if unsaid:
                defaults = {f.name: f.default for p in self.spec.parts if p.name == name for f in p.fields}
                blank = {one: defaults[one] for one in unsaid}
                changes[name] = tuple(msgspec.structs.replace(part, **blank) for part in getattr(record, name))
        return msgspec.structs.replace(record, **changes) if changes else record

    def with_unsaid_of(self, ours: R, record: R, origins: Mapping[str, Sequence[int | None]]) -> R:
        """The record with what this ERP has no word for as our row says it; `origins` as in `Merged`, for its parts."""
        changes: dict[str, Any] = {name: getattr(ours, name) for name in self.unsaid}
        for name, unsaid in self.unsaid_of_parts.items():
            if unsaid:
                before = getattr(ours, name)
                changes[name] = tuple(
                    part
                    if place is None
                    else msgspec.structs.replace(part, **{one: getattr(before[place], one) for one in unsaid})
                    for part, place in zip(getattr(record, name), origins[name], strict=True)
                )
        return msgspec.structs.replace(record, **changes) if changes else record

    def prepared(self, payload: Payload) -> Payload:
        """What the fields are read from. An ERP that spreads a record over its answer gathers it here."""
        return payload

    def from_wire(self, payload: Payload) -> Record:
        """Read one object as the ERP sent it. Raises MappingError for the first field that cannot be read."""
        payload = self.prepared(payload)
        try:
            return self._read_quickly(payload)
        except (ValueError, TypeError, LookupError, AttributeError):
            return self._read_with_care(payload)

    def columns_of(self, payloads: Sequence[Payload]) -> tuple[list[int], TakenApart] | None:
        """Read many objects at once: what `from_wire` reads from each, as columns, and for each row of them the place
        of its object. None unless all are as they should be.
        """
        places: dict[type, list[int]] = {}
        try:
            payloads = [*map(self.prepared, payloads)]
            for place, payload in enumerate(payloads):
                places.setdefault(type(payload), []).append(place)
            apart = [self._read_kind(kind, [payloads[place] for place in at]) for kind, at in places.items()]
        except (ValueError, TypeError, LookupError, AttributeError):
            return None
        return [*chain.from_iterable(places.values())], joined(self.spec, apart)

    def _read_kind(self, kind: type, payloads: Sequence[Payload]) -> TakenApart:
        if not issubclass(kind, Shaped):
            return take_apart(self.spec, [*map(self._read_quickly, payloads)])
        reader = self._shape_readers.get(kind)
        if reader is None:
            if len(self._shape_readers) >= _SHAPES_REMEMBERED_MAX:
                self._shape_readers.clear()
            reader = self._shape_readers[kind] = ShapeReader(self.spec, self.fields, self.parts, kind)
        return reader.read(payloads)

    def _read_quickly(self, payload: Payload) -> Record:
        values: dict[str, Any] = {}
        self._quick_reader.read_into(values, payload)
        for name, parts in self._quick_parts:
            values[name] = parts.read(payload)
        return self.spec.record(**values)

    def _read_with_care(self, payload: Payload) -> Record:
        """The same, slower, knowing at each step what to say about a value that cannot be read."""
        values = _read(self._readers, payload)
        for name, (record, readers, mapping) in self._part_readers.items():
            values[name] = tuple(_read_parts(name, record, readers, mapping, payload))
        return _construct(self.spec.record, values, self.fields)

    def to_wire(self, record: Record) -> dict[str, Any]:
        """Write one record as the body of a create; computed fields are left to the ERP."""
        body: dict[str, Any] = {}
        for name, wire_field in self.fields.items():
            wire_field.write(body, getattr(record, name))
        for name, mapping in self.parts.items():
            put(body, mapping.path, [write_part(mapping, part) for part in getattr(record, name)])
        return body


def _read(readers: list[tuple[str, str, Callable[[Payload], Any]]], payload: Payload) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, path, read in readers:
        try:
            value = read(payload)
        except UnreadableError as error:
            raise MappingError(name, path, error.found, error.expected) from None
        if value is not None:
            values[name] = value
    return values


def _read_parts(
    name: str, record: type[Part], readers: Mapping[int, Any], mapping: Parts, payload: Payload
) -> list[Part]:
    elements = payload.get(mapping.path)
    if elements is None:
        return []
    if not isinstance(elements, list):
        raise MappingError(name, mapping.path, elements, "a list")
    parts: list[Part] = []
    for element in _with_nested(elements, mapping.nested_path):
        position = len(parts) + 1
        if type(element) is not dict and not isinstance(element, Mapping):
            raise MappingError(f"{name}[{position}]", _place(mapping, elements, element), element, "an object")
        try:
            variant = mapping.variant_of(element)
            if variant is None:
                continue
            values = _read(readers[id(variant)], element)
            values.update(variant.implies)
            values["position"] = position
            parts.append(_construct(record, values, variant.fields))
        except MappingError as error:
            place = _place(mapping, elements, element)
            raise MappingError(
                f"{name}[{position}].{error.field}", f"{place}.{error.path}", error.found, error.expected
            ) from None
    return parts


def _with_nested(elements: list[Any], nested_path: str | None) -> list[Any]:
    if nested_path is None:
        return elements
    follow = getter(nested_path)
    flat: list[Any] = []
    for element in elements:
        flat.append(element)
        if not isinstance(element, Mapping):
            continue
        try:
            nested = follow(element)
        except UnreadableError:
            # What stands in its place is reported with the element's own fields.
            continue
        if nested is not None and not isinstance(nested, list):
            raise MappingError(nested_path, nested_path, nested, "a list")
        flat.extend(nested or ())
    return flat


def _place(mapping: Parts, elements: list[Any], element: Any) -> str:
    """Where an element stands on the wire, counted from 0: `Line[2]`, nested `Line[2].GroupLineDetail.Line[0]`."""
    for number, outer in enumerate(elements):
        for nested_number, one in enumerate(_with_nested([outer], mapping.nested_path)):
            if one is element:
                place = f"{mapping.path}[{number}]"
                return place if nested_number == 0 else f"{place}.{mapping.nested_path}[{nested_number - 1}]"
    return mapping.path


def _construct(record: type[Any], values: dict[str, Any], fields: Mapping[str, Field]) -> Any:
    try:
        return record(**values)
    except TypeError:
        required = [n for n in record.__struct_fields__ if n not in values and n in fields and _is_required(record, n)]
        name = required[0] if required else "?"
        path = fields[name].path if name in fields else "?"
        raise MappingError(name, path, None, "a value: the field is required") from None


def write_part(mapping: Parts, part: Part) -> dict[str, Any]:
    """One part as an element of its own. Raises MappingError for a part of a kind the ERP does not have."""
    wire_name, variant = mapping.variant_for(part)
    body: dict[str, Any] = {mapping.variant_path: wire_name} if mapping.variant_path else {}
    for name, wire_field in variant.fields.items():
        wire_field.write(body, getattr(part, name))
    return body


def read_part(variant: Variant, record: type[Part], element: Payload, position: int) -> Part:
    """Read one element that is known to be of this variant. Raises MappingError."""
    values = _read([(name, f.path, f.reader()) for name, f in variant.fields.items()], element)
    return _construct(record, {**values, **variant.implies, "position": position}, variant.fields)


def overlay(
    fields: Mapping[str, Field], body: dict[str, Any], wanted: Record | Part, was: Record | Part
) -> tuple[str, ...]:
    """Write into `body`, an object as the ERP holds it, what `wanted` says otherwise than `was`.

    Fields whose value is gone (None, or an empty text) are taken out of `body`; their names are returned, for some
    ERPs keep what an update does not mention.
    """
    cleared: list[str] = []
    for name, wire_field in fields.items():
        value = getattr(wanted, name)
        if value == getattr(was, name):
            continue
        if value is None or value == "":
            wire_field.clear(body)
            cleared.append(name)
        else:
            wire_field.write(body, value)
    return tuple(cleared)


def _is_required(record: type[Any], name: str) -> bool:
    return any(f.name == name and f.required for f in msgspec.structs.fields(record))
