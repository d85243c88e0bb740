"""The demo organisation: eighteen generated months of a Xero company whose books balance to the cent.

`build_company` is the only way in. Names come from names.py, what happens from story.py. Everything follows from a
seed; no clock is read.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from random import Random
from typing import Any

from sandbox.xero import wire
from sandbox.xero.defaults import build_empty
from sandbox.xero.demo.story import Story
from sandbox.xero.store import Books, Ids

NAME = "Copperleaf Trading (simulated)"
FIRST, LAST = date(2025, 5, 1), date(2026, 10, 31)


def build_company(tenant_id: str, seed: int = 1) -> dict[str, list[dict[str, Any]]]:
    """All records of the organisation by resource, as lists show them; amounts are Decimal.

    Covers the 18 months from FIRST to LAST. Base currency USD, one in seven contacts in EUR.
    """
    books = Books(tenant_id)
    # Ids of its own, so that what is written later cannot be given one of them again.
    books.ids = Ids(f"{tenant_id} demo {seed}")
    founded = wire.ms_of(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC))
    for name, records in build_empty(tenant_id, NAME, "USD", founded).items():
        books.load(name, [wire.encode(each) for each in records], founded)
    books.save("Organisation", {**books.organisation(), "IsDemoCompany": True, "Class": "DEMO"})
    Story(books, Random(seed), FIRST, LAST).tell()
    return {
        name: [wire.decode(row.raw) for row in table.rows.values()]
        for name, table in books.tables.items()
        if table.rows
    }
