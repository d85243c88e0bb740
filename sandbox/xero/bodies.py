"""Reading request bodies: JSON, XML and XML in a form become lists of elements with values of known kinds.

Belongs here: form only. Properties the published description does not name are ignored (a captured update of 2014 holds
one and was taken); a value that cannot be of its kind refuses the whole request. What a value may be is decided where
it is used.
"""

from datetime import date
from typing import Any
from urllib.parse import parse_qs

import msgspec

from sandbox.http import Request
from sandbox.xero import wire, xml
from sandbox.xero.properties import TYPES


def elements(request: Request, collection: str, singular: str) -> list[dict[str, Any]]:
    """The elements of a write: of `{"Invoices": [...]}`, of a list, or one bare object. Raises Problem."""
    body = request.body
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded" and body.lstrip()[:1] not in (b"{", b"[", b"<"):
        body = parse_qs(body.decode("utf-8", "replace")).get("xml", [""])[0].encode()
    if not body.strip():
        raise wire.no_data()
    if body.lstrip()[:1] == b"<":
        found = xml.elements(body, collection, singular)
    else:
        try:
            value = wire.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise wire.unreadable(f"The request body could not be read: {error}") from error
        if isinstance(value, dict) and collection in value:
            value = value[collection]
        found = value if isinstance(value, list) else [value]
    if not found:
        raise wire.no_data()
    return [clean(singular, each) for each in found]


def clean(kind: str, value: Any, path: str = "") -> dict[str, Any]:
    """One object with the values of its known properties; null is as if not sent. Raises Problem."""
    if not isinstance(value, dict):
        raise wire.unreadable(f"{path or kind} must be an object, found {_shown(value)}")
    known = TYPES[kind]
    found = {
        name: _value(known[name], each, f"{path}{name}")
        for name, each in value.items()
        if name in known and each is not None
    }
    return {name: each for name, each in found.items() if each is not None}


def _value(kind: str, value: Any, path: str) -> Any:
    if kind.startswith("["):
        if not isinstance(value, list):
            raise wire.unreadable(f"{path} must be a list, found {_shown(value)}")
        return [clean(kind[1:-1], each, f"{path}.") for each in value if each is not None]
    if kind in TYPES:
        return clean(kind, value, f"{path}.")
    try:
        return _PLAIN[kind](value)
    except (ValueError, TypeError) as error:
        raise wire.unreadable(f"{path} must be a {kind}, found {_shown(value)}") from error


def _text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise ValueError("no text")
    return str(value) if not isinstance(value, bool) else str(value).lower()


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ValueError("no boolean")


def _integer(value: Any) -> int:
    return int(wire.number(value))


def _day(value: Any) -> date | None:
    # An empty text is what some clients send for no date.
    return wire.day_of(value) if value != "" else None


def _guid(value: Any) -> str | None:
    # The zero id is how a client says that there is none yet.
    text = _text(value).lower()
    return text if text not in ("", wire.ZERO_GUID) else None


_PLAIN = {
    "text": _text,
    "guid": _guid,
    "number": wire.number,
    "integer": _integer,
    "boolean": _boolean,
    "day": _day,
    "time": _text,
}


def _shown(value: Any) -> str:
    return repr(value)[:60]
