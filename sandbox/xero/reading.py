"""Reading: which records a list shows, in which order, and how much of each.

Belongs here: filters, order, pages and the shortened forms. The grammar of `where` is `where.py`, what a resource
obeys is one row of `resources.py`. Facts: reference section 4.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from sandbox.xero import wire
from sandbox.xero.resources import Resource
from sandbox.xero.store import Books, Table
from sandbox.xero.switches import Switches
from sandbox.xero.where import choose, plain, sort_order

PAGE_ROWS, PAGE_ROWS_MAX, ANSWER_ROWS_MAX, JOURNALS = 100, 1000, 100_000, 100
_FINDS_KEPT = 32
_SHALLOW, _EMPTY = msgspec.json.Decoder(dict[str, msgspec.Raw]), msgspec.Raw(b"[]")


@dataclass(frozen=True, slots=True)
class Page:
    """What a list answers: encoded records, and the pagination object where there is one."""

    rows: list[bytes]
    pagination: dict[str, int] | None = None


class Reader:
    """Reads one organisation's records. Keeps what was found last, so that the next page need not search for it."""

    def __init__(self, books: Books, options: Switches) -> None:
        self._books, self._options = books, options
        self._found: OrderedDict[tuple[Any, ...], tuple[int, Any]] = OrderedDict()

    def one(self, resource: Resource, given: str, query: dict[str, str]) -> bytes:
        """One record by its id, or by a natural key. Raises NotFound."""
        table = self._books.tables[resource.name]
        key = given if given in table.rows else given.lower()
        if key not in table.rows:
            found = [each for path in resource.natural for each in sorted(table.equal(path, given))]
            if not found:
                raise wire.NotFound(f"{resource.name}/{given}")
            key = found[0]
        return self._full(table, key, query)

    def page(self, resource: Resource, query: dict[str, str], since: str | None) -> Page:
        """One page of a list, or the whole list where paging was not asked for. Raises Problem."""
        table = self._books.tables[resource.name]
        keys = self._keys(resource, query, since)
        if resource.name == "Journals":
            return Page([self._full(table, key, query) for key in keys[:JOURNALS]])
        is_summary = bool(resource.summary_drop) and _is_true(query.get("summaryOnly"))
        is_paged = resource.paging == "always" or (
            resource.paging == "asked" and ("page" in query or is_summary or bool(query.get("Statuses")))
        )
        if not is_paged:
            if len(keys) > ANSWER_ROWS_MAX:
                raise wire.bad_query(f"More than {ANSWER_ROWS_MAX} records would be returned: use paging")
            return Page([self._short(table, key, query) for key in keys])
        number, size = (
            _integer(query.get("page"), 1, 1, 10**9),
            _integer(query.get("pageSize"), PAGE_ROWS, 1, PAGE_ROWS_MAX),
        )
        chosen = keys[(number - 1) * size : number * size]
        pages = -(-len(keys) // size)
        counted = {"page": number, "pageSize": size, "pageCount": pages, "itemCount": len(keys)}
        pagination = counted if resource.is_counted else None
        if is_summary:
            return Page([_without(table.rows[key].raw, resource.summary_drop, "") for key in chosen], pagination)
        return Page([self._full(table, key, query) for key in chosen], pagination)

    def _full(self, table: Table, key: str, query: dict[str, str]) -> bytes:
        raw = table.rows[key].raw
        if key not in self._books.fine or query.get("unitdp") == "4" or table.resource.name == "PurchaseOrders":
            return raw
        return wire.encode(rounded_units(wire.decode(raw)))

    def _short(self, table: Table, key: str, query: dict[str, str]) -> bytes:
        resource = table.resource
        if not resource.blank and not resource.drop:
            return self._full(table, key, query)
        return _without(table.rows[key].raw, resource.drop, resource.blank)

    # -- choosing ----------------------------------------------------------------------------------------------------

    def _keys(self, resource: Resource, query: dict[str, str], since: str | None) -> list[str]:
        table = self._books.tables[resource.name]
        moment = _since(since) if since and "modified" in resource.filters else None
        asked = tuple((name, value) for name, value in sorted(query.items()) if name not in ("page", "pageSize"))
        return self._kept(table, (asked, moment), lambda: self._search(resource, table, query, moment))

    def _kept(self, table: Table, signature: tuple[Any, ...], find: Callable[[], Any]) -> Any:
        """What was found in the table as it is now, or what is found in it if that is not known any more."""
        signature = (table.resource.name, *signature)
        known = self._found.pop(signature, None)
        if known is None or known[0] != table.version:
            known = (table.version, find())
        self._found[signature] = known
        while len(self._found) > _FINDS_KEPT:
            self._found.popitem(last=False)
        return known[1]

    def _search(self, resource: Resource, table: Table, query: dict[str, str], moment: int | None) -> list[str]:
        order = query.get("order", "").strip() if "order" in resource.filters else ""
        where = query.get("where", "").strip() if "where" in resource.filters else ""
        self._check_size(resource, table, order)
        # The order all clients ask for is the one tables are kept in.
        is_by_time = "".join(order.lower().split()) in ("", "updateddateutc", "updateddateutcasc")
        times = table.times()
        first = 0 if moment is None else bisect_left(times, (moment, ""))
        keys = [key for _, key in times[first:]] if is_by_time else sort_order(order, table)
        tests: list[set[str]] = []
        if first and not is_by_time:
            tests.append({key for _, key in times[first:]})
        if where:
            # Who goes on by time asks anew for each page.
            tests.append(self._kept(table, ("where", where), lambda: choose(where, table)))
        for parameter, path in resource.lists:
            if query.get(parameter):
                wanted = [each.strip() for each in query[parameter].split(",") if each.strip()]
                found = [table.equal(path, each) for each in wanted]
                if self._options.unknown_ids == "refuse" and parameter == "IDs" and not all(found):
                    raise wire.bad_query("The document with the supplied id was not found for this endpoint.")
                tests.append(set().union(*found))
        if resource.archived is not None and not _is_true(query.get("includeArchived")):
            path, value = resource.archived
            hidden = table.equal(path, value)
            if hidden:
                tests.append(table.rows.keys() - hidden)
        if query.get("searchTerm") and resource.search:
            tests.append(self._searched(table, plain(query["searchTerm"])))
        if _is_true(query.get("createdByMyApp")):
            tests.append(self._books.by_app & table.rows.keys())
        for name, low in (("DateFrom", True), ("DateTo", False)):
            if query.get(name) and resource.paging == "always":
                tests.append(_dated(table, query[name], low))
        if resource.name == "Journals":
            offset, column = _integer(query.get("offset"), 0, 0, 10**12), table.column("JournalNumber")
            keys = sorted((key for key in keys if int(column[key] or 0) > offset), key=lambda key: int(column[key]))
        for test in tests:
            keys = [key for key in keys if key in test]
        return keys

    def _check_size(self, resource: Resource, table: Table, order: str) -> None:
        field = order.partition(" ")[0].lower()
        is_large = len(table.rows) > ANSWER_ROWS_MAX and bool(resource.optimised)
        if field and is_large and field not in resource.optimised.lower().split():
            raise wire.bad_query(f"An order by {field} over more than {ANSWER_ROWS_MAX} records is not allowed")

    def _searched(self, table: Table, term: str) -> set[str]:
        columns = [table.column(path) for path in table.resource.search.split()]
        return {key for key in table.rows if any(term in plain(column.get(key) or "") for column in columns)}


def rounded_units(value: dict[str, Any]) -> dict[str, Any]:
    """A record with its unit prices to two decimals, as it is read without unitdp=4."""
    for line in value.get("LineItems", ()):
        if "UnitAmount" in line:
            line["UnitAmount"] = wire.half_up(wire.number(line["UnitAmount"]))
    for half in ("SalesDetails", "PurchaseDetails"):
        if "UnitPrice" in value.get(half, ()):
            value[half]["UnitPrice"] = wire.half_up(wire.number(value[half]["UnitPrice"]))
    return value


def _without(raw: bytes, drop: str, blank: str) -> bytes:
    """The record with some properties left out and some emptied; what is kept stands as it was written."""
    value = _SHALLOW.decode(raw)
    for name in drop.split():
        value.pop(name, None)
    for name in blank.split():
        value[name] = _EMPTY
    return wire.encode(value)


def _dated(table: Table, text: str, low: bool) -> set[str]:
    try:
        bound = wire.read_ms(wire.day_stamp(wire.day_of(text))) or 0
    except ValueError as error:
        raise wire.bad_query(f"The date {text} cannot be read") from error
    column = table.column("Date")
    return {key for key, value in column.items() if value is not None and (value >= bound if low else value <= bound)}


def _since(text: str) -> int | None:
    """If-Modified-Since in milliseconds, cut to the second; None when it cannot be read (then it is ignored)."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            instant = parsedate_to_datetime(text)
        except ValueError:
            return None
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return wire.ms_of(instant.replace(microsecond=0))


def _integer(text: str | None, default: int, low: int, high: int) -> int:
    try:
        return min(max(int(text or default), low), high)
    except ValueError:
        return default


def _is_true(text: str | None) -> bool:
    return (text or "").lower() == "true"
