"""Secrets of a tenant: written sealed, read back opened, the last three versions kept.

Belongs here: the statements on `sync.secrets`, and bringing whatever is sealed under another master key. Sealing is
`resources/crypto.py`; OAuth tokens, which rotate by themselves, are kept in `token_journal.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from typing import Any

import psycopg

from resources.crypto import Owner, Sealed, Vaultkeeper

VERSIONS_KEPT = 3
REWRAP_ROWS_MAX = 500
# A secret of the tenant's own, of no connection: no connection has this name.
NO_CONNECTION = ""
OWN_KEY_BYTES = 32
# What is sealed, and which of its columns say whose it is: connection, name and version. A token set is named "oauth".
_SEALED = {"secrets": ("name", "version"), "token_journal": ("'oauth'", "attempt_id")}

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
        try:
            return self._put(connection, name, secret)
        except psycopg.errors.ForeignKeyViolation:
            # The master key it was sealed with was taken away meanwhile.
            self._keeper.read_again()
            return self._put(connection, name, secret)

    def _put(self, connection: str, name: str, secret: str) -> int:
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

    def forget(self, connection: str, names: Collection[str]) -> None:
        """Forget these secrets of a connection, in every version, and all of its tokens; others stay."""
        with self._transaction() as db:
            db.execute(
                "delete from sync.secrets where tenant_id = %s and connection = %s and name = any(%s)",
                (self._tenant, connection, list(names)),
            )
            for table in ("token_attempts", "token_journal"):
                db.execute(
                    f"delete from sync.{table} where tenant_id = %s and connection = %s", (self._tenant, connection)
                )

    def own_key(self, name: str) -> bytes:
        """A key of the tenant's own, made when it is first asked for: for signatures, never for sealing."""
        while (found := self.get(NO_CONNECTION, name)) is None:
            self.put(NO_CONNECTION, name, secrets.token_hex(OWN_KEY_BYTES))
        return bytes.fromhex(found)

    def counts(self) -> dict[str, int]:
        """How much is sealed, by master key."""
        union = " union all ".join(f"select key_id from sync.{table} where tenant_id = %(tenant)s" for table in _SEALED)
        with self._transaction() as db:
            found = db.execute(
                f"select key_id, count(*) from ({union}) sealed group by key_id", {"tenant": self._tenant}
            )
            return dict(found.fetchall())

    def rewrap(self) -> int:
        """Bring what is sealed under the newest master key, some at a time; returns how many. Call until it returns 0.

        Everybody may read and write meanwhile: a row is locked as long as its own statement lasts.
        """
        return sum(self._rewrap(table, name, version) for table, (name, version) in _SEALED.items())

    def _rewrap(self, table: str, name: str, version: str) -> int:
        with self._transaction() as db:
            rows = db.execute(
                f"select ctid, connection, {name}, {version}::text, key_id, sealed from sync.{table}"
                " where tenant_id = %s and key_id <> %s limit %s for update",
                (self._tenant, self._keeper.key_id, REWRAP_ROWS_MAX),
            ).fetchall()
            for place, connection, of, number, key_id, blob in rows:
                sealed = self._keeper.rewrap(Sealed(key_id, bytes(blob)), Owner(self._tenant, connection, of, number))
                db.execute(
                    f"update sync.{table} set key_id = %s, sealed = %s where ctid = %s",
                    (sealed.key_id, sealed.blob, place),
                )
        return len(rows)

    def is_refreshing(self) -> bool:
        """Whether a token of this tenant is being refreshed just now."""
        with self._transaction() as db:
            row = db.execute(
                "select exists (select from sync.token_attempts where tenant_id = %s"
                " and ended_at is null and deadline_at > clock_timestamp())",
                (self._tenant,),
            ).fetchone()
        return bool(row and row[0])

    def clean(self, *, days_kept: int) -> dict[str, int]:
        """Erase what can be of no use any more; returns how much of what.

        Secrets and tokens of connections that are no more; token sets that the ERP refused, or whose grant ended, so
        many days ago, but never a connection's newest; the trace of refreshes that ended then.
        """
        gone = (
            "tenant_id = %(tenant)s and connection <> '' and not exists (select from sync.connections c"
            " where c.tenant_id = {table}.tenant_id and c.connection = {table}.connection and c.state <> 'removed')"
        )
        ended = "now() - make_interval(days => %(days)s)"
        statements = {
            f"{table} of removed connections": f"delete from sync.{table} where {gone.format(table=table)}"
            for table in ("secrets", "token_journal")
        } | {
            "tokens that ended": "delete from sync.token_journal where tenant_id = %(tenant)s"
            f" and (refused_at < {ended} or refresh_expires_at < {ended}) and seq not in"
            " (select max(seq) from sync.token_journal where tenant_id = %(tenant)s group by connection)",
            "refreshes that ended": "delete from sync.token_attempts where tenant_id = %(tenant)s"
            f" and (ended_at < {ended} or started_at < {ended} and deadline_at < {ended})",
        }
        with self._transaction() as db:
            return {
                what: db.execute(statement, {"tenant": self._tenant, "days": days_kept}).rowcount
                for what, statement in statements.items()
            }

    def _owner(self, connection: str, name: str, version: int) -> Owner:
        return Owner(self._tenant, connection, name, str(version))
