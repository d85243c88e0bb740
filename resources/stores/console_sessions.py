"""Who is logged in to the console: sessions, and links that begin one.

Belongs here: the statements on `sync.console_sessions` and `sync.console_links`. A session is begun with an API key,
and is over when that is revoked, or with a link that works once and soon. What a cookie or a link carries is
`TENANT.SECRET`: it names its tenant, so that it is looked for among that tenant's rows alone; its 256 random bits are
kept as a hash.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from resources.errors import ErrorKind, TieoutError
from resources.settings import TENANT_NAME
from resources.stores import audit
from resources.stores.api_keys import ROLES, ApiKey

SESSION_SECONDS = 12 * 3600
LINK_SECONDS = 15 * 60
_SECRET_BYTES = 32
_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in. `key_id` is None for whoever came by a link."""

    tenant_id: str
    key_id: str | None
    name: str
    role: str
    begun_at: datetime
    expires_at: datetime


_COLUMNS = ", ".join(f"s.{name}" for name in Session.__dataclass_fields__)


def tenant_of(token: str) -> str | None:
    """The tenant that a cookie or a link names, whether it is true or not."""
    tenant, dot, secret = token.rpartition(".")
    is_one = dot and secret and len(token) <= _CHARACTERS_MAX and TENANT_NAME.fullmatch(tenant)
    return tenant if is_one else None


def begin(tx: psycopg.Connection[Any], *, tenant: str, name: str, role: str, key: ApiKey | None = None) -> str:
    """Log somebody in; returns what the cookie is to hold, always new. Sessions that are over are cleaned up."""
    token = f"{tenant}.{secrets.token_urlsafe(_SECRET_BYTES)}"
    tx.execute("delete from sync.console_sessions where expires_at < now()")
    tx.execute(
        "insert into sync.console_sessions (tenant_id, session_hash, key_id, name, role, expires_at) "
        "values (%s, %s, %s, %s, %s, now() + make_interval(secs => %s))",
        (tenant, _hash(token), None if key is None else key.key_id, name, role, SESSION_SECONDS),
    )
    audit.append(tx, tenant=tenant, actor=f"console:{name}", action="console.login", detail={"role": role})
    return token


def find(tx: psycopg.Connection[Any], token: str) -> Session | None:
    """Whose session it is; None if it is nobody's, has expired or ended, or if its key was revoked."""
    with tx.cursor(row_factory=class_row(Session)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from sync.console_sessions s left join sync.api_keys k on k.key_id = s.key_id "
            "where s.session_hash = %s and s.ended_at is null and s.expires_at > now() "
            "and (s.key_id is null or (k.key_id is not null and k.revoked_at is null))",
            (_hash(token),),
        ).fetchone()


def end(tx: psycopg.Connection[Any], token: str) -> None:
    """Log out."""
    tx.execute(
        "update sync.console_sessions set ended_at = now() where session_hash = %s and ended_at is null",
        (_hash(token),),
    )


def make_link(tx: psycopg.Connection[Any], *, tenant: str, name: str, role: str) -> str:
    """What a link carries that logs in once within `LINK_SECONDS`. Raises TieoutError for a role that there is not."""
    if role not in ROLES:
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing="making a link to the console",
            found=f"the role {role!r}",
            expected=f"one of {', '.join(ROLES)}",
        )
    token = f"{tenant}.{secrets.token_urlsafe(_SECRET_BYTES)}"
    tx.execute("delete from sync.console_links where expires_at < now()")
    tx.execute(
        "insert into sync.console_links (tenant_id, link_hash, name, role, expires_at) "
        "values (%s, %s, %s, %s, now() + make_interval(secs => %s))",
        (tenant, _hash(token), name, role, LINK_SECONDS),
    )
    audit.append(tx, tenant=tenant, actor=name, action="console.link", detail={"role": role})
    return token


def use_link(tx: psycopg.Connection[Any], token: str) -> tuple[str, str] | None:
    """The name and the role that a link stands for, once; None if it was used, is too old or never was one."""
    return tx.execute(
        "update sync.console_links set used_at = now() "
        "where link_hash = %s and used_at is null and expires_at > now() returning name, role",
        (_hash(token),),
    ).fetchone()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
