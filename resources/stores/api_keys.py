"""Who may call the gateway: keys of a tenant, each with a role, kept as hashes.

Belongs here: the statements on `sync.api_keys`, and what a key looks like: `tieout.TENANT.ID.SECRET`. It names its
tenant, so that it is looked for among that tenant's rows and no others. The secret has 256 random bits: a plain hash of
it cannot be searched.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from resources.errors import ErrorKind, TieoutError
from resources.settings import TENANT_NAME
from resources.stores import audit

ROLES = ("viewer", "operator", "admin")
SECRET_BYTES = 32
_PREFIX = "tieout"
_KEY_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key, without its secret."""

    key_id: str
    tenant_id: str
    name: str
    role: str
    made_by: str
    made_at: datetime
    revoked_at: datetime | None


_COLUMNS = ", ".join(ApiKey.__dataclass_fields__)


def make(tx: psycopg.Connection[Any], *, tenant: str, name: str, role: str, by: str) -> str:
    """A new key; this is the only time that it can be read."""
    if role not in ROLES or not name.strip():
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing="making an API key",
            found=f"the role {role!r} for {name!r}",
            expected=f"a name, and one of {', '.join(ROLES)}",
        )
    key_id = secrets.token_hex(6)
    key = f"{_PREFIX}.{tenant}.{key_id}.{secrets.token_urlsafe(SECRET_BYTES)}"
    tx.execute(
        "insert into sync.api_keys (tenant_id, key_id, key_hash, name, role, made_by) values (%s, %s, %s, %s, %s, %s)",
        (tenant, key_id, hashed(key), name.strip(), role, by),
    )
    audit.append(
        tx, tenant=tenant, actor=by, action="api_key.make", detail={"key": key_id, "name": name.strip(), "role": role}
    )
    return key


def tenant_of(key: str) -> str | None:
    """The tenant that a key says it is of; None if it is no key."""
    parts = key.split(".")
    if len(key) > _KEY_CHARACTERS_MAX or len(parts) != 4 or parts[0] != _PREFIX:
        return None
    return parts[1] if TENANT_NAME.fullmatch(parts[1]) else None


def known(tx: psycopg.Connection[Any], key: str) -> ApiKey | None:
    """Whose key it is; None if there is none such, or if it was revoked."""
    with tx.cursor(row_factory=class_row(ApiKey)) as rows:
        found = rows.execute(
            f"select {_COLUMNS} from sync.api_keys where key_id = %s and revoked_at is null", (key.split(".")[2],)
        ).fetchone()
    if found is None:
        return None
    row = tx.execute("select key_hash from sync.api_keys where key_id = %s", (found.key_id,)).fetchone()
    return found if row and is_hash_of(bytes(row[0]), key) else None


def list_all(tx: psycopg.Connection[Any]) -> Sequence[ApiKey]:
    """The keys of this tenant, the newest first."""
    with tx.cursor(row_factory=class_row(ApiKey)) as rows:
        return rows.execute(f"select {_COLUMNS} from sync.api_keys order by made_at desc, key_id").fetchall()


def revoke(tx: psycopg.Connection[Any], *, tenant: str, key_id: str, by: str) -> None:
    """End a key; raises TieoutError if there is none such, or if it has ended."""
    done = tx.execute("update sync.api_keys set revoked_at = now() where key_id = %s and revoked_at is null", (key_id,))
    if not done.rowcount:
        raise TieoutError(
            ErrorKind.NOT_FOUND,
            doing=f"revoking the API key {key_id}",
            found="no such key, or one that was revoked",
            expected="one that `tieout keys list` shows",
        )
    audit.append(tx, tenant=tenant, actor=by, action="api_key.revoke", detail={"key": key_id})


def is_hash_of(kept: bytes, key: str) -> bool:
    """Whether this is the key that the hash was kept of. In constant time."""
    return hmac.compare_digest(kept, hashed(key))


def hashed(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode()).digest()
