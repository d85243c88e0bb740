"""Canonical records as columns, and these as the arrays of a statement, references as ledger ids.

Belongs here: what follows from an entity's fields. The tables and statements are in `ledger.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from psycopg import sql

from ledger.columns import Columns
from ledger.spec import FieldSpec, RefersTo, RefersToAny, entities
from resources.stores import arrays
from resources.stores.references import LedgerIds

_SQL_TYPES = {"str": "text", "int": "bigint", "bool": "boolean", "Decimal": "numeric", "date": "date"}


def unnested(name: str, sql_type: str, parameter: str = "") -> sql.Composed:
    """A column of a page in a select list, given as the parameter of that name."""
    return sql.SQL("unnest({}::{}[]) as {}").format(
        sql.Placeholder(parameter or name), sql.SQL(sql_type), sql.Identifier(name)
    )


class ColumnStore:
    """The fields of one kind of record or part."""

    def __init__(self, fields: Sequence[FieldSpec]) -> None:
        self._fields = fields

    def unnested(self) -> sql.Composed:
        """The columns of the table in a select list; `arrays` gives their parameters."""
        return sql.SQL(", ").join(
            unnested(f.column, "bigint" if f.reference else _SQL_TYPES[f.kind.__name__], _parameter(f))
            for f in self._fields
        )

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

    def arrays(self, columns: Columns, ids: LedgerIds) -> dict[str, str]:
        """The columns of the table, by parameter."""
        return {_parameter(f): self._array(f, columns, ids) for f in self._fields}

    @staticmethod
    def _array(f: FieldSpec, columns: Columns, ids: LedgerIds) -> str:
        column = columns[f.name]
        if isinstance(f.reference, RefersTo):
            return arrays.plain([*map(ids[f.reference.entity].__getitem__, column)])
        if isinstance(f.reference, RefersToAny):
            return arrays.plain(
                [
                    ids[entity].get(external_id, arrays.NULL) if entity in ids else arrays.NULL
                    for entity, external_id in zip(columns[f.reference.entity_field], column, strict=True)
                ]
            )
        if f.kind is str:
            return arrays.texts_or_null(column) if f.is_optional else arrays.texts(column)
        if f.kind is bool:
            return arrays.flags(column)
        return arrays.plain_or_null(column) if f.is_optional else arrays.plain(column)


def _parameter(f: FieldSpec) -> str:
    """Named so that it is none of those that say who writes."""
    return f"of_{f.column}"
