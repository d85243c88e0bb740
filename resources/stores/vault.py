"""Secrets of a tenant's connections: written sealed, read back opened, the last three versions kept.

Belongs here: the statements on `sync.secrets`. Sealing is `resources/crypto.py`; OAuth tokens, which rotate by
themselves, are kept in `token_journal.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from resources.crypto import Owner, Sealed, Vaultkeeper

VERSIONS_KEPT = 3
REWRAP_ROWS_MAX = 500

Transaction = Callable[[], AbstractContextManager[psycopg.Connection[Any]]]
"""Opens a transaction that sees one tenant's rows, commits at the end of the block and rolls back when it raises."""


class Vault:
    """The secrets of one tenant."""

    def __init__(self, transaction: Transaction, tenant: str, keeper: Vaultkeeper) -> None:
        self._transaction = transaction
        self._tenant = tenant
        self._keeper = keeper

    def put(self, connection: str, name: str, secret: str) -> int:
        """Store a new version of a secret; return its number."""
        with self._transaction() as db:
            # Two writers of the same secret take turns, or both would seal the same version number.
            db.execute(
                "select pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{self._tenant}|{connection}|{name}",)
            )
            row = db.execute(
                "select coalesce(max(version), 0) + 1 from sync.secrets"
                " where tenant_id = %s and connection = %s and name = %s",
                (self._tenant, connection, name),
            ).fetchone()
            version = int(row[0]) if row else 1
            sealed = self._keeper.seal(secret.encode(), self._owner(connection, name, version))
            db.execute(
                "insert into sync.secrets (tenant_id, connection, name, version, key_id, sealed)"
                " values (%s, %s, %s, %s, %s, %s)",
                (self._tenant, connection, name, version, sealed.key_id, sealed.blob),
            )
            db.execute(
                "delete from sync.secrets where tenant_id = %s and connection = %s and name = %s and version <= %s",
                (self._tenant, connection, name, version - VERSIONS_KEPT),
            )
        return version

    def get(self, connection: str, name: str) -> str | None:
        """The newest version of a secret, or None if there is none."""
        return self.all(connection).get(name)

    def all(self, connection: str) -> dict[str, str]:
        """Every secret of a connection, by name: one statement."""
        with self._transaction() as db:
            rows = db.execute(
                "select distinct on (name) name, version, key_id, sealed from sync.secrets"
                " where tenant_id = %s and connection = %s order by name, version desc",
                (self._tenant, connection),
            ).fetchall()
        return {
            name: self._keeper.open(Sealed(key_id, bytes(blob)), self._owner(connection, name, version)).decode()
            for name, version, key_id, blob in rows
        }

    def delete(self, connection: str) -> None:
        """Forget every secret and token of a connection."""
        with self._transaction() as db:
            for table in ("secrets", "token_attempts", "token_journal"):
                db.execute(
                    f"delete from sync.{table} where tenant_id = %s and connection = %s", (self._tenant, connection)
                )

    def rewrap(self) -> int:
        """Bring secrets under the newest master key, some at a time; return how many. Call until it returns 0."""
        with self._transaction() as db:
            rows = db.execute(
                "select connection, name, version, key_id, sealed from sync.secrets"
                " where tenant_id = %s and key_id <> %s limit %s for update",
                (self._tenant, self._keeper.key_id, REWRAP_ROWS_MAX),
            ).fetchall()
            for connection, name, version, key_id, blob in rows:
                sealed = self._keeper.rewrap(Sealed(key_id, bytes(blob)), self._owner(connection, name, version))
                db.execute(
                    "update sync.secrets set key_id = %s, sealed = %s"
                    " where tenant_id = %s and connection = %s and name = %s and version = %s",
                    (sealed.key_id, sealed.blob, self._tenant, connection, name, version),
                )
        return len(rows)

    def _owner(self, connection: str, name: str, version: int) -> Owner:
        return Owner(self._tenant, connection, name, str(version))
