"""The master keys that anything in this database may be sealed with.

Belongs here: the statements on `sync.master_keys`. The keys themselves are never in the database; what they are is
`resources/master_keys.py`, and when one comes or goes `resources/vaulting.py`.
"""

from __future__ import annotations

from typing import Any

import psycopg

Tx = psycopg.Connection[Any]


def exist(tx: Tx) -> bool:
    """Whether this database has the table yet."""
    row = tx.execute("select to_regclass('sync.master_keys') is not null").fetchone()
    return bool(row and row[0])


def read_all(tx: Tx) -> dict[str, bytes | None]:
    """What was sealed with each key to know it again by; None for a key that nobody has shown since."""
    rows = tx.execute("select key_id, sealed_check from sync.master_keys").fetchall()
    return {key_id: None if check is None else bytes(check) for key_id, check in rows}


def show(tx: Tx, key_id: str, sealed_check: bytes) -> None:
    """Enter a key, or what proves it."""
    tx.execute(
        "insert into sync.master_keys as k (key_id, sealed_check) values (%s, %s)"
        " on conflict (key_id) do update set sealed_check = excluded.sealed_check where k.sealed_check is null",
        (key_id, sealed_check),
    )


def remove(tx: Tx, key_id: str) -> None:
    """Take a key away. Raises psycopg.errors.ForeignKeyViolation while anything is sealed with it."""
    tx.execute("delete from sync.master_keys where key_id = %s", (key_id,))
