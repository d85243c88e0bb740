"""What a kept intent says: its body and the canonical record it stands for, read strictly.

Belongs here: telling an intent that can be read from one that cannot, because an older or newer Tieout wrote it, or a
hand. What becomes of the latter is decided by `resources/stages/unreadable.py`; keeping intents is `outbox.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from ledger.spec import Record, spec_of
from resources.stores.outbox import Intent

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class UnreadableIntentError(Exception):
    """An intent's `part` (body or record) is not of the shape that is written today."""

    def __init__(self, part: str, found: str, expected: str) -> None:
        super().__init__(f"{part}: found {found}, expected {expected}")
        self.part, self.found, self.expected = part, found, expected


@dataclass(frozen=True, slots=True)
class Said:
    """An intent that was read. `body` is what is sent; `record` is canonical, references as external ids."""

    body: dict[str, Any]
    record: Record


def said_by(intent: Intent) -> Said:
    """Raises UnreadableIntentError for what is no JSON, lacks a field, has another type, or says what no field takes:
    left out, that would be taken for something nobody wanted.
    """
    body = _parsed("body", intent.body)
    if not isinstance(body, dict):
        raise UnreadableIntentError("body", f"a JSON {_kind(body)}", "a JSON object")
    parsed = _parsed("record", intent.record)
    try:
        record = msgspec.json.decode(intent.record, type=spec_of(intent.entity).record)
    except msgspec.ValidationError as error:
        raise UnreadableIntentError("record", str(error), f"the fields of {intent.entity}") from error
    if unknown := next(_unknown(parsed, msgspec.to_builtins(record), ""), None):
        raise UnreadableIntentError("record", f"the unknown field {unknown}", f"the fields of {intent.entity}")
    return Said(body, record)


def _parsed(part: str, text: str) -> Any:
    try:
        return _decode(text)
    except (msgspec.DecodeError, ValueError) as error:
        raise UnreadableIntentError(part, f"text that is no JSON ({error})", "a JSON object") from error


def _unknown(stored: Any, known: Any, path: str) -> Iterator[str]:
    """The dotted paths that are stored and that reading has left out."""
    if isinstance(stored, dict) and isinstance(known, dict):
        for key, value in stored.items():
            if key not in known:
                yield f"{path}{key}"
            else:
                yield from _unknown(value, known[key], f"{path}{key}.")
    elif isinstance(stored, list) and isinstance(known, list | tuple):
        for place, (one, other) in enumerate(zip(stored, known, strict=False)):
            yield from _unknown(one, other, f"{path}{place}.")


def _kind(value: Any) -> str:
    return {list: "array", str: "string", bool: "boolean", type(None): "null"}.get(type(value), "number")
