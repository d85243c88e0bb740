"""Which bank account the money of an over- or prepayment moved on, and its Url: its bank transaction alone says them.

Belongs here: reading those bank transactions, once in the life of a connector, and only if there is an over- or
prepayment to complete. One that came about otherwise (an invoice paid with too much) has none and stays without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ledger.shapes import plain
from resources.erps.xero import profile
from resources.erps.xero.lists import Walk
from resources.erps.xero.markers import BANK_URL
from resources.erps.xero.profile import Source
from resources.erps.xero.records import PREFIXES
from resources.erps.xero.wire import Wire
from resources.wire_shapes import Row

BANK_ACCOUNT = "tieout:BankAccount"


class BankAccounts:
    """The bank accounts of one organisation's over- and prepayments, by the id of the credit."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._told: dict[str, dict[str, Any]] = {}

    def completed(self, source: Source, rows: Iterable[Row]) -> list[Row]:
        """The rows of a list; those of over- and prepayments with their bank account and Url, where Xero tells."""
        found = list(rows)
        if source.resource not in PREFIXES:
            return found
        key, types = source.resource.key, {one for one in source.types if "-" in one}
        objects = [row.value for row in found if isinstance(row.value, Mapping)]
        ours = [row for row in objects if row.get("Type") in types]
        if any(row.get(key) not in self._told for row in ours):
            for kind in sorted({row["Type"] for row in ours}):
                self._read(kind, key)
        return [self._completed(row, key) for row in found]

    def _completed(self, row: Row, key: str) -> Row:
        told = self._told.get(row.value.get(key)) if isinstance(row.value, Mapping) else None
        return row if told is None else Row({**plain(row.value), **told}, None, row.is_suspect)

    def _read(self, kind: str, key: str) -> None:
        where = f'Type=="{kind}"'
        for batch in Walk(self._wire, profile.BANK_TRANSACTIONS, entity="bank transactions", where=where).pages():
            for row in batch.rows:
                account = row.get("BankAccount") if isinstance(row, Mapping) else None
                if isinstance(account, Mapping) and isinstance(row.get(key), str):
                    told = {BANK_ACCOUNT: {n: account[n] for n in ("AccountID", "Code") if n in account}}
                    self._told[row[key]] = told | ({BANK_URL: row["Url"]} if "Url" in row else {})
