"""Reading a whole list out of QuickBooks while people go on working in it: nothing skipped, nothing endless.

Belongs here: the walk over pages of one entity and what each page lets us claim. Statements are in `queries.py`, single
calls in `wire.py`, what a pull or a census makes of it in `client.py`.

The order is by modification time, and each page starts at the last time seen: a row that changes meanwhile moves to the
end and is met again, and no row shifts out of a page that was not read yet, as it would by position. QuickBooks keeps
whole seconds, so rows of the last second come twice and are dropped; a second that holds more rows than a page is read
by position, checked against shifting, and read again if it moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from resources.connector import WireRecord
from resources.erps.quickbooks import queries
from resources.erps.quickbooks.profile import PAGE_ROWS_MAX, PAGE_ROWS_MIN, WireEntity
from resources.erps.quickbooks.records import Rows, read_rows
from resources.erps.quickbooks.wire import Answer, Wire
from resources.http import AnswerTooLargeError

BLOCK_READS_MAX = 5


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows, and the instant before which everything has now been given (None: no claim)."""

    rows: Rows
    complete_before: datetime | None


@dataclass(frozen=True, slots=True)
class _Slice:
    """One answered query. `ids` has an entry for each row as it came, None where a row has no id."""

    rows: Rows
    ids: list[str | None]
    began_at: datetime | None

    @property
    def row_count(self) -> int:
        return len(self.ids)


class Pager:
    """Walks one entity of one company."""

    def __init__(self, wire: Wire, entity_name: str, entity: WireEntity, *, columns: str = "*") -> None:
        self._wire = wire
        self._name = entity_name
        self._entity = entity
        self._columns = columns
        self._rows_max = PAGE_ROWS_MAX
        self._began_at: datetime | None = None

    def by_modification(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Batch]:
        """Rows modified in [since, until), oldest first; the last batch claims all up to the start of the walk."""
        cursor = since
        end = [queries.modified_before(until)] if until else []
        given: set[tuple[str, str | None]] = set()
        while True:
            start = [queries.modified_from(cursor)] if cursor else []
            page = self._select(*start, *end, order=f"{queries.MODIFIED} asc")
            rows, last_second = self._new_rows(page.rows, given)
            if page.row_count < self._rows_max:
                yield Batch(rows, self._claim(until))
                return
            if last_second is None:
                raise self._wire.damaged("a full page without any modification time", "MetaData.LastUpdatedTime")
            if cursor and last_second <= cursor.replace(microsecond=0):
                yield from self._one_second(last_second, given)
                cursor, given = last_second + queries.SECOND, set()
                continue
            yield Batch(rows, self._claim(last_second))
            cursor = last_second
            given = {_version(record) for record in page.rows.records if _second_of(record) == last_second}

    def by_id(self) -> Iterator[Batch]:
        """The whole list in the order of ids, by position: for short lists whose rows may have no time at all."""
        position = 1
        while True:
            page = self._select(order="Id", start=position)
            is_last = page.row_count < self._rows_max
            yield Batch(page.rows, self._claim(None) if is_last else None)
            if is_last:
                return
            position += page.row_count

    def matching(self, *conditions: str) -> Iterator[Batch]:
        """The rows that meet the conditions, at most a page of them; claims nothing."""
        yield Batch(self._select(*conditions, order="Id").rows, None)

    @property
    def began_at(self) -> datetime | None:
        """When QuickBooks began the first request of this walk, in whole seconds; None before it."""
        return self._began_at

    def _one_second(self, second: datetime, given: set[tuple[str, str | None]]) -> Iterator[Batch]:
        """All rows of one second, by position. If they moved meanwhile all are given once more: twice, not never."""
        during = (queries.modified_from(second), queries.modified_before(second + queries.SECOND))
        for _ in range(BLOCK_READS_MAX):
            expected_count = self._count(*during)
            ids: set[str] = set()
            nameless_count, position, last_id, is_still = 0, 1, None, True
            while True:
                page = self._select(*during, order="Id", start=position)
                # Each page begins with the last row of the one before; another row there means that rows shifted.
                is_still = is_still and (position == 1 or page.ids[:1] == [last_id])
                yield Batch(self._new_rows(page.rows, given)[0], self._claim(second))
                ids.update(external_id for external_id in page.ids if external_id is not None)
                nameless_count += page.ids.count(None)
                if page.row_count < self._rows_max or not is_still:
                    break
                last_id = page.ids[-1]
                position += page.row_count - 1
            if is_still and self._count(*during) == expected_count <= len(ids) + nameless_count:
                return
        raise self._wire.damaged(
            f"rows of {second.isoformat()} moving through {BLOCK_READS_MAX} readings", "a second that stands still"
        )

    def _new_rows(self, rows: Rows, given: set[tuple[str, str | None]]) -> tuple[Rows, datetime | None]:
        """The rows not given yet, and the latest second among all of them. Raises if they are out of order."""
        last: datetime | None = None
        for record in rows.records:
            second = _second_of(record)
            if second is None or not _has_update_time(record):
                continue
            if last is not None and second < last:
                raise self._wire.damaged(
                    f"{second.isoformat()} after {last.isoformat()}", "rows in the order of their modification time"
                )
            last = second
        fresh = tuple(record for record in rows.records if _version(record) not in given)
        return Rows(fresh, rows.rejected), last

    def _select(self, *conditions: str, order: str, start: int = 1) -> _Slice:
        while True:
            statement = queries.select(
                self._entity, *conditions, order=order, start=start, rows_max=self._rows_max, columns=self._columns
            )
            try:
                page = self._ask(statement, self._read_page)
            except AnswerTooLargeError:
                if self._rows_max <= PAGE_ROWS_MIN:
                    raise
                self._rows_max = max(PAGE_ROWS_MIN, self._rows_max // 4)
                continue
            if self._began_at is None and page.began_at is not None:
                self._began_at = page.began_at.replace(microsecond=0)
            return page

    def _count(self, *conditions: str) -> int:
        return self._ask(queries.count(self._entity, *conditions), self._read_count)

    def _ask(self, statement: str, read: Any) -> Any:
        return self._wire.call(
            lambda quickbooks: quickbooks.query(statement), read, doing=f"pulling {self._name}", entity=self._name
        )

    def _read_page(self, answer: Answer) -> _Slice:
        found = self._query_response(answer)
        rows = found.get(self._entity.wire_name, [])
        if not isinstance(rows, list):
            raise self._wire.damaged(f"{type(rows).__name__} instead of a list of rows", "a list")
        # `maxResults` is the number of rows in this page. TaxCode sends more, its pseudo codes; none sends fewer.
        promised = found.get("maxResults", len(rows))
        if isinstance(promised, int) and len(rows) < promised:
            raise self._wire.damaged(f"{len(rows)} rows in a page that says {promised}", "every row")
        ids = [str(row["Id"]) if isinstance(row, dict) and "Id" in row else None for row in rows]
        return _Slice(read_rows(rows, is_suspect=answer.is_suspect), ids, answer.began_at)

    def _read_count(self, answer: Answer) -> int:
        total = self._query_response(answer).get("totalCount")
        if not isinstance(total, int):
            raise self._wire.damaged("a count without totalCount", "a whole number")
        return total

    def _query_response(self, answer: Answer) -> dict[str, Any]:
        found = answer.root.get("QueryResponse")
        if not isinstance(found, dict):
            raise self._wire.damaged("no QueryResponse in the answer", "one, empty if there are no rows")
        return found

    def _claim(self, instant: datetime | None) -> datetime | None:
        """The earlier of `instant` and the start of the walk: what changed after the start is the next walk's."""
        moments = [moment for moment in (instant, self._began_at) if moment is not None]
        return min(moments) if moments else None


def _version(record: WireRecord) -> tuple[str, str | None]:
    # The time is part of it: a balance moves a customer's time but not its SyncToken.
    return record.external_id, f"{record.version_token}@{record.modified_at}"


def _second_of(record: WireRecord) -> datetime | None:
    return record.modified_at.replace(microsecond=0) if record.modified_at else None


def _has_update_time(record: WireRecord) -> bool:
    times = record.payload.get("MetaData")
    return isinstance(times, dict) and "LastUpdatedTime" in times
