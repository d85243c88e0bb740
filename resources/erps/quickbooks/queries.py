"""The text of QuickBooks queries: one place that knows the grammar, its escapes and its hidden default filter.

Belongs here: statements as text. Sending them is in `wire.py`, paging in `paging.py`. Source of the grammar: Intuit's
"data queries" page and the captures named in `README.md`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from resources.erps.quickbooks.profile import WireEntity

# A projection is parsed, but its list is no contract: full rows may come back.
CENSUS_COLUMNS = "Id, SyncToken, MetaData"
MODIFIED = "MetaData.LastUpdatedTime"
CREATED = "MetaData.CreateTime"
QUERYABLE_ID = re.compile(r"[0-9]{1,64}")
QUERYABLE_WORD = re.compile(r"[A-Za-z0-9:._-]{1,64}")
SECOND = timedelta(seconds=1)


def select(entity: WireEntity, *conditions: str, order: str, start: int = 1, rows_max: int, columns: str = "*") -> str:
    """One page of `entity`, inactive rows included. `start` counts from 1."""
    which = f"{entity.wire_name}{_where(entity, conditions)}"
    return f"select {columns} from {which} orderby {order} startposition {start} maxresults {rows_max}"


def modified_from(instant: datetime) -> str:
    """Modified at `instant` or later. QuickBooks keeps whole seconds, so a fraction is dropped to miss nothing."""
    return f"{MODIFIED} >= '{_second(instant)}'"


def modified_before(instant: datetime) -> str:
    """Modified before `instant`; a fraction counts as the whole second after it."""
    whole = instant.replace(microsecond=0)
    return f"{MODIFIED} < '{_second(whole if whole == instant else whole + SECOND)}'"


def created_from(instant: datetime) -> str:
    """Made at `instant` or later, a fraction dropped to miss nothing."""
    return f"{CREATED} >= '{_second(instant)}'"


def id_in(external_ids: Sequence[str]) -> str:
    """One of these ids, each of which must match QUERYABLE_ID (or QUERYABLE_WORD): nothing in it needs an escape."""
    return f"Id in ({', '.join(quoted(external_id) for external_id in external_ids)})"


def quoted(text: str) -> str:
    """A value of a condition. Everything is quoted, numbers too; the quote itself is escaped by a backslash."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _where(entity: WireEntity, conditions: Sequence[str]) -> str:
    shown = ["Active in (true, false)"] if entity.is_name_list else []
    every = [*conditions, *shown]
    return f" where {' and '.join(every)}" if every else ""


def _second(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
