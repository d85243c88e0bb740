"""The registry of connections: which ERP companies there are, whose they are, and when each is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from resources.errors import ErrorKind, TieoutError

_COLUMNS = (
    "connection as name, tenant_id as tenant, erp, base_url, settings, state, partition_key, company_name, "
    "home_currency, pull_interval_seconds, next_pull_at, created_at"
)


@dataclass(frozen=True, slots=True)
class Connection:
    """One ERP company. `settings` holds nothing secret; `state` is active, paused or reconnect."""

    name: str
    tenant: str
    erp: str
    base_url: str | None
    settings: Mapping[str, str]
    state: str
    partition_key: str
    company_name: str | None
    home_currency: str | None
    pull_interval_seconds: int
    next_pull_at: datetime
    created_at: datetime


def add(
    tx: psycopg.Connection[Any],
    *,
    name: str,
    tenant: str,
    erp: str,
    base_url: str | None,
    settings: Mapping[str, str],
    pull_interval_seconds: int,
) -> None:
    """Enter a connection; raises TieoutError when the name is taken."""
    tx.execute("insert into sync.tenants (tenant_id) values (%s) on conflict do nothing", (tenant,))
    try:
        tx.execute(
            """
            insert into sync.connections
              (connection, tenant_id, erp, base_url, settings, partition_key, pull_interval_seconds)
            values (%(name)s, %(tenant)s, %(erp)s, %(base_url)s, %(settings)s, %(name)s, %(interval)s)
            """,
            {
                "name": name,
                "tenant": tenant,
                "erp": erp,
                "base_url": base_url,
                "settings": Jsonb(dict(settings)),
                "interval": pull_interval_seconds,
            },
        )
    except psycopg.errors.UniqueViolation as error:
        raise TieoutError(
            ErrorKind.DUPLICATE,
            doing=f"adding the connection {name}",
            found="a connection of that name",
            expected="a new name",
            next_step=f"choose another name, or run `tieout connections remove {name}` first",
        ) from error


def list_all(tx: psycopg.Connection[Any]) -> Sequence[Connection]:
    """Every connection the transaction may see, by name."""
    with tx.cursor(row_factory=class_row(Connection)) as rows:
        return rows.execute(f"select {_COLUMNS} from sync.connections order by connection").fetchall()


def get(tx: psycopg.Connection[Any], name: str) -> Connection:
    """One connection; raises TieoutError naming those there are."""
    with tx.cursor(row_factory=class_row(Connection)) as rows:
        found = rows.execute(f"select {_COLUMNS} from sync.connections where connection = %s", (name,)).fetchone()
    if found is None:
        known = ", ".join(c.name for c in list_all(tx)) or "none yet"
        raise TieoutError(
            ErrorKind.NOT_FOUND,
            doing=f"looking up the connection {name}",
            found="no such connection",
            expected=f"one of: {known}",
            next_step="see `tieout connections list`, or add it with `tieout connections add`",
        )
    return found


def in_partition(tx: psycopg.Connection[Any], partition_key: str) -> Sequence[Connection]:
    """The connections that are synced together under one partition key, paused ones left out."""
    with tx.cursor(row_factory=class_row(Connection)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from sync.connections where partition_key = %s and state <> 'paused' "
            "order by connection",
            (partition_key,),
        ).fetchall()


def due_partitions(tx: psycopg.Connection[Any], limit: int) -> list[tuple[str, datetime]]:
    """Partition keys with an active connection whose next pull is due, longest waiting first, and since when."""
    return tx.execute(
        """
        select partition_key, min(next_pull_at) as due_at from sync.connections
         where state = 'active' and next_pull_at <= now()
         group by partition_key order by due_at limit %s
        """,
        (limit,),
    ).fetchall()


def active_partitions(tx: psycopg.Connection[Any]) -> list[str]:
    """Every partition key with an active connection."""
    return [
        key
        for (key,) in tx.execute(
            "select distinct partition_key from sync.connections where state = 'active' order by partition_key"
        )
    ]


def pulled(tx: psycopg.Connection[Any], name: str) -> None:
    """A pull ended, well or not: the next one is due one interval from now."""
    tx.execute(
        "update sync.connections set next_pull_at = now() + make_interval(secs => pull_interval_seconds) "
        "where connection = %s",
        (name,),
    )


def set_state(tx: psycopg.Connection[Any], name: str, state: str) -> None:
    tx.execute("update sync.connections set state = %s where connection = %s and state <> %s", (state, name, state))


def describe(tx: psycopg.Connection[Any], name: str, *, company_name: str, home_currency: str) -> None:
    """Remember who the company said it is."""
    tx.execute(
        "update sync.connections set company_name = %s, home_currency = %s where connection = %s",
        (company_name, home_currency, name),
    )


def remove(tx: psycopg.Connection[Any], name: str) -> None:
    """Forget the connection and its secrets. Mirror, bindings and ledger stay: they are the record of what happened."""
    tx.execute("delete from sync.connections where connection = %s", (name,))
