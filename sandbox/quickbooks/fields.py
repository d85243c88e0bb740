"""Reading one property of an encoded object, by its dotted path.

Belongs here: finding a property in the schema whatever its case, and readers that decode nothing else. Keeping what is
read is `table.py`.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.quickbooks import wire
from sandbox.quickbooks.spec import TYPES, Entity, Property


def property_at(entity: Entity, path: str) -> Property | None:
    """The property at a dotted path, None when the entity has no such property;
    names are matched regardless of case.
    """
    kind, found = entity.name, None
    for part in path.split("."):
        if found is not None and found.kind == "reference" and part.lower() in ("value", "name", "type"):
            return found
        properties = TYPES.get(kind, {})
        found = next((each for name, each in properties.items() if name.lower() == part.lower()), None)
        if found is None:
            return None
        kind = found.kind
    return found


def canonical_path(entity: Entity, path: str) -> str:
    """`path` in the schema's spelling: `metadata.lastupdatedtime` becomes `MetaData.LastUpdatedTime`."""
    parts, kind = [], entity.name
    for part in path.split("."):
        found = next((each for name, each in TYPES.get(kind, {}).items() if name.lower() == part.lower()), None)
        parts.append(found.name if found else part)
        kind = found.kind if found else ""
    return ".".join(parts)


def _attached_reader(name: str) -> Callable[[bytes], Any]:
    """What an attachment belongs to, `value` or `type` of the first of its references: the one list that is queried."""

    def read(raw: bytes) -> Any:
        references = wire.decode(raw).get("AttachableRef") or [{}]
        return (references[0].get("EntityRef") or {}).get(name)

    return read


def reader(entity: Entity, path: str) -> Callable[[bytes], Any]:
    """A function from an encoded object to the comparable value of one property; it decodes nothing else."""
    if entity.is_wrapper:
        return _wrapped_reader(path)
    found = property_at(entity, path)
    assert found is not None, f"{entity.name} has no property {path}"
    parts = path.split(".")
    if parts[0] == "AttachableRef":
        return _attached_reader(parts[-1].lower())
    if found.kind == "reference" and parts[-1] != "value":
        parts.append("value")
    if found.kind in ("EmailAddress", "TelephoneNumber", "WebSiteAddress"):
        parts.append(
            {"EmailAddress": "Address", "TelephoneNumber": "FreeFormNumber", "WebSiteAddress": "URI"}[found.kind]
        )
    nested: Any = Any
    for part in reversed(parts):
        nested = msgspec.defstruct("_", [(part, Any if nested is Any else nested | None, None)])
    decoder = msgspec.json.Decoder(nested, float_hook=Decimal)

    # An object that does not say whether it is active is.
    absent = True if path == "Active" else None

    def read(raw: bytes) -> Any:
        value = decoder.decode(raw)
        for part in parts:
            value = getattr(value, part)
            if value is None:
                return absent
        if found.kind == "time":
            return wire.micros_of(value)
        return str(value) if found.kind == "reference" and not isinstance(value, str) else value

    return read


def _wrapped_reader(path: str) -> Callable[[bytes], Any]:
    """The same for an object that wraps another: its Type is the name of that, all else stands inside it."""

    def read(raw: bytes) -> Any:
        ((kind, value),) = wire.decode(raw).items()
        if path == "Type":
            return kind
        for part in path.split("."):
            value = (value or {}).get(part)
        return wire.micros_of(value) if path.startswith("MetaData.") and value else value

    return read
