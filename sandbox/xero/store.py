"""The records of a simulated organisation: each kept as the bytes it is answered with, and the indexes reading needs.

Belongs here: keeping, finding and ordering records. What a write does to one is in the modules of the resources; which
of them a list shows is `reading.py`.

A record is stored encoded and decoded only when it is changed, so a page is a join of bytes. Indexes by property are
built when first asked for and kept up to date from then on.
"""

import hashlib
import re
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID

import msgspec

from sandbox.xero import wire
from sandbox.xero.properties import TYPES
from sandbox.xero.resources import RESOURCES, Resource

Moment = tuple[int, str]
"""When a record last changed, in the order of lists: (milliseconds since 1970, id)."""


_FINE = re.compile(rb'"Unit(?:Amount|Price)": ?-?\d+\.\d\d\d*?[1-9]')


_VERSIONS = count(1)
"""No two states of tables have the same version, so that a list found in one is not taken for another's."""


class Row:
    """One stored record."""

    __slots__ = ("moment", "raw")

    def __init__(self, raw: bytes, moment: Moment) -> None:
        self.raw, self.moment = raw, moment


class Table:
    """All records of one resource."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.rows: dict[str, Row] = {}
        self.version = next(_VERSIONS)
        self._times: list[Moment] = []
        self._times_stale = False
        self._readers: dict[str, Callable[[bytes], Any]] = {}
        self._columns: dict[str, dict[str, Any]] = {}
        self._equal: dict[str, dict[Any, set[str]]] = {}
        self.heads = msgspec.json.Decoder(
            msgspec.defstruct("Head", [(resource.key, str | None, None), (resource.changed, str | None, None)])
        )

    def put(self, key: str, raw: bytes, moment: Moment, *, bulk: bool = False) -> None:
        """Store one record, replacing what has its key. `bulk` leaves the time order to be made at its next use."""
        was = self.rows.get(key)
        if bulk or self._times_stale:
            self._times_stale = True
        else:
            if was is not None:
                del self._times[bisect_left(self._times, was.moment)]
            insort(self._times, moment)
        for path, column in self._columns.items():
            value = self._readers[path](raw)
            index = self._equal.get(path)
            if index is not None:
                if was is not None:
                    index.get(folded(column.get(key)), set()).discard(key)
                index.setdefault(folded(value), set()).add(key)
            column[key] = value
        self.rows[key] = Row(raw, moment)
        self.version = next(_VERSIONS)

    def remove(self, key: str) -> None:
        was = self.rows.pop(key)
        if not self._times_stale:
            del self._times[bisect_left(self._times, was.moment)]
        for path, column in self._columns.items():
            value = column.pop(key, None)
            if path in self._equal:
                self._equal[path].get(folded(value), set()).discard(key)
        self.version = next(_VERSIONS)

    def take_rows(self, rows: dict[str, Row]) -> None:
        """Put all records in place of those there are; indexes are made anew when asked for."""
        self.rows, self._times_stale = rows, True
        self._columns, self._equal = {}, {}
        self.version = next(_VERSIONS)

    def times(self) -> list[Moment]:
        """All moments, ascending. Do not change the list."""
        if self._times_stale:
            self._times = sorted(row.moment for row in self.rows.values())
            self._times_stale = False
        return self._times

    def column(self, path: str) -> dict[str, Any]:
        """The comparable values of one property by key: days and times as milliseconds; absent is None."""
        column = self._columns.get(path)
        if column is None:
            read = self._readers[path] = _reader(path)
            column = self._columns[path] = {key: read(row.raw) for key, row in self.rows.items()}
        return column

    def equal(self, path: str, value: Any) -> set[str]:
        """The keys of the records whose property equals `value`, texts regardless of case. Do not change the set."""
        index = self._equal.get(path)
        if index is None:
            index = self._equal[path] = {}
            for key, found in self.column(path).items():
                index.setdefault(folded(found), set()).add(key)
        return index.get(folded(value), set())


@cache
def _reader(path: str) -> Callable[[bytes], Any]:
    """A function from an encoded record to the comparable value at a dotted path; it decodes nothing else."""
    parts = path.split(".")
    nested: Any = Any
    for part in reversed(parts):
        nested = msgspec.defstruct("_", [(part, Any if nested is Any else nested | None, None)])
    decoder = msgspec.json.Decoder(nested, float_hook=Decimal)

    def read(raw: bytes) -> Any:
        value = decoder.decode(raw)
        for part in parts:
            value = getattr(value, part)
            if value is None:
                return None
        if isinstance(value, str) and value.startswith("/Date("):
            return wire.read_ms(value)
        return value

    return read


def canonical_path(kind: str, path: str) -> str | None:
    """`path` in the description's spelling, None when the type has no such property; a type without a description
    has every property.
    """
    parts = []
    for part in path.split("."):
        known = TYPES.get(kind)
        if known is None:
            parts.append(part)
            continue
        # Embedded documents are addressed by ids in either spelling (Invoice.InvoiceId).
        name = next((name for name in known if name.lower() == part.lower()), None)
        if name is None or known[name].startswith("["):
            return None
        parts.append(name)
        kind = known[name]
    return ".".join(parts)


def folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


class Ids:
    """Guids of an organisation from a counter: the same requests to a fresh simulator make the same ids."""

    def __init__(self, tenant_id: str) -> None:
        self._tenant_id, self.count = tenant_id, 0

    def new(self) -> str:
        self.count += 1
        digest = hashlib.sha1(f"{self._tenant_id} {self.count}".encode(), usedforsecurity=False).digest()
        return str(UUID(bytes=digest[:16], version=4))


class Books:
    """One organisation's records, attachments and history.

    `changed` is called with (resource name, key, encoded record or None when removed) after every change.
    """

    def __init__(self, tenant_id: str) -> None:
        self.tenant_id = tenant_id
        self.tables = {each.name: Table(each) for each in RESOURCES}
        self.ids = Ids(tenant_id)
        self.numbers: dict[str, int] = {}
        self.attachments: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.contents: dict[str, bytes] = {}
        self.history: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.fine: set[str] = set()
        """Keys of records with unit prices of more than two decimals."""
        self.by_app: set[str] = set()
        """Keys of records an app created."""
        self.sides_changed: set[tuple[str, str]] = set()
        """Records whose attachments or history changed since this was last emptied."""
        self.changed: Callable[[str, str, bytes | None], None] | None = None

    def get(self, name: str, key: str) -> dict[str, Any] | None:
        row = self.tables[name].rows.get(key)
        return wire.decode(row.raw) if row is not None else None

    def first(self, name: str, path: str, value: Any) -> dict[str, Any] | None:
        """The record with this property, the one that changed first where there are several."""
        table = self.tables[name]
        keys = table.equal(path, value)
        return self.get(name, min(keys, key=lambda key: table.rows[key].moment)) if keys else None

    def organisation(self) -> dict[str, Any]:
        return self.get("Organisation", self.tenant_id) or {}

    def save(self, name: str, value: dict[str, Any]) -> None:
        """Store one complete record."""
        table = self.tables[name]
        self.put(name, str(value[table.resource.key]), wire.encode(value))

    def put(self, name: str, key: str, raw: bytes, *, bulk: bool = False) -> None:
        table = self.tables[name]
        updated = getattr(table.heads.decode(raw), table.resource.changed)
        table.put(key, raw, ((wire.read_ms(updated) if updated else None) or 0, key), bulk=bulk)
        if _FINE.search(raw):
            self.fine.add(key)
        else:
            self.fine.discard(key)
        if self.changed is not None:
            self.changed(name, key, raw)

    def remove(self, name: str, key: str) -> None:
        self.tables[name].remove(key)
        if self.changed is not None:
            self.changed(name, key, None)

    def restore(self, name: str, key: str, was: Row | None) -> None:
        """Put a record back as it was before a write that is being undone."""
        if was is None:
            self.remove(name, key)
        else:
            self.put(name, key, was.raw)

    def load(self, name: str, records: Iterable[bytes | msgspec.Raw], now_ms: int) -> int:
        """Store encoded records as given, replacing by id. Only a missing id or time of change is filled in.

        Raises ValueError naming the record that cannot be stored; those before it are stored.
        """
        table, count = self.tables[name], 0
        for given in records:
            raw = bytes(given)
            try:
                head = table.heads.decode(raw)
                key = getattr(head, table.resource.key)
                if not key or ("modified" in table.resource.filters and getattr(head, table.resource.changed) is None):
                    value = wire.decode(raw)
                    if not key:
                        key = value[table.resource.key] = self.ids.new()
                    if "modified" in table.resource.filters:
                        value.setdefault(table.resource.changed, wire.stamp(now_ms))
                    raw = wire.encode(value)
                self.put(name, key, raw, bulk=True)
            except (msgspec.DecodeError, ValueError, TypeError) as error:
                raise ValueError(f"{name} record {count + 1} (of this call) cannot be stored: {error}") from error
            count += 1
        return count

    def snapshot(self) -> Any:
        """Everything, as values that later changes leave alone."""
        return (
            {name: dict(table.rows) for name, table in self.tables.items()},
            self.ids.count,
            dict(self.numbers),
            {at: list(each) for at, each in self.attachments.items()},
            dict(self.contents),
            {at: list(each) for at, each in self.history.items()},
            set(self.fine),
            set(self.by_app),
        )

    def take_snapshot(self, snapshot: Any) -> None:
        rows, self.ids.count, numbers, attachments, contents, history, fine, by_app = snapshot
        for name, table in self.tables.items():
            table.take_rows(dict(rows[name]))
        self.numbers, self.contents, self.fine, self.by_app = dict(numbers), dict(contents), set(fine), set(by_app)
        self.attachments = {at: list(each) for at, each in attachments.items()}
        self.history = {at: list(each) for at, each in history.items()}
