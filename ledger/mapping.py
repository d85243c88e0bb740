"""How one entity is written on the wire, read in both directions: `from_wire` and `to_wire`, both pure.

A mapping is data, declared in the words of `ledger/fields.py` in `resources/erps/<erp>/<entity>.py`; nothing in it is
evaluated from configuration. A record without a flaw is read quickly; any other is read again with care, which knows at
each step what to say about a value that cannot be read. A test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from ledger.fields import (
    Derived,
    Field,
    MappingError,
    Parts,
    Payload,
    UnreadableError,
    getter,
    put,
)
from ledger.spec import EntitySpec, Part, Record, spec_of


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
        nested_key, variant_path = self._nested_key, self._mapping.variant_path
        if nested_key is not None and any(nested_key in element for element in elements):
            elements = _with_nested(elements, self._mapping.nested_path)
        parts: list[Part] = []
        for element in elements:
            variant = self._variants["" if variant_path is None else element[variant_path]]
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
        self._quick_reader = _QuickReader(self.fields)
        self._quick_parts = [
            (name, _QuickParts(record, mapping)) for name, (record, _, mapping) in self._part_readers.items()
        ]

    def _check(self) -> None:
        unknown = set(self.fields) - {f.name for f in self.spec.fields}
        unknown |= set(self.parts) - {p.name for p in self.spec.parts}
        missing = {f.name for f in self.spec.fields if f.default is msgspec.NODEFAULT} - set(self.fields)
        if unknown or missing:
            raise ValueError(
                f"mapping of {self.spec.name} to {self.wire_name}: unknown fields {sorted(unknown)}, "
                f"missing fields {sorted(missing)}"
            )

    def from_wire(self, payload: Payload) -> Record:
        """Read one object as the ERP sent it. Raises MappingError for the first field that cannot be read."""
        try:
            return self._read_quickly(payload)
        except (ValueError, TypeError, LookupError, AttributeError):
            return self._read_with_care(payload)

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
            put(body, mapping.path, [_write_part(mapping, part) for part in getattr(record, name)])
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


def _write_part(mapping: Parts, part: Part) -> dict[str, Any]:
    for wire_name, variant in mapping.variants.items():
        if variant is not None and all(getattr(part, n) == v for n, v in variant.implies.items()):
            body: dict[str, Any] = {mapping.variant_path: wire_name} if mapping.variant_path else {}
            for name, wire_field in variant.fields.items():
                wire_field.write(body, getattr(part, name))
            return body
    raise MappingError(mapping.path, mapping.path, part, "a part of a kind this ERP has")


def _is_required(record: type[Any], name: str) -> bool:
    return any(f.name == name and f.required for f in msgspec.structs.fields(record))
