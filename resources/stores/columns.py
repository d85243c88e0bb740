"""Canonical records as columns, and these as COPY spells them, references as ledger ids.

Belongs here: what follows from an entity's fields. The tables and statements are in `ledger.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.columns import Columns
from ledger.spec import FieldSpec, RefersTo, RefersToAny, entities
from resources.stores import copying
from resources.stores.references import LedgerIds


class ColumnStore:
    """The fields of one kind of record or part."""

    def __init__(self, fields: Sequence[FieldSpec]) -> None:
        self._fields = fields

    def references(self, columns: Columns) -> dict[str, set[str]]:
        """By entity, the external ids that are referred to."""
        wanted: dict[str, set[str]] = {}
        for f in self._fields:
            if isinstance(f.reference, RefersTo):
                wanted.setdefault(f.reference.entity, set()).update(columns[f.name])
            elif isinstance(f.reference, RefersToAny):
                known = {e.name for e in entities()}
                for entity, external_id in set(zip(columns[f.reference.entity_field], columns[f.name], strict=True)):
                    if entity in known:
                        wanted.setdefault(entity, set()).add(external_id)
        for external_ids in wanted.values():
            external_ids.discard(None)  # type: ignore[arg-type]
        return wanted

    def lacking(self, columns: Columns, ids: LedgerIds) -> Iterator[tuple[int, str, str, str]]:
        """References that `ids` cannot meet: place of the record, field, external id, entity."""
        for f in self._fields:
            if not isinstance(f.reference, RefersTo):
                continue
            known, column = ids[f.reference.entity], columns[f.name]
            if not known.keys() >= set(column):
                for place, external_id in enumerate(column):
                    if external_id not in known:
                        yield place, f.name, external_id, f.reference.entity

    def spelled(self, columns: Columns, ids: LedgerIds) -> list[Sequence[str]]:
        """The columns of the table, in the order of the fields."""
        return [self._spell(f, columns, ids) for f in self._fields]

    @staticmethod
    def _spell(f: FieldSpec, columns: Columns, ids: LedgerIds) -> Sequence[str]:
        column = columns[f.name]
        if isinstance(f.reference, RefersTo):
            return [*map(ids[f.reference.entity].__getitem__, column)]
        if isinstance(f.reference, RefersToAny):
            return [
                ids[entity].get(external_id, copying.NULL) if entity in ids else copying.NULL
                for entity, external_id in zip(columns[f.reference.entity_field], column, strict=True)
            ]
        if f.kind is str:
            return copying.texts_or_null(column) if f.is_optional else copying.texts(column)
        if f.kind is bool:
            return copying.flags(column)
        return copying.plain_or_null(column) if f.is_optional else copying.plain(column)
