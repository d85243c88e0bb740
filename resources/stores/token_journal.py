"""The journal of a connection's tokens: every refresh announced before the call, every answer kept before it is used.

Belongs here: the statements on `sync.token_attempts` and `sync.token_journal`. What is done in which order, and why, is
`resources/oauth.py`; sealing is `resources/crypto.py`. All times are the database's, so that processes agree on them.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from resources.crypto import Sealed
from resources.stores.vault import Transaction

TOKENS_KEPT = 3
CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """A token set as journaled. `attempt_id` names it and is part of its seal."""

    attempt_id: UUID
    sealed: Sealed
    access_seconds_left: float
    access_seconds: float
    refresh_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the journal says: the usable sets, newest first, and whether another process is refreshing just now."""

    usable: tuple[SealedTokens, ...]
    is_empty: bool
    is_being_refreshed: bool


class TokenJournal:
    """The journal of one connection of one tenant."""

    def __init__(self, transaction: Transaction, tenant: str, connection: str) -> None:
        self._transaction = transaction
        self._key = (tenant, connection)

    def standing(self) -> Standing:
        """Read the journal."""
        with self._transaction() as db:
            return self._read(db)

    def begin(self, attempt_id: UUID, used: UUID, fingerprint: str, lease_seconds: float) -> bool:
        """Announce a refresh with the token of set `used`; False if another one is under way or a newer set is there.

        An announced refresh whose deadline has passed is abandoned: its process died or hangs. Committed on return.
        """
        with self._transaction() as db:
            self._lock(db)
            standing = self._read(db)
            if standing.is_being_refreshed or not standing.usable or standing.usable[0].attempt_id != used:
                return False
            db.execute(
                "update sync.token_attempts set ended_at = clock_timestamp(), outcome = 'abandoned'"
                " where tenant_id = %s and connection = %s and ended_at is null",
                self._key,
            )
            db.execute(
                "insert into sync.token_attempts"
                " (tenant_id, connection, attempt_id, fingerprint, holder, started_at, deadline_at)"
                " values (%s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp() + make_interval(secs => %s))",
                (*self._key, attempt_id, fingerprint, f"{socket.gethostname()}:{os.getpid()}", lease_seconds),
            )
        return True

    def keep(
        self,
        attempt_id: UUID,
        sealed: Sealed,
        *,
        fingerprint: str,
        source: str,
        access_seconds: float,
        refresh_seconds: float | None,
        age_seconds: float = 0.0,
        is_first: bool = False,
    ) -> None:
        """Journal an answer and end its attempt, in one commit. A repeat changes nothing.

        `is_first`: do nothing if the journal has anything already.

        An answer whose attempt was taken over by another process is kept too, behind the newer ones: if those are
        refused, it is the one to try. A consent ends what was there before it. Of each refresh token, which the ERP may
        give again and again, the last set is kept, and of those three.
        """
        with self._transaction() as db:
            self._lock(db)
            if is_first and not self._read(db).is_empty:
                return
            db.execute(
                "insert into sync.token_journal (tenant_id, connection, attempt_id, fingerprint, source, is_late,"
                " key_id, sealed, received_at, access_expires_at, refresh_expires_at)"
                " select %(tenant)s, %(connection)s, %(attempt)s, %(fingerprint)s, %(source)s,"
                "  coalesce((select outcome = 'abandoned' from sync.token_attempts where tenant_id = %(tenant)s"
                "   and connection = %(connection)s and attempt_id = %(attempt)s), false),"
                "  %(key_id)s, %(sealed)s, received, received + make_interval(secs => %(access)s),"
                "  received + make_interval(secs => %(refresh)s)"
                " from (select clock_timestamp() - make_interval(secs => %(age)s) as received) answer"
                " on conflict do nothing",
                {
                    "tenant": self._key[0],
                    "connection": self._key[1],
                    "attempt": attempt_id,
                    "fingerprint": fingerprint,
                    "source": source,
                    "key_id": sealed.key_id,
                    "sealed": sealed.blob,
                    "access": access_seconds,
                    "refresh": refresh_seconds,
                    "age": age_seconds,
                },
            )
            self._end(db, attempt_id, "journaled")
            if source == CONSENT:
                self._refuse(db, "attempt_id <> %s", attempt_id)
            db.execute(
                "delete from sync.token_journal where tenant_id = %s and connection = %s and seq not in"
                " (select max(seq) from sync.token_journal where tenant_id = %s and connection = %s"
                "  group by fingerprint order by max(seq) desc limit %s)",
                (*self._key, *self._key, TOKENS_KEPT),
            )

    def end(self, attempt_id: UUID, outcome: str) -> None:
        """Note how an attempt without a usable answer ended."""
        with self._transaction() as db:
            self._end(db, attempt_id, outcome)

    def refuse(self, attempt_id: UUID, fingerprint: str) -> None:
        """The ERP does not know this refresh token any more: never send it again."""
        with self._transaction() as db:
            self._refuse(db, "fingerprint = %s", fingerprint)
            self._end(db, attempt_id, "refused")

    def refuse_all(self, seen: Sequence[UUID]) -> None:
        """Give up on all of these sets; a consent that was kept since is not among them."""
        with self._transaction() as db:
            self._refuse(db, "attempt_id = any(%s)", list(seen))

    def _refuse(self, db: psycopg.Connection[Any], which: LiteralString, value: Any) -> None:
        db.execute(
            "update sync.token_journal set refused_at = clock_timestamp()"
            f" where tenant_id = %s and connection = %s and refused_at is null and {which}",
            (*self._key, value),
        )

    def _lock(self, db: psycopg.Connection[Any]) -> None:
        db.execute("select pg_advisory_xact_lock(hashtextextended(%s, 1))", (f"tokens|{self._key[0]}|{self._key[1]}",))

    def _read(self, db: psycopg.Connection[Any]) -> Standing:
        rows = db.execute(
            "select attempt_id, is_late, refused_at is not null, key_id, sealed,"
            " extract(epoch from access_expires_at - clock_timestamp())::float8,"
            " extract(epoch from access_expires_at - received_at)::float8, refresh_expires_at"
            " from sync.token_journal where tenant_id = %s and connection = %s order by seq desc",
            self._key,
        ).fetchall()
        running = db.execute(
            "select exists (select from sync.token_attempts where tenant_id = %s and connection = %s"
            " and ended_at is null and deadline_at > clock_timestamp())",
            self._key,
        ).fetchone()
        usable: list[SealedTokens] = []
        has_first = False
        for attempt_id, is_late, is_refused, key_id, blob, left, life, refresh_expires_at in rows:
            if is_refused:
                continue
            # A late answer is never the first choice while there is one that was in time, but the second.
            position = len(usable)
            if not is_late and not has_first:
                position, has_first = 0, True
            usable.insert(
                position, SealedTokens(attempt_id, Sealed(key_id, bytes(blob)), left, life, refresh_expires_at)
            )
        return Standing(tuple(usable), is_empty=not rows, is_being_refreshed=bool(running and running[0]))

    def _end(self, db: psycopg.Connection[Any], attempt_id: UUID, outcome: str) -> None:
        db.execute(
            "update sync.token_attempts set ended_at = clock_timestamp(), outcome = %s"
            " where tenant_id = %s and connection = %s and attempt_id = %s and ended_at is null",
            (outcome, *self._key, attempt_id),
        )
