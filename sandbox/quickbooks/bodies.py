"""Checking what a client sends: unknown properties, wrong types, lengths.

Belongs here: what can be said of a body without looking at the company. Whether its references exist is
`references.py`. Facts: reference sections 8 and 9 (2010, 2050); coercion of quoted numbers and booleans is that of
the service's JSON reader.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.quickbooks import wire
from sandbox.quickbooks.spec import TYPES, Entity
from sandbox.quickbooks.wire import Refusal

LENGTHS_MAX = {
    "DocNumber": 21,
    "PrivateNote": 4000,
    "Description": 4000,
    "PaymentRefNum": 21,
    "DisplayName": 500,
    "GivenName": 100,
    "MiddleName": 100,
    "FamilyName": 100,
    "CompanyName": 100,
    "Title": 16,
    "Suffix": 16,
    "Name": 100,
}
LISTED_MAX = 10_000
"""Lines, links or attachments of one object (reference section 1; with which fault more are refused is not known)."""
_LIMITED = {"Line", "LinkedTxn", "AttachableRef"}
_OWN_LENGTHS_MAX = {("PaymentMethod", "Name"): 31, ("Term", "Name"): 31}
_NUMBER_BOUND = Decimal(10) ** 20
_REFERENCE_KEYS = {"value", "name", "type"}


def clean(entity: Entity, body: dict[str, Any]) -> dict[str, Any]:
    """A copy of `body` in the schema's types. Raises Refusal 2010 or 2050.

    Nulls are left out, and so is an empty text where something else belongs (clients send it for what they do not set).
    """
    return _object(body, entity.name, entity.name)


def _object(value: Any, kind: str, owner: str) -> Any:
    schema = TYPES[kind]
    if not isinstance(value, dict):
        raise _unsupported(f"Can not deserialize value {value!r} of {kind}")
    if not schema:
        return value
    result = {}
    for name, given in value.items():
        found = schema.get(name)
        if found is None:
            raise _unrecognized(name, kind)
        if given is None or (given == "" and found.kind != "text"):
            continue
        if found.is_list:
            if not isinstance(given, list):
                raise _unsupported(f"Can not deserialize {name} out of something that is not a list")
            if name in _LIMITED and len(given) > LISTED_MAX:
                raise wire.business(f"{kind} has {len(given)} of {name}; there can be no more than {LISTED_MAX}.")
            result[name] = [_one(each, found.kind, name, owner) for each in given]
        else:
            result[name] = _one(given, found.kind, name, owner)
    return result


def _one(given: Any, kind: str, name: str, owner: str) -> Any:
    if kind == "any":
        return given
    if kind == "reference":
        if not isinstance(given, dict) or not set(given) <= _REFERENCE_KEYS:
            raise _unsupported(f"{name} {given!r}")
        return {key: str(each) for key, each in given.items() if each is not None}
    if kind in TYPES:
        return _object(given, kind, owner)
    if kind == "number":
        return _number(given, name)
    if kind == "boolean":
        if isinstance(given, str) and given.lower() in ("true", "false"):
            return given.lower() == "true"
        if not isinstance(given, bool):
            raise _unsupported(f"{name} {given!r}")
        return given
    if isinstance(given, (dict, list)):
        raise _unsupported(f"{name} {given!r}")
    text = given if isinstance(given, str) else str(given).lower() if isinstance(given, bool) else str(given)
    longest = _OWN_LENGTHS_MAX.get((owner, name), LENGTHS_MAX.get(name))
    if longest is not None and len(text) > longest:
        raise too_long(name, longest, len(text))
    return text


def too_long(name: str, longest: int, length: int) -> Refusal:
    return Refusal(
        "2050",
        "String length specified does not match the supported length. "
        f"Min:0 Max:{longest} supported. Supplied length:{length}",
        element=name,
    )


def _number(given: Any, name: str) -> Any:
    if isinstance(given, (bool, dict, list)):
        raise _unsupported(f"{name} {given!r}")
    if isinstance(given, str):
        try:
            given = Decimal(given)
        except InvalidOperation:
            raise _unsupported(f"{name} {given!r}") from None
    if not Decimal(given).is_finite() or abs(given) >= _NUMBER_BOUND:
        raise _unsupported(f"{name} {given!r}")
    return given


def _unsupported(what: str) -> Refusal:
    return Refusal("2010", f"Property Name:{what} specified is unsupported or invalid")


def _unrecognized(name: str, kind: str) -> Refusal:
    known = list(TYPES[kind])
    shown = ", ".join(f'"{each}"' for each in known[:60]) + (" [truncated]]" if len(known) > 60 else "]")
    return Refusal(
        "2010",
        f'Property Name:Unrecognized field "{name}" (class com.intuit.schema.finance.v3.{kind}), '
        f"not marked as ignorable ({len(known)} known properties: {shown})\n specified is unsupported or invalid",
    )
