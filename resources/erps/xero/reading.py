"""Reading records by our ids of them, from whichever of Xero's lists they stand in.

Shared by pulling named records, by checking before a write and reading back after it, and by probing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from resources.connector import RejectedRecord, WireRecord
from resources.erps.xero import profile
from resources.erps.xero.bank_accounts import BankAccounts
from resources.erps.xero.lists import GUID, Walk
from resources.erps.xero.profile import WIRE_ENTITIES, Source
from resources.erps.xero.records import ALLOCATION, PREFIXES, Rows, sort_out
from resources.erps.xero.wire import Wire
from resources.errors import ErrorKind, TieoutError


def rows_with_ids(
    wire: Wire,
    entity: str,
    external_ids: Sequence[str],
    accounts: BankAccounts,
    *,
    base_currency: str = "",
    any_role: bool = True,
) -> Iterator[Rows]:
    """The named records as they are now; what there is not is absent. `any_role` as in `sort_out`."""
    wanted = set(external_ids)
    for source in WIRE_ENTITIES[entity].sources:
        ids = ids_in(source, entity, external_ids)
        if not ids:
            continue
        for batch in Walk(wire, source.resource, entity=entity).with_ids(ids):
            found = accounts.completed(source, batch.read)
            rows = sort_out(entity, source, found, base_currency=base_currency, any_role=any_role)
            rejected = [each for one in rows.rejected for each in _as_wanted(one, source, entity, external_ids)]
            yield Rows(tuple(one for one in rows.records if one.external_id in wanted), rejected)


def _as_wanted(
    rejected: RejectedRecord, source: Source, entity: str, external_ids: Sequence[str]
) -> Sequence[RejectedRecord]:
    """A credit note that cannot be read stands for each use of it that was asked for."""
    if entity not in profile.PAYERS or source.resource is not profile.CREDIT_NOTES:
        return [rejected]
    uses = [one for one in external_ids if ids_in(source, entity, [one]) == [rejected.external_id]]
    return [replace(rejected, external_id=one) for one in uses] or [rejected]


@dataclass(frozen=True, slots=True)
class Found:
    """Named records as they are now. One that is there and cannot be read is neither what it says nor gone."""

    connection: str
    entity: str
    rows: Sequence[Rows]

    def get(self, external_id: str) -> WireRecord | None:
        """None if there is none. Raises TieoutError for one that cannot be read, or that may be one without an id."""
        records = (record for rows in self.rows for record in rows.records)
        if found := next((record for record in records if record.external_id == external_id), None):
            return found
        for rejected in (one for rows in self.rows for one in rows.rejected):
            if rejected.external_id in (external_id, None):
                raise _unreadable(self.connection, self.entity, rejected)
        return None


def records_with_ids(
    wire: Wire, entity: str, external_ids: Sequence[str], accounts: BankAccounts, *, base_currency: str = ""
) -> Found:
    """The same, to be asked for one by one."""
    pages = rows_with_ids(wire, entity, external_ids, accounts, base_currency=base_currency) if external_ids else ()
    return Found(wire.connection, entity, list(pages))


def allocations_of(wire: Wire, entity: str, note_id: str) -> list[WireRecord]:
    """What one credit note was used for. Raises TieoutError if it cannot be read."""
    source = next(one for one in WIRE_ENTITIES[entity].sources if one.resource is profile.CREDIT_NOTES)
    return [
        record
        for batch in Walk(wire, source.resource, entity=entity).with_ids([note_id])
        for record in all_readable(wire.connection, entity, sort_out(entity, source, batch.read))
    ]


def all_readable(connection: str, entity: str, rows: Rows) -> Sequence[WireRecord]:
    """The records, where none may be overlooked. Raises TieoutError for one that cannot be read."""
    if rows.rejected:
        raise _unreadable(connection, entity, rows.rejected[0])
    return rows.records


def _unreadable(connection: str, entity: str, rejected: RejectedRecord) -> TieoutError:
    return TieoutError(
        ErrorKind.VALIDATION,
        connection=connection,
        entity=entity,
        external_id=rejected.external_id,
        doing=f"looking for {entity}",
        found=f"a record that cannot be read: {rejected.field}: {rejected.found}",
        expected=rejected.expected,
        next_step="correct it in Xero",
    )


def contact_named(wire: Wire, entity: str, name: str) -> Mapping[str, Any] | None:
    """The active contact with this name, None if there is none; whether Xero minds its case is not confirmed.

    How a quotation mark is written inside a condition is not known: such a name is not looked for.
    """
    if not name or '"' in name:
        return None
    for batch in Walk(wire, profile.CONTACTS, entity=entity, where=f'Name=="{name}"').pages():
        for row in batch.rows:
            is_active = isinstance(row, Mapping) and row.get("ContactStatus") == "ACTIVE"
            if is_active and str(row.get("Name")).strip().casefold() == name.strip().casefold():
                return row
    return None


def ids_in(source: Source, entity: str, external_ids: Sequence[str]) -> list[str]:
    """The list's own ids among those of an entity, whose ids say which list they are of."""
    prefix = PREFIXES.get(source.resource)
    if entity in profile.PAYERS and source.resource is profile.CREDIT_NOTES:
        found = [one.removeprefix(ALLOCATION).partition("/")[0] for one in external_ids if one.startswith(ALLOCATION)]
    elif prefix is not None:
        found = [one.removeprefix(prefix) for one in external_ids if one.startswith(prefix)]
    else:
        found = [one for one in external_ids if entity not in profile.PAYERS or GUID.fullmatch(one)]
    return list(dict.fromkeys(found))
