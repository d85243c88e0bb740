"""Reading records by our ids of them, from whichever of Xero's lists they stand in.

Shared by pulling named records, by checking before a write and reading back after it, and by probing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resources.connector import WireRecord
from resources.erps.xero import profile
from resources.erps.xero.bank_accounts import BankAccounts
from resources.erps.xero.lists import GUID, Walk
from resources.erps.xero.profile import WIRE_ENTITIES, Source
from resources.erps.xero.records import ALLOCATION, PREFIXES, Rows, sort_out
from resources.erps.xero.wire import Wire


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
            yield Rows(tuple(one for one in rows.records if one.external_id in wanted), rows.rejected)


def records_with_ids(
    wire: Wire, entity: str, external_ids: Sequence[str], accounts: BankAccounts, *, base_currency: str = ""
) -> dict[str, WireRecord]:
    """The same, readable ones only, by id."""
    pages = rows_with_ids(wire, entity, external_ids, accounts, base_currency=base_currency) if external_ids else ()
    return {record.external_id: record for rows in pages for record in rows.records}


def allocations_of(wire: Wire, entity: str, note_id: str) -> list[WireRecord]:
    """What one credit note was used for."""
    source = next(one for one in WIRE_ENTITIES[entity].sources if one.resource is profile.CREDIT_NOTES)
    return [
        record
        for batch in Walk(wire, source.resource, entity=entity).with_ids([note_id])
        for record in sort_out(entity, source, batch.read).records
    ]


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
