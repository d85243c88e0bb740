"""The objects of the simulated company: a table per entity, and the counters new Ids come from.

Belongs here: storing, loading and removing objects, and telling of it. What a write does to an object is `writes.py`,
what it does to others `books.py`; nothing here knows an entity beyond its row in `spec/`. One entity's objects and
indexes are `table.py`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from sandbox.quickbooks import wire
from sandbox.quickbooks.spec import ENTITIES, Entity
from sandbox.quickbooks.table import Row, Table, Watcher


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

Changed = Callable[[str, str, Row | None, bytes | None, bytes | None], None]
"""Told of a change: entity name, key, the row before or None, the encoded object or None when removed, the encoded stub
or None."""


def inner(entity: Entity, value: dict[str, Any]) -> dict[str, Any]:
    """The object that has Id, SyncToken and MetaData: the value itself, or what it wraps."""
    if not entity.is_wrapper:
        return value
    return next((each for each in value.values() if isinstance(each, dict)), {})


class Store:
    """One table per entity and the counters new Ids come from.

    `changed` is called after every change, `watchers` hear of every one before it is made.
    """

    def __init__(self, changed: Changed | None = None) -> None:
        self.watchers: list[Watcher] = []
        self.tables = {entity.name: Table(entity, self.watchers) for entity in ENTITIES}
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
        table = self.tables[entity]
        self._put(table, key_of(table.entity, value), wire.encode(value), inner(table.entity, value)["MetaData"])

    def _put(self, table: Table, key: str, raw: bytes, meta: dict[str, Any], *, bulk: bool = False) -> None:
        number, before = int(key) if key.isdigit() else -1, table.rows.get(key)
        updated = meta.get("LastUpdatedTime") or meta.get("CreateTime")
        table.put(key, raw, (wire.micros_of(updated) if updated else 0, number, key), bulk=bulk)
        sequence = table.entity.sequence
        if number > self.counters.get(sequence, 0):
            self.counters[sequence] = number
        if self.changed is not None:
            self.changed(table.entity.name, key, before, raw, None)

    def remove(self, entity: str, key: str, stub: dict[str, Any]) -> None:
        raw, before = wire.encode(stub), self.tables[entity].rows.get(key)
        self.tables[entity].remove(key, (wire.micros_of(stub["MetaData"]["LastUpdatedTime"]), raw))
        if self.changed is not None:
            self.changed(entity, key, before, None, raw)

    def drop(self, entity: str, key: str) -> None:
        """Take an object out without a trace."""
        before = self.tables[entity].rows.get(key)
        self.tables[entity].remove(key, None)
        if self.changed is not None:
            self.changed(entity, key, before, None, None)

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
                if table.entity.is_wrapper and head.Id is None:
                    value = wire.decode(raw)
                    own = self._completed(table.entity, inner(table.entity, value), now)
                    self._put(table, str(own["Id"]), wire.encode(value), own["MetaData"], bulk=True)
                    count += 1
                    continue
                meta = head.MetaData
                times = {"LastUpdatedTime": meta.LastUpdatedTime, "CreateTime": meta.CreateTime} if meta else {}
                if head.status == "Deleted" and head.Id is not None:
                    updated = times.get("LastUpdatedTime") or now
                    before = table.rows.get(head.Id)
                    table.bury(head.Id, (wire.micros_of(updated), raw))
                    if self.changed is not None:
                        self.changed(entity, head.Id, before, None, raw)
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

    def take(self, entity: str, key: str, raw: bytes | None, stub: bytes | None) -> None:
        """Take over one entry of a journal file."""
        table = self.tables[entity]
        if raw is not None:
            self._put(table, key, raw, inner(table.entity, wire.decode(raw)).get("MetaData") or {}, bulk=True)
            return
        if stub is not None:
            updated = wire.decode(stub).get("MetaData", {}).get("LastUpdatedTime")
            table.bury(key, (wire.micros_of(updated) if updated else 0, stub))
        elif key in table.rows:
            table.remove(key, None)

    def snapshot(self) -> Any:
        """All tables and counters, as `restore` takes them."""
        return {name: table.snapshot() for name, table in self.tables.items()}, dict(self.counters)

    def restore(self, snapshot: Any) -> None:
        tables, counters = snapshot
        for name, table in self.tables.items():
            table.restore(tables[name])
        self.counters = dict(counters)
        for watcher in self.watchers:
            watcher("", None, None)

    def objects(self, entity: str) -> Iterator[bytes]:
        """The encoded objects of one entity, in the order they were first stored."""
        return (row.raw for row in self.tables[entity].rows.values())


def key_of(entity: Entity, value: dict[str, Any]) -> str:
    if entity.key:
        return "|".join(str(value.get(part, "")) for part in entity.key.split())
    return str(inner(entity, value)["Id"])
