"""One connection's work in progress: its lease, its log entry, its connector, and transactions that prove the lease."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg

from resources.connector import Connector
from resources.profile import ErpProfile
from resources.stores import leases
from resources.stores.connections import Connection
from resources.stores.database import Database


@dataclass(slots=True)
class Outcome:
    """What a sync did to one entity. `pulled` counts records the ERP sent, the rest counts records that changed."""

    pulled: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    held: int = 0
    pushed: int = 0
    api_calls: int = 0
    seconds: float = 0.0

    @property
    def is_quiet(self) -> bool:
        """Nothing changed here."""
        return not (self.inserted or self.updated or self.deleted)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 3)}


@dataclass(slots=True)
class Work:
    """Everything a stage needs to work on one connection."""

    db: Database
    connection: Connection
    erp: ErpProfile
    connector: Connector
    lease: leases.Lease
    run_id: int
    on_progress: Callable[[str, str, int], None]
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[Any]]:
        """A transaction of this tenant that commits only while the lease is ours."""
        with self.db.transaction(self.connection.tenant) as tx:
            leases.hold(tx, self.lease)
            yield tx

    @contextmanager
    def reading(self) -> Iterator[psycopg.Connection[Any]]:
        """A transaction of this tenant that only reads."""
        with self.db.transaction(self.connection.tenant) as tx:
            yield tx

    def keep_lease(self) -> None:
        """Extend the lease during work that writes nothing for long. Raises LeaseLostError."""
        with self.transaction():
            pass

    def outcome(self, entity: str) -> Outcome:
        return self.outcomes.setdefault(entity, Outcome())
