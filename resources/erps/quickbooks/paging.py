"""Reading a whole list out of QuickBooks while people go on working in it: nothing skipped, nothing endless.

Belongs here: the walk over pages of one entity and what each page lets us claim. Statements are in `queries.py`, single
calls in `wire.py`, what a pull or a census makes of it in `client.py`.

The order is by modification time, and each page starts at the last time seen: a row that changes meanwhile moves to the
end and is met again, and no row shifts out of a page that was not read yet, as it would by position. QuickBooks keeps
whole seconds, so rows of the last second come twice and are dropped; a second that holds more rows than a page is read
by position, with an overlap that shows whether rows have shifted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ledger.shapes import Shaped
from resources.connector import WireRecord
from resources.erps.quickbooks import queries
from resources.erps.quickbooks.profile import IDS_PER_QUERY_MAX, PAGE_ROWS_MAX, PAGE_ROWS_MIN, WireEntity
from resources.erps.quickbooks.records import Rows, read_rows, sort_out
from resources.erps.quickbooks.wire import Answer, Wire
from resources.http import AnswerTooLargeError
from resources.wire_json import MalformedJson
from resources.wire_shapes import Row, RowReader

# Rows read again at the start of a page of one second; fewer than the smallest page has.
ROWS_OVERLAPPED = 5
PAGES_REMEMBERED = 3
STEPS_BACK_MAX = 100
_NOTHING = object()


# By id, the version of a row that was given.
_Given = dict[str, tuple[str | None, datetime | None]]


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
        self._reader = RowReader()

    def by_modification(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Batch]:
        """Rows modified in [since, until), oldest first; the last batch claims all up to the start of the walk."""
        cursor = since
        end = [queries.modified_before(until)] if until else []
        given: _Given = {}
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
                cursor, given = last_second + queries.SECOND, {}
                continue
            yield Batch(rows, self._claim(last_second))
            cursor = last_second
            given = {
                record.external_id: _version(record)
                for record in page.rows.records
                if record.modified_at is not None and record.modified_at >= last_second
            }

    def by_id(self, *conditions: str) -> Iterator[Batch]:
        """The rows that meet the conditions in the order of ids, by position: for short lists from which nothing goes,
        and whose rows may have no time at all.
        """
        position = 1
        while True:
            page = self._select(*conditions, order="Id", start=position)
            is_last = page.row_count < self._rows_max
            yield Batch(page.rows, self._claim(None) if is_last else None)
            if is_last:
                return
            position += page.row_count

    def with_ids(self, external_ids: Sequence[str]) -> Iterator[Batch]:
        """The rows with these ids; claims no time, but that what does not come is not there.

        Where they fill a page, what has not come is asked for again, and not by position: a row that went meanwhile
        would hide another.
        """
        waiting = list(external_ids)
        while waiting:
            asked = waiting[:IDS_PER_QUERY_MAX]
            page = self._select(queries.id_in(asked), order="Id")
            yield Batch(page.rows, None)
            if page.row_count < self._rows_max:
                came = set(asked)
            elif not (came := set(asked).intersection(page.ids)):
                raise self._wire.damaged(f"{page.row_count} rows, none of which was asked for", "rows with these ids")
            waiting = [external_id for external_id in asked if external_id not in came] + waiting[len(asked) :]

    @property
    def began_at(self) -> datetime | None:
        """When QuickBooks began the first request of this walk, in whole seconds; None before it."""
        return self._began_at

    def _one_second(self, second: datetime, given: _Given) -> Iterator[Batch]:
        """All rows of one second, in the order of ids, by position.

        Rows leave a second that is past, when they are edited, but none comes in; so what was read is always the first
        part of what is left. Each page overlaps the one before: if it does not begin with a row that was read, rows
        have left before it and others have moved up unseen, so it is dropped and reading goes on further up.
        """
        during = (queries.modified_from(second), queries.modified_before(second + queries.SECOND))
        read_lately: deque[set[str | None]] = deque(maxlen=PAGES_REMEMBERED)
        position = 1
        for _ in range(STEPS_BACK_MAX):
            while True:
                page = self._select(*during, order="Id", start=position)
                first_id = next((external_id for external_id in page.ids if external_id is not None), None)
                if position > 1 and not any(first_id in ids for ids in read_lately):
                    break
                yield Batch(self._new_rows(page.rows, given)[0], self._claim(second))
                if page.row_count < self._rows_max:
                    return
                read_lately.append(set(page.ids) - {None})
                position += page.row_count - ROWS_OVERLAPPED
            position = max(1, position - self._rows_max + ROWS_OVERLAPPED)
        raise self._wire.damaged(
            f"rows of {second.isoformat()} that moved {STEPS_BACK_MAX} times while they were read", "a quieter second"
        )

    def _new_rows(self, rows: Rows, given: _Given) -> tuple[Rows, datetime | None]:
        """The rows not given yet, and the latest second among all of them. Raises if they are out of order."""
        last: datetime | None = None
        for record in rows.records:
            at = record.modified_at
            if at is None or at == last or not _has_update_time(record):
                continue
            second = at.replace(microsecond=0)
            if last is not None and second < last:
                raise self._wire.damaged(
                    f"{second.isoformat()} after {last.isoformat()}", "rows in the order of their modification time"
                )
            last = second
        fresh = tuple(record for record in rows.records if given.get(record.external_id) != _version(record))
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

    def _ask(self, statement: str, read: Any) -> Any:
        return self._wire.call(
            lambda quickbooks: quickbooks.query(statement),
            read,
            doing=f"pulling {self._name}",
            entity=self._name,
            cuts_rows=True,
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
        if answer.is_cut:
            read = self._read_texts(rows, answer.document.text)
            rows, sorted_out = [row.value for row in read], sort_out((r.value, r.text, r.is_suspect) for r in read)
        else:
            sorted_out = read_rows(rows, is_suspect=answer.is_suspect)
        ids = [_id_of(row) for row in rows]
        return _Slice(sorted_out, ids, answer.began_at)

    def _read_texts(self, texts: list[Any], whole: bytes) -> list[Row]:
        try:
            return self._reader.read(texts, whole)
        except MalformedJson as failure:
            raise self._wire.damaged(f"a row that is not JSON ({failure})", "a whole JSON answer") from failure

    def _query_response(self, answer: Answer) -> dict[str, Any]:
        found = answer.root.get("QueryResponse")
        if not isinstance(found, dict):
            raise self._wire.damaged("no QueryResponse in the answer", "one, empty if there are no rows")
        return found

    def _claim(self, instant: datetime | None) -> datetime | None:
        """The earlier of `instant` and the start of the walk: what changed after the start is the next walk's."""
        moments = [moment for moment in (instant, self._began_at) if moment is not None]
        return min(moments) if moments else None


def _version(record: WireRecord) -> tuple[str | None, datetime | None]:
    # The time is part of it: a balance moves a customer's time but not its SyncToken.
    return record.version_token, record.modified_at


def _id_of(row: Any) -> str | None:
    found = row.get("Id", _NOTHING) if isinstance(row, (Shaped, dict, Mapping)) else _NOTHING
    return None if found is _NOTHING else str(found)


def _has_update_time(record: WireRecord) -> bool:
    times = record.content.get("MetaData")
    return isinstance(times, (Shaped, dict, Mapping)) and "LastUpdatedTime" in times
