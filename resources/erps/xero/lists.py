"""Reading a whole list out of Xero while people go on working in it: nothing skipped, nothing endless.

Belongs here: the walk over pages of one list and what each page lets us claim, and reading records by id. Single calls
are in `wire.py`, what a pull or a census makes of it in `client.py`.

Pages are numbered, and a record that changes moves to the end, so that the one behind it would slip into a page read
before. So no page but the first is asked for: each call begins at the last second seen (If-Modified-Since, whole
seconds, inclusive), in the order of UpdatedDateUTC. A second that holds more than a page is read by number until a pass
brings nothing new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from resources.erps.xero import profile
from resources.erps.xero.errors import AnswerError
from resources.erps.xero.profile import PAGE_ROWS_MAX, Resource
from resources.erps.xero.records import modified_at_of, version_of
from resources.erps.xero.values import header_instant
from resources.erps.xero.wire import Answer, Wire
from resources.errors import ErrorKind
from resources.wire_json import MalformedJson
from resources.wire_shapes import Row, RowReader

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ORDER = "UpdatedDateUTC ASC"
SECOND = timedelta(seconds=1)
PASSES_MAX = 20
# A bool would go out as "True", which the published description does not know.
YES = "true"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows as sent, and the instant before which everything has now been given (None: no claim)."""

    read: Sequence[Row]
    complete_before: datetime | None

    @property
    def rows(self) -> Sequence[Any]:
        """The rows alone."""
        return [one.value for one in self.read]


@dataclass(frozen=True, slots=True)
class _Page:
    rows: Sequence[Row]
    made_at: datetime | None
    page_count: int


class Walk:
    """One walk over one list. `where`: a condition in Xero's words. `is_summary`: the headers are enough."""

    def __init__(
        self, wire: Wire, resource: Resource, *, entity: str, where: str | None = None, is_summary: bool = False
    ) -> None:
        self._wire = wire
        self._resource = resource
        self._entity = entity
        self._where = where
        self._is_summary = is_summary and resource is profile.INVOICES
        self._began_at: datetime | None = None
        self._reader = RowReader()

    @property
    def began_at(self) -> datetime | None:
        """Xero's clock at the first answer of this walk, in whole seconds; None before it."""
        return self._began_at

    def pages(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[Batch]:
        """Rows modified in [since, until), oldest first; the last batch claims all up to the start of the walk."""
        if not self._resource.is_paged:
            page = self._page(since if self._resource.has_delta else None, 1)
            yield Batch(_before(page.rows, until), self._claim(until))
            return
        cursor = since.replace(microsecond=0) if since else None
        given: set[tuple[str, str]] = set()
        while True:
            page = self._page(cursor, 1)
            rows = [row for row in page.rows if not given or self._version(row) not in given]
            if page.page_count <= 1:
                yield Batch(_before(rows, until), self._claim(until))
                return
            last = self._last_second(page.rows)
            if until is not None and last >= until:
                yield Batch(_before(rows, until), self._claim(until))
                return
            if cursor is not None and last <= cursor:
                yield from self._one_second(last, given)
                cursor, given = last + SECOND, set()
                continue
            yield Batch(rows, self._claim(last))
            given = {self._version(row) for row in page.rows if _second_of(row) == last}
            cursor = last

    def with_ids(self, ids: Sequence[str]) -> Iterator[Batch]:
        """The records with these ids, those that there are; a list that is never paged comes whole."""
        wanted = list(dict.fromkeys(ids))
        if not self._resource.is_paged:
            page = self._page(None, 1)
            yield Batch(page.rows, None)
            return
        wanted = [one for one in wanted if GUID.fullmatch(one)]
        if not self._resource.has_ids and not self._resource.has_where:
            for one in wanted:
                yield from self._single(one)
            return
        for first in range(0, len(wanted), profile.IDS_PER_CALL_MAX):
            some = wanted[first : first + profile.IDS_PER_CALL_MAX]
            if self._resource.has_ids:
                chosen = {"i_ds": some}
            else:
                chosen = {"where": " OR ".join(f'{self._resource.key}==guid("{one}")' for one in some)}
            page = self._ask({**chosen, **self._always(1)})
            yield Batch(page.rows, None)

    def _single(self, one: str) -> Iterator[Batch]:
        assert self._resource.read_one is not None
        try:
            page = self._wire.read(
                self._resource.read_one, self._read, one, doing=f"pulling {self._entity}", entity=self._entity
            )
        except AnswerError as error:
            if error.kind is not ErrorKind.NOT_FOUND or not error.is_of_xero:
                raise
            return
        yield Batch(page.rows, None)

    def _one_second(self, second: datetime, given: set[tuple[str, str]]) -> Iterator[Batch]:
        for _ in range(PASSES_MAX):
            is_new, number = False, 1
            while True:
                page = self._page(second, number)
                fresh = [row for row in page.rows if _second_of(row) == second and self._version(row) not in given]
                given |= {self._version(row) for row in fresh}
                if fresh:
                    is_new = True
                    yield Batch(fresh, self._claim(second))
                if number >= page.page_count or any((_second_of(row) or second) > second for row in page.rows):
                    break
                number += 1
            if not is_new:
                return
        raise self._wire.damaged(
            f"records of {second.isoformat()} that moved {PASSES_MAX} times while they were read", "a quieter second"
        )

    def _page(self, since: datetime | None, number: int) -> _Page:
        chosen: dict[str, Any] = self._always(number)
        if since is not None:
            chosen["if_modified_since"] = header_instant(since)
        if self._where is not None:
            chosen["where"] = self._where
        if self._is_summary:
            chosen["summary_only"] = YES
        return self._ask(chosen)

    def _always(self, number: int) -> dict[str, Any]:
        chosen: dict[str, Any] = {}
        if self._resource.is_paged:
            chosen.update(order=ORDER, page=number, page_size=PAGE_ROWS_MAX)
        if self._resource.has_prices:
            chosen["unitdp"] = profile.UNIT_PRICE_DECIMALS
        if self._resource in (profile.CONTACTS, profile.TRACKING):
            chosen["include_archived"] = YES
        return chosen

    def _ask(self, chosen: dict[str, Any]) -> _Page:
        page = self._wire.read(
            self._resource.read,
            self._read,
            doing=f"pulling {self._entity}",
            entity=self._entity,
            cuts_rows=self._resource.is_cut,
            **chosen,
        )
        if self._began_at is None and page.made_at is not None:
            self._began_at = page.made_at.replace(microsecond=0)
        return page

    def _read(self, answer: Answer) -> _Page:
        root = answer.root
        rows = root.get(self._resource.name) if isinstance(root, dict) else None
        if not isinstance(rows, list):
            raise self._wire.damaged(f"no list of {self._resource.name} in the answer", "one, empty if there are none")
        paging = root.get("pagination")
        count = paging.get("pageCount") if isinstance(paging, dict) else None
        is_short = (
            isinstance(paging, dict) and paging.get("page") == 1 and count == 1 and paging.get("itemCount") != len(rows)
        )
        if is_short:
            raise self._wire.damaged(
                f"{len(rows)} records in a page that says {paging.get('itemCount')}", "every record"
            )
        return _Page(self._rows(rows, answer), answer.made_at, count if isinstance(count, int) else 1)

    def _rows(self, rows: list[Any], answer: Answer) -> list[Row]:
        if not answer.is_cut:
            return [Row(row, None, answer.is_suspect) for row in rows]
        try:
            return self._reader.read(rows, answer.text)
        except MalformedJson as failure:
            raise self._wire.damaged(f"a row that is not JSON ({failure})", "a whole JSON answer") from failure

    def _version(self, row: Row) -> tuple[str, str]:
        return version_of(row.value, self._resource)

    def _last_second(self, rows: Sequence[Row]) -> datetime:
        last: datetime | None = None
        for row in rows:
            moment = modified_at_of(row.value)
            if moment is None or moment == last:
                continue
            if last is not None and moment < last and moment.replace(microsecond=0) < last.replace(microsecond=0):
                raise self._wire.damaged("records that are not in the order asked for", "the order of UpdatedDateUTC")
            last = moment
        if last is None:
            raise self._wire.damaged("a full page without any modification time", "UpdatedDateUTC")
        return last.replace(microsecond=0)

    def _claim(self, instant: datetime | None) -> datetime | None:
        """The earlier of `instant` and the start of the walk: what changed after the start is the next walk's."""
        moments = [moment for moment in (instant, self._began_at) if moment is not None]
        return min(moments) if moments else None


def _second_of(row: Row) -> datetime | None:
    moment = modified_at_of(row.value)
    return moment.replace(microsecond=0) if moment else None


def _before(rows: Sequence[Row], until: datetime | None) -> Sequence[Row]:
    if until is None:
        return rows
    return [row for row in rows if (moment := modified_at_of(row.value)) is None or moment < until]
