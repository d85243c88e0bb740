"""From the ERP's ids to the ledger's, for one connection: asked once for each id and remembered for a while."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import psycopg

from resources.stores.arrays import NULL

# By entity: external id to ledger id, as an array spells it; None is the absent reference.
LedgerIds = dict[str, dict[str | None, str]]
REMEMBERED_MAX = 50_000


class References:
    """What bindings say, remembered as long as this lives: one sync of one connection, which holds its lease.

    What was not found is asked for again. A binding may be dropped meanwhile, of a record that is gone there and whose
    row is to be made again: what still names that record means that row, so what was found does for the rest of the
    sync. Ask before a transaction makes bindings of its own: if it fails, they have never been.
    """

    def __init__(self) -> None:
        self._known: LedgerIds = {}

    def look_up(self, tx: psycopg.Connection[Any], connection: str, wanted: Mapping[str, Set[str]]) -> LedgerIds:
        """The ledger ids of these, by entity, and maybe of others; an id that is bound to nothing is absent."""
        for entity, external_ids in wanted.items():
            known = self._known.get(entity)
            if known is None or len(known) > REMEMBERED_MAX:
                known = self._known[entity] = {None: NULL}
            if missing := external_ids - known.keys():
                rows = tx.execute(
                    "select external_id, ledger_id::text from sync.bindings "
                    "where connection = %s and entity = %s and external_id = any(%s)",
                    (connection, entity, list(missing)),
                )
                known.update(rows.fetchall())
        return {entity: self._known[entity] for entity in wanted}
