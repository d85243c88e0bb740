"""Codes: our words for accounts, terms, payment methods and tax codes, and the ERP's ids of the same, in a record.

Pure. Which word stands for which id is configuration: `resources/stores/code_maps.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal, TypeVar

import msgspec

from ledger.columns import Columns, TakenApart
from ledger.spec import EntitySpec, Record, spec_of

Direction = Literal["to_erp", "to_ours"]
R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class CodeTable:
    """One connection's codes, by list: our code -> external id, and back."""

    to_erp: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    to_ours: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def has_maps(self) -> bool:
        return any(self.to_ours.values())


@dataclass(frozen=True, slots=True)
class MissingCode:
    """A code that no map names, and where it stands: `terms_code`, `lines[2].tax_code`."""

    field: str
    list: str
    code: str


def translated(spec: EntitySpec, record: R, table: CodeTable, direction: Direction) -> tuple[R, list[MissingCode]]:
    """The record with its codes said the other way, those of its parts too, and wherever a code stands no map names.

    Such a code stays as it is: it may be the ERP's own id, which needs no map. An empty code is none.
    """
    words = getattr(table, direction)
    missing: list[MissingCode] = []
    own, of_parts = _codes_of(spec.name)
    changes: dict[str, Any] = _changes(record, own, words, "", missing)
    for part, fields in of_parts:
        before = getattr(record, part)
        after = tuple(
            msgspec.structs.replace(one, **changed)
            if (changed := _changes(one, fields, words, f"{part}[{number}].", missing))
            else one
            for number, one in enumerate(before, start=1)
        )
        if any(new is not old for new, old in zip(after, before, strict=True)):
            changes[part] = after
    return (msgspec.structs.replace(record, **changes) if changes else record), missing


def in_our_words(spec: EntitySpec, apart: TakenApart, table: CodeTable) -> TakenApart:
    """Records as columns, with their codes said in our words; a code that no map names stays as it is."""
    if not table.has_maps:
        return apart
    own, of_parts = _codes_of(spec.name)
    parts = {
        name: replace(apart.parts[name], columns=_renamed(apart.parts[name].columns, fields, table))
        for name, fields in of_parts
    }
    return TakenApart(_renamed(apart.columns, own, table), {**apart.parts, **parts})


_Fields = tuple[tuple[str, str], ...]


def _renamed(columns: Columns, fields: _Fields, table: CodeTable) -> Columns:
    renamed: dict[str, Sequence[Any]] = {}
    for name, list_name in fields:
        if words := table.to_ours.get(list_name):
            renamed[name] = [words.get(code, code) if code else code for code in columns[name]]
    return {**columns, **renamed}


@cache
def _codes_of(entity: str) -> tuple[_Fields, tuple[tuple[str, _Fields], ...]]:
    """(field, list) of the record's own codes, and the same of each part that has any."""
    spec = spec_of(entity)
    of_parts = ((part.name, tuple((f.name, f.code_list) for f in part.fields if f.code_list)) for part in spec.parts)
    return (
        tuple((f.name, f.code_list) for f in spec.fields if f.code_list),
        tuple((part, fields) for part, fields in of_parts if fields),
    )


def _changes(
    holder: Any,
    fields: _Fields,
    words: Mapping[str, Mapping[str, str]],
    where: str,
    missing: list[MissingCode],
) -> dict[str, str]:
    changes: dict[str, str] = {}
    for name, list_name in fields:
        code = getattr(holder, name)
        if not code:
            continue
        said = words.get(list_name, {}).get(code)
        if said is None:
            missing.append(MissingCode(f"{where}{name}", list_name, code))
        elif said != code:
            changes[name] = said
    return changes
