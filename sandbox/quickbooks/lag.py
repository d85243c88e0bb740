"""Queries that do not see a write yet.

Belongs here: remembering for a while how objects were before their last changes, and showing a table that way. Whether
the service's queries lag is not known; the switch `query_lag_seconds` (0 by default) makes them.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sandbox.quickbooks.store import Store
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.table import Row
from sandbox.world import World


class Lag:
    """The changes of the last `query_lag_seconds`, oldest first."""

    def __init__(self, world: World, options: Switches, store: Store) -> None:
        self._world, self._options, self._store = world, options, store
        self._recent: deque[tuple[datetime, str, str, Row | None]] = deque()

    def note(self, entity: str, key: str, before: Row | None) -> None:
        """An object was changed; `before` is its row until now."""
        if self._options.query_lag_seconds:
            self._recent.append((self._world.clock.now(), entity, key, before))

    def clear(self) -> None:
        self._recent.clear()

    @contextmanager
    def hidden(self, entity: str) -> Iterator[None]:
        """Within the block the entity's table is as it was `query_lag_seconds` ago."""
        visible_until = self._world.clock.now() - timedelta(seconds=self._options.query_lag_seconds)
        while self._recent and self._recent[0][0] <= visible_until:
            self._recent.popleft()
        table, was = self._store.tables[entity], {}
        for _, name, key, before in self._recent:
            if name == entity:
                was.setdefault(key, before)
        present = {key: table.rows.get(key) for key in was}
        stubs = {key: table.stubs[key] for key in was if key in table.stubs}
        table.swap(was)
        try:
            yield
        finally:
            table.swap(present)
            table.stubs.update(stubs)
