"""The XML representation: answers turned from JSON, bodies turned into the same values JSON has.

Belongs here: names of list elements and the forms dates take. It is what a request without an Accept header is
answered in. Facts: reference sections 1 and 3, the recorded exchanges of 2014 and 2015.
"""

import re
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from sandbox.xero import wire
from sandbox.xero.properties import TYPES
from sandbox.xero.resources import BY_COLLECTION

XML = "text/xml; charset=utf-8"

_SINGULAR = {
    "Tracking": "TrackingCategory",
    "LineItemTracking": "TrackingCategory",
    "TrackingOption": "Option",
    "Addresses": "Address",
    "Balances": "Balance",
    "ValidationErrors": "ValidationError",
    "Warnings": "Warning",
    "Cells": "Cell",
    "Rows": "Row",
    "Elements": "DataContractBase",
    **{name: each.singular for name, each in BY_COLLECTION.items()},
}
_MS_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d+)?\)/")
_NOT_SHOWN = {"DateString", "DueDateString", "UpdatedDateUTCString", "DeliveryDateString"}


def answer(body: bytes, root: str = "Response", kind: str = "") -> bytes:
    """The XML of a JSON answer; `kind` is the type of the refused elements of an ApiException."""
    pieces: list[str] = []
    space = ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    pieces.append(f"<{root}{space}>")
    for name, value in wire.decode(body).items():
        _write(pieces, name, value)
    pieces.append(f"</{root}>")
    text = "".join(pieces)
    if kind:
        text = text.replace("<DataContractBase>", f'<DataContractBase xsi:type="{kind}">')
    return text.encode()


def _write(pieces: list[str], name: str, value: Any) -> None:
    if name in _NOT_SHOWN or value == [] or value is None:
        return
    if isinstance(value, dict):
        pieces.append(f"<{name}>")
        for each, inner in value.items():
            _write(pieces, each, inner)
        pieces.append(f"</{name}>")
    elif isinstance(value, list):
        pieces.append(f"<{name}>")
        for each in value:
            _write(pieces, _SINGULAR.get(name) or name.removesuffix("s"), each)
        pieces.append(f"</{name}>")
    else:
        pieces.append(f"<{name}>{escape(_text(name, value))}</{name}>")


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    found = _MS_DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return str(value)
    seconds, ms = divmod(int(found[1]), 1000)
    text = wire.instant_text(seconds * 1000)[:-1] + (f".{ms:03d}".rstrip("0") if ms else "")
    return text + ("Z" if name == "DateTimeUTC" else "")


def elements(body: bytes, collection: str, singular: str) -> list[Any]:
    """The elements of an XML body: `<Invoices><Invoice>...` or one bare `<Invoice>`. Raises Problem."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        raise wire.unreadable(f"The request body could not be read: {error}") from error
    kind = singular
    if root.tag == collection and collection != singular:
        return [_read(kind, each) for each in root]
    return [_read(kind, root)]


def _read(kind: str, element: ElementTree.Element) -> dict[str, Any]:
    known, found = TYPES[kind], {}
    for child in element:
        inner = known.get(child.tag, "")
        if inner.startswith("["):
            found[child.tag] = [_read(inner[1:-1], each) for each in child]
        elif inner in TYPES:
            found[child.tag] = _read(inner, child)
        elif inner:
            found[child.tag] = child.text or ""
    return found
