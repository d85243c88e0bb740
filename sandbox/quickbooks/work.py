"""The objects one write touches, changed together or not at all.

Belongs here: reading for change, remembering how things were, saving at the end. A Refusal on the way leaves the
store as it was, because nothing is saved before `commit`.
"""

from copy import deepcopy
from datetime import datetime
from typing import Any

from sandbox.quickbooks import wire
from sandbox.quickbooks.spec import BY_NAME
from sandbox.quickbooks.store import Store, inner, key_of

Key = tuple[str, str]

VERSION, TIME, LOOKS = 3, 2, 1
"""How much a change shows: SyncToken and LastUpdatedTime move, LastUpdatedTime alone moves, or neither."""


class Work:
    """An overlay over the store for one write."""

    def __init__(self, store: Store, now: datetime) -> None:
        self.store, self.now = store, now
        self.before: dict[Key, dict[str, Any] | None] = {}
        self._present: dict[Key, dict[str, Any] | None] = {}
        self._marks: dict[Key, int] = {}

    def get(self, entity: str, key: str) -> dict[str, Any] | None:
        """The object as it stands in this write, to be changed in place (then `touch` it); None when there is none."""
        at = (entity, key)
        if at not in self._present:
            self._present[at] = self.store.get(entity, key)
            self.before[at] = deepcopy(self._present[at])
        return self._present[at]

    def touch(self, entity: str, key: str, mark: int) -> None:
        self._marks[(entity, key)] = max(mark, self._marks.get((entity, key), 0))

    def replace(self, entity: str, value: dict[str, Any], mark: int = VERSION) -> None:
        """Put a new or changed object in; a new one's before is None."""
        key = key_of(BY_NAME[entity], value)
        self.get(entity, key)
        self._present[(entity, key)] = value
        self.touch(entity, key, mark)

    def remove(self, entity: str, key: str) -> None:
        self.get(entity, key)
        self._present[(entity, key)] = None
        self.touch(entity, key, VERSION)

    def changed(self) -> list[tuple[Key, dict[str, Any] | None, dict[str, Any] | None]]:
        """Every touched object: (entity and key, before, now); None where it was or is not there."""
        return [(at, self.before[at], self._present[at]) for at in self._marks]

    def commit(self) -> None:
        """Save everything touched, with one time for all; lists first, because transactions refer to them."""
        moment = wire.stamp(self.now)
        for (entity, key), mark in sorted(self._marks.items(), key=lambda each: BY_NAME[each[0][0]].kind != "name"):
            before, present = self.before[(entity, key)], self._present[(entity, key)]
            if present is None:
                if before is not None:
                    stub = {"domain": "QBO", "status": "Deleted", "Id": key, "MetaData": {"LastUpdatedTime": moment}}
                    self.store.remove(entity, key, stub)
                continue
            own = inner(BY_NAME[entity], present)
            meta = own.setdefault("MetaData", {})
            if before is None:
                own["SyncToken"] = "0"
                meta.setdefault("CreateTime", moment)
                meta["LastUpdatedTime"] = moment
            elif mark >= TIME:
                meta["LastUpdatedTime"] = moment
                if mark == VERSION:
                    own["SyncToken"] = str(int(inner(BY_NAME[entity], before).get("SyncToken", "0")) + 1)
            self.store.save(entity, present)
