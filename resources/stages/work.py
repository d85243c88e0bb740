"""One connection's work in progress: its lease, its log entry, its connector, and transactions that prove the lease."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.errors import DeadlockDetected, LockNotAvailable

from ledger.entities import REFERENCE_ENTITIES
from resources.connector import Composer, Connector
from resources.errors import ErrorKind, TieoutError
from resources.profile import ErpProfile
from resources.stores import leases, mirror
from resources.stores.connections import Connection
from resources.stores.database import Database, writers_in
from resources.stores.references import References

# How long a row is waited for that somebody has written and not committed. Others wait for what we hold meanwhile.
LOCK_SECONDS_MAX = 20


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
    pace: float = 1.0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    references: References = field(default_factory=References)
    _composer: Composer | None = None
    _held_until: datetime | None = None

    @property
    def composer(self) -> Composer:
        """What composes bodies for this company, from its reference data as mirrored when it was first asked for."""
        if self._composer is None:
            with self.reading() as tx:
                self._composer = composer_of(tx, self.erp, self.connection)
        return self._composer

    @contextmanager
    def transaction(self, *, is_redoable: bool = False) -> Iterator[psycopg.Connection[Any]]:
        """A transaction of this tenant that commits only while the lease is ours, and writes as the sync.

        `is_redoable`: it stores what the ERP still has, together with the cursor that says so, and need not wait for
        the disk. If the server's machine fails in the next moments, both are lost together and read again; and every
        commit that waits, such as the one that ends this work, waits for all before it as well. A worker that outlives
        the server's fall is told by its next transaction (CommitsLostError): what it knows of is no longer there, and a
        watermark moved now would pass over it.

        Raises TieoutError (SYSTEM) where somebody else's transaction stays open on a row that is to be written, and
        where it waits for one of ours and PostgreSQL has ended ours.
        """
        committing: datetime | None = None
        settings = {
            "tieout.is_sync": "on",
            "synchronous_commit": "off" if is_redoable else "on",
            "lock_timeout": f"{LOCK_SECONDS_MAX * 1000:.0f}",
        }
        try:
            with self.db.transaction(self.connection.tenant, **settings) as tx:
                until = leases.hold(tx, self.lease, self._held_until)
                yield tx
                # Not reached where whoever opened it rolls back.
                committing = until
        except LockNotAvailable as error:
            raise self._waited_in_vain() from error
        except DeadlockDetected as error:
            raise self._ended_for_another() from error
        self._held_until = committing or self._held_until

    def _waited_in_vain(self) -> TieoutError:
        with self.reading() as tx:
            writers = ", ".join(writers_in(tx, "ledger")) or "a session that has ended meanwhile"
        return TieoutError(
            ErrorKind.SYSTEM,
            connection=self.connection.name,
            doing="writing into our database",
            found=f"rows that are being written and not committed, by {writers}",
            expected=f"a commit within {LOCK_SECONDS_MAX:.0f} seconds",
            next_step="commit there or roll back, or end that session (select pg_terminate_backend(...)); "
            "it is tried again by itself",
        )

    def _ended_for_another(self) -> TieoutError:
        return TieoutError(
            ErrorKind.SYSTEM,
            connection=self.connection.name,
            doing="writing into our database",
            found="two sessions that waited for each other's rows, of which PostgreSQL has ended ours",
            expected="to write them one after the other",
            next_step="nothing: it is tried again by itself",
        )

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


def composer_of(tx: psycopg.Connection[Any], erp: ErpProfile, connection: Connection) -> Composer:
    """What composes bodies for a company, from its reference data as mirrored now and the connection's settings."""
    reference = {name: mirror.payloads(tx, connection.name, name) for name in REFERENCE_ENTITIES}
    return erp.composer(reference, connection.settings)
