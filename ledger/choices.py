"""Words that a record must be one of: SQL takes any text, and what is none of them could not be read back as a record.

Belongs here: finding such fields, of the record and of its parts. What is done about one is the caller's to decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from ledger.spec import FieldSpec, Record, spec_of


def outside_choices(entity: str, record: Record) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(place, what it says, what it may say), as in `("lines[1].kind", "account", ("item", "discount"))`."""
    own, parts = _chosen(entity)
    yield from _outside("", own, record)
    for name, fields in parts:
        for number, part in enumerate(getattr(record, name), 1):
            yield from _outside(f"{name}[{number}].", fields, part)


@cache
def _chosen(entity: str) -> tuple[Sequence[FieldSpec], Sequence[tuple[str, Sequence[FieldSpec]]]]:
    spec = spec_of(entity)
    parts = [(part.name, [field for field in part.fields if field.choices]) for part in spec.parts]
    return [field for field in spec.fields if field.choices], [(name, fields) for name, fields in parts if fields]


def _outside(place: str, fields: Sequence[FieldSpec], one: object) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for field in fields:
        value = getattr(one, field.name)
        if value not in field.choices and not (value is None and field.is_optional):
            yield f"{place}{field.name}", str(value), field.choices
