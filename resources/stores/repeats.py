"""What writes through the gateway were answered, so that whoever repeats one gets the same and nothing is done twice.

Belongs here: the statements on `sync.repeats`. The answer is kept in the transaction of what it answers: there is never
one without the other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

DAYS_KEPT = 7


@dataclass(frozen=True, slots=True)
class Repeat:
    """What was answered; `is_same` says whether the same was asked."""

    status: int
    answer: Any
    is_same: bool


def find(tx: psycopg.Connection[Any], *, key_id: str, idempotency_key: str, request: bytes) -> Repeat | None:
    """What was answered to this key of this caller, if anything was. Callers with the same key take turns from here."""
    tx.execute("select pg_advisory_xact_lock(hashtextextended(%s, 2))", (f"repeat|{key_id}|{idempotency_key}",))
    row = tx.execute(
        "select status, answer, request_hash from sync.repeats where key_id = %s and idempotency_key = %s",
        (key_id, idempotency_key),
    ).fetchone()
    return None if row is None else Repeat(row[0], row[1], bytes(row[2]) == _hash(request))


def keep(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    key_id: str,
    idempotency_key: str,
    request: bytes,
    status: int,
    answer: Any,
) -> None:
    """Keep an answer; commits with what it answers."""
    tx.execute(
        "insert into sync.repeats (tenant_id, key_id, idempotency_key, request_hash, status, answer)"
        " values (%s, %s, %s, %s, %s, %s)",
        (tenant, key_id, idempotency_key, _hash(request), status, Jsonb(answer)),
    )


def forget_old(tx: psycopg.Connection[Any]) -> int:
    """Forget answers of a week ago; returns how many."""
    return tx.execute(
        "delete from sync.repeats where answered_at < now() - make_interval(days => %s)", (DAYS_KEPT,)
    ).rowcount


def _hash(request: bytes) -> bytes:
    return hashlib.sha256(request).digest()
