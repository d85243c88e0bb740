"""The objects of the simulated company: each kept as the bytes it is answered with, and the indexes queries need.

Belongs here: keeping, finding and ordering objects. What a write does to an object is `writes.py`, what it does to
others `books.py`; nothing here knows an entity beyond its row in `spec.py`.

An object is stored encoded (about 2.5 kB for an invoice of 5 lines) and decoded only when it is changed, so a page is
a join of bytes. Indexes by property are built when first asked for and kept up to date from then on.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.quickbooks import wire
from sandbox.quickbooks.spec import ENTITIES, TYPES, Entity, Property

Moment = tuple[int, int, str]
"""When an object last changed, in a total order: (microseconds since 1970, numeric Id or -1, Id)."""


class Times(msgspec.Struct):
    CreateTime: str | None = None
    LastUpdatedTime: str | None = None


class Head(msgspec.Struct):
    """What must be read of every object when it is stored."""

    Id: str | None = None
    SyncToken: str | None = None
    status: str | None = None
    MetaData: Times | None = None


_HEAD = msgspec.json.Decoder(Head)


class Row:
    """One stored object."""

    __slots__ = ("moment", "raw")

    def __init__(self, raw: bytes, moment: Moment) -> None:
        self.raw, self.moment = raw, moment

    def decoded(self) -> dict[str, Any]:
        return wire.decode(self.raw)


def property_at(entity: Entity, path: str) -> Property | None:
    """The property at a dotted path, None when the entity has no such property;
    names are matched regardless of case.
    """
    kind, found = entity.name, None
    for part in path.split("."):
        if found is not None and found.kind == "reference" and part.lower() in ("value", "name"):
            return found
        properties = TYPES.get(kind, {})
        found = next((each for name, each in properties.items() if name.lower() == part.lower()), None)
        if found is None:
            return None
        kind = found.kind
    return found


def canonical_path(entity: Entity, path: str) -> str:
    """`path` in the schema's spelling: `metadata.lastupdatedtime` becomes `MetaData.LastUpdatedTime`."""
    parts, kind = [], entity.name
    for part in path.split("."):
        found = next((each for name, each in TYPES.get(kind, {}).items() if name.lower() == part.lower()), None)
        parts.append(found.name if found else part)
        kind = found.kind if found else ""
    return ".".join(parts)


def _reader(entity: Entity, path: str) -> Callable[[bytes], Any]:
    """A function from an encoded object to the comparable value of one property; it decodes nothing else."""
    found = property_at(entity, path)
    assert found is not None, f"{entity.name} has no property {path}"
    parts = path.split(".")
    if found.kind == "reference" and parts[-1] != "value":
        parts.append("value")
    if found.kind in ("EmailAddress", "TelephoneNumber", "WebSiteAddress"):
        parts.append(
            {"EmailAddress": "Address", "TelephoneNumber": "FreeFormNumber", "WebSiteAddress": "URI"}[found.kind]
        )
    nested: Any = Any
    for part in reversed(parts):
        nested = msgspec.defstruct("_", [(part, Any if nested is Any else nested | None, None)])
    decoder = msgspec.json.Decoder(nested, float_hook=Decimal)

    # An object that does not say whether it is active is.
    absent = True if path == "Active" else None

    def read(raw: bytes) -> Any:
        value = decoder.decode(raw)
        for part in parts:
            value = getattr(value, part)
            if value is None:
                return absent
        if found.kind == "time":
            return wire.micros_of(value)
        return str(value) if found.kind == "reference" and not isinstance(value, str) else value

    return read


class Table:
    """All objects of one entity, with the stubs of deleted ones."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.rows: dict[str, Row] = {}
        self.stubs: dict[str, tuple[int, bytes]] = {}
        self.version = 0
        self._times: list[Moment] = []
        self._times_stale = False
        self._readers: dict[str, Callable[[bytes], Any]] = {}
        self._columns: dict[str, dict[str, Any]] = {}
        self._equal: dict[str, dict[Any, set[str]]] = {}
        self._orders: dict[tuple[str, bool], tuple[int, list[str]]] = {}

    def put(self, key: str, raw: bytes, moment: Moment, *, bulk: bool = False) -> None:
        """Store one object, replacing what has its key. `bulk` leaves the time index to be sorted at its next use."""
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
        self.stubs.pop(key, None)
        self.version += 1

    def remove(self, key: str, stub: tuple[int, bytes] | None) -> None:
        """Take one object out; `stub` (when, encoded) is what change data capture will show of it."""
        was = self.rows.pop(key)
        if not self._times_stale:
            del self._times[bisect_left(self._times, was.moment)]
        for path, column in self._columns.items():
            value = column.pop(key, None)
            if path in self._equal:
                self._equal[path].get(folded(value), set()).discard(key)
        if stub is not None:
            self.stubs[key] = stub
        self.version += 1

    def times(self) -> list[Moment]:
        """All moments, ascending. Do not change the list."""
        if self._times_stale:
            self._times = sorted(row.moment for row in self.rows.values())
            self._times_stale = False
        return self._times

    def column(self, path: str) -> dict[str, Any]:
        """The values of one property by key; absent is None."""
        column = self._columns.get(path)
        if column is None:
            read = self._readers[path] = _reader(self.entity, path)
            column = self._columns[path] = {key: read(row.raw) for key, row in self.rows.items()}
        return column

    def equal(self, path: str, value: Any) -> set[str]:
        """The keys of the objects whose property equals `value`, texts compared regardless of case.

        Do not change the set.
        """
        index = self._equal.get(path)
        if index is None:
            index = self._equal[path] = {}
            for key, found in self.column(path).items():
                index.setdefault(folded(found), set()).add(key)
        return index.get(folded(value), set())

    def ordered(self, path: str, descending: bool) -> list[str]:
        """All keys ordered by one property, absent values first, ties by Id. Do not change the list."""
        cached = self._orders.get((path, descending))
        if cached is not None and cached[0] == self.version:
            return cached[1]
        if path == "Id":
            keys = sorted(self.rows, key=number_of)
        else:
            column = self.column(path)
            keys = sorted(self.rows, key=lambda key: (*_sortable(column[key]), number_of(key)))
        if descending:
            keys.reverse()
        self._orders[(path, descending)] = (self.version, keys)
        return keys


def folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    return (1, value) if not isinstance(value, str) else (2, value)


def number_of(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdigit() else (-1, key)


class Store:
    """One table per entity and the counters new Ids come from.

    `changed` is called with (entity name, key, encoded object or None when removed, encoded stub or None) after every
    change.
    """

    def __init__(self, changed: Callable[[str, str, bytes | None, bytes | None], None] | None = None) -> None:
        self.tables = {entity.name: Table(entity) for entity in ENTITIES}
        self.counters: dict[str, int] = {}
        self.changed = changed

    def next_id(self, sequence: str) -> str:
        self.counters[sequence] = self.counters.get(sequence, 0) + 1
        return str(self.counters[sequence])

    def get(self, entity: str, key: str) -> dict[str, Any] | None:
        row = self.tables[entity].rows.get(key)
        return row.decoded() if row is not None else None

    def save(self, entity: str, value: dict[str, Any]) -> None:
        """Store one complete object (Id, SyncToken and MetaData in it)."""
        self._put(self.tables[entity], key_of(self.tables[entity].entity, value), wire.encode(value), value["MetaData"])

    def _put(self, table: Table, key: str, raw: bytes, meta: dict[str, Any], *, bulk: bool = False) -> None:
        number = int(key) if key.isdigit() else -1
        updated = meta.get("LastUpdatedTime") or meta.get("CreateTime")
        table.put(key, raw, (wire.micros_of(updated) if updated else 0, number, key), bulk=bulk)
        sequence = table.entity.sequence
        if number > self.counters.get(sequence, 0):
            self.counters[sequence] = number
        if self.changed is not None:
            self.changed(table.entity.name, key, raw, None)

    def remove(self, entity: str, key: str, stub: dict[str, Any]) -> None:
        raw = wire.encode(stub)
        self.tables[entity].remove(key, (wire.micros_of(stub["MetaData"]["LastUpdatedTime"]), raw))
        if self.changed is not None:
            self.changed(entity, key, None, raw)

    def load(self, entity: str, objects: Iterable[bytes | msgspec.Raw], now: str) -> int:
        """Store encoded objects as given; what replaces what by Id. Only a missing Id, SyncToken or MetaData is
        filled in (not for the pseudo tax codes TAX and NON, which have none).

        An object with `"status": "Deleted"` becomes a stub for change data capture. Raises ValueError naming the
        object that cannot be stored; those before it are stored.
        """
        table, count = self.tables[entity], 0
        for given in objects:
            raw = bytes(given)
            try:
                head = _HEAD.decode(raw)
                meta = head.MetaData
                times = {"LastUpdatedTime": meta.LastUpdatedTime, "CreateTime": meta.CreateTime} if meta else {}
                if head.status == "Deleted" and head.Id is not None:
                    updated = times.get("LastUpdatedTime") or now
                    table.stubs[head.Id] = (wire.micros_of(updated), raw)
                    self._forget(table, head.Id)
                elif head.Id is not None and (
                    not head.Id.isdigit() or (head.SyncToken is not None and any(times.values()))
                ):
                    self._put(table, head.Id, raw, times, bulk=True)
                else:
                    value = self._completed(table.entity, wire.decode(raw), now)
                    self._put(table, key_of(table.entity, value), wire.encode(value), value["MetaData"], bulk=True)
            except (msgspec.DecodeError, ValueError) as error:
                raise ValueError(f"{entity} object {count + 1} (of this call) cannot be stored: {error}") from error
            count += 1
        return count

    def _forget(self, table: Table, key: str) -> None:
        if key in table.rows:
            stub = table.stubs[key]
            table.remove(key, stub)

    def _completed(self, entity: Entity, value: dict[str, Any], now: str) -> dict[str, Any]:
        if not entity.key and not value.get("Id"):
            value["Id"] = "1" if entity.kind == "single" else self.next_id(entity.sequence)
        value.setdefault("SyncToken", "0")
        meta = value.setdefault("MetaData", {})
        meta.setdefault("CreateTime", now)
        meta.setdefault("LastUpdatedTime", meta["CreateTime"])
        value.setdefault("domain", "QBO")
        value.setdefault("sparse", False)
        return value

    def restore(self, entity: str, key: str, raw: bytes | None, stub: bytes | None) -> None:
        """Take over one entry of a journal (`persist.py`)."""
        table = self.tables[entity]
        if raw is not None:
            self._put(table, key, raw, (wire.decode(raw).get("MetaData") or {}), bulk=True)
            return
        if key in table.rows:
            table.remove(key, None)
        if stub is not None:
            updated = wire.decode(stub).get("MetaData", {}).get("LastUpdatedTime")
            table.stubs[key] = (wire.micros_of(updated) if updated else 0, stub)

    def objects(self, entity: str) -> Iterator[bytes]:
        """The encoded objects of one entity, in the order they were first stored."""
        return (row.raw for row in self.tables[entity].rows.values())


def key_of(entity: Entity, value: dict[str, Any]) -> str:
    if entity.key:
        return "|".join(str(value.get(part, "")) for part in entity.key.split())
    return str(value["Id"])
