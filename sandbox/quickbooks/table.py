"""The objects of one entity: each kept as the bytes it is answered with, and the indexes queries need.

Belongs here: keeping, finding and ordering the objects of one entity. All tables together are `store.py`.

An object is stored encoded (about 2.5 kB for an invoice of 5 lines) and decoded only when it is changed, so a page is
a join of bytes. Indexes by property are built when first asked for and kept up to date from then on.
"""

from bisect import bisect_left, insort
from collections.abc import Callable
from itertools import count
from typing import Any

from sandbox.quickbooks import wire
from sandbox.quickbooks.fields import reader
from sandbox.quickbooks.spec import Entity

Moment = tuple[int, int, str]
"""When an object last changed, in a total order: (microseconds since 1970, numeric Id or -1, Id)."""


Watcher = Callable[[str, bytes | None, bytes | None], None]
"""Told the entity and the encoded object before and after a change, None where it was or is not there; no entity means
that anything may have changed."""

_VERSIONS = count(1)
"""No two states of tables have the same version, so that what was computed from one is not taken for another's."""


class Row:
    """One stored object."""

    __slots__ = ("moment", "raw")

    def __init__(self, raw: bytes, moment: Moment) -> None:
        self.raw, self.moment = raw, moment

    def decoded(self) -> dict[str, Any]:
        return wire.decode(self.raw)


class Table:
    """All objects of one entity, with the stubs of deleted ones."""

    def __init__(self, entity: Entity, watchers: "list[Watcher] | None" = None) -> None:
        self.entity = entity
        self._watchers = watchers if watchers is not None else []
        self.rows: dict[str, Row] = {}
        self.stubs: dict[str, tuple[int, bytes]] = {}
        self.version = next(_VERSIONS)
        self._times: list[Moment] = []
        self._times_stale = False
        self._readers: dict[str, Callable[[bytes], Any]] = {}
        self._columns: dict[str, dict[str, Any]] = {}
        self._equal: dict[str, dict[Any, set[str]]] = {}
        self._orders: dict[tuple[str, bool], tuple[int, list[str]]] = {}

    def put(self, key: str, raw: bytes, moment: Moment, *, bulk: bool = False) -> None:
        """Store one object, replacing what has its key. `bulk` leaves the time index to be sorted at its next use."""
        was = self.rows.get(key)
        for watcher in self._watchers:
            watcher(self.entity.name, was.raw if was is not None else None, raw)
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
        self.version = next(_VERSIONS)

    def remove(self, key: str, stub: tuple[int, bytes] | None) -> None:
        """Take one object out; `stub` (when, encoded) is what change data capture will show of it."""
        for watcher in self._watchers:
            watcher(self.entity.name, self.rows[key].raw, None)
        was = self.rows.pop(key)
        if not self._times_stale:
            del self._times[bisect_left(self._times, was.moment)]
        for path, column in self._columns.items():
            value = column.pop(key, None)
            if path in self._equal:
                self._equal[path].get(folded(value), set()).discard(key)
        if stub is not None:
            self.stubs[key] = stub
        self.version = next(_VERSIONS)

    def bury(self, key: str, stub: tuple[int, bytes]) -> None:
        """Store the stub of a deleted object, whether or not the object is here."""
        if key in self.rows:
            self.remove(key, stub)
        self.stubs[key] = stub
        self.version = next(_VERSIONS)

    def snapshot(self) -> tuple[int, dict[str, Row], dict[str, tuple[int, bytes]]]:
        """The objects as they stand; a Row is never changed, only replaced, so the dictionaries are all it takes."""
        return self.version, dict(self.rows), dict(self.stubs)

    def restore(self, snapshot: tuple[int, dict[str, Row], dict[str, tuple[int, bytes]]]) -> None:
        """Put a snapshot back; indexes are built anew when they are next asked for."""
        version, rows, stubs = snapshot
        if version == self.version:
            return
        self.rows, self.stubs, self.version = dict(rows), dict(stubs), version
        self._times_stale = True
        self._columns.clear()
        self._equal.clear()
        self._orders.clear()

    def swap(self, rows: dict[str, Row | None]) -> None:
        """Put these rows in place of what has their keys, None for no object, for a moment: nobody is told."""
        watchers, self._watchers = self._watchers, []
        for key, row in rows.items():
            if row is not None:
                self.put(key, row.raw, row.moment)
            elif key in self.rows:
                self.remove(key, None)
        self._watchers = watchers

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
            read = self._readers[path] = reader(self.entity, path)
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
