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
    "home_currency, meeting, pull_interval_seconds, next_pull_at, created_at"
)
# Under which stage an open error says that the ERP did not let us in, whatever for.
SIGN_IN = "sign_in"
# Under which stage one says what stopped a push as a whole.
PUSHING = "pushing"


@dataclass(frozen=True, slots=True)
class Connection:
    """One ERP company. `settings` holds nothing secret; `state` is active, paused, reconnect, disconnected or
    removed.

    `meeting` is pending while its books and the ledger know nothing of each other (it pulls, nothing more), else done.
    """

    name: str
    tenant: str
    erp: str
    base_url: str | None
    settings: Mapping[str, str]
    state: str
    partition_key: str
    company_name: str | None
    home_currency: str | None
    meeting: str
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
    company_key: str,
    pull_interval_seconds: int,
) -> None:
    """Enter a connection, or one that was removed again; `company_key` is the setting that names the company.

    What a name has brought into the books stays under it, so a name is one company's for good, and a company has one
    connection in a tenant. Raises TieoutError when either is taken, or when another tenant has the company: the index
    says so, for nobody sees that tenant's rows here, and it is not named.
    """
    tx.execute("insert into sync.tenants (tenant_id) values (%s) on conflict do nothing", (tenant,))
    row = {
        "name": name,
        "tenant": tenant,
        "erp": erp,
        "base_url": base_url,
        "settings": Jsonb(dict(settings)),
        "company_key": company_key,
        "company": settings.get(company_key),
        "interval": pull_interval_seconds,
    }
    twin = tx.execute(
        "select connection from sync.connections where tenant_id = %(tenant)s and erp = %(erp)s "
        "and settings ->> %(company_key)s = %(company)s and connection <> %(name)s",
        row,
    ).fetchone()
    if twin is not None:
        raise _taken(
            name,
            f"{company_key} {row['company']} in the connection {twin[0]}, or in one of that name that was removed",
            "a company that no connection of this tenant has",
            f"use {twin[0]}",
        )
    try:
        with tx.transaction():
            known = tx.execute(
                """
                insert into sync.connections as c
                  (connection, tenant_id, erp, base_url, settings, company_id, partition_key, pull_interval_seconds)
                values (%(name)s, %(tenant)s, %(erp)s, %(base_url)s, %(settings)s, %(company)s, %(name)s, %(interval)s)
                on conflict (connection) do update
                   set base_url = excluded.base_url, settings = excluded.settings, company_id = excluded.company_id,
                       state = 'active', next_pull_at = now()
                 where c.state = 'removed' and c.erp = excluded.erp
                   and c.settings ->> %(company_key)s = excluded.settings ->> %(company_key)s
                returning 1
                """,
                row,
            ).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        # Another tenant's connection has the name: row-level security says no more than that.
        known = None
    except psycopg.errors.UniqueViolation:
        raise _taken(
            name,
            f"{company_key} {row['company']}, which somebody else has connected",
            "a company that is connected nowhere else",
            "whoever has it removes it first (`tieout connections remove`); ask who runs this Tieout",
        ) from None
    if known is None:
        raise _taken(
            name,
            "a connection of that name, or one that was removed and had another company",
            "a new name",
            f"choose another name; to give {name} new credentials, run `tieout connections remove {name}` first",
        )


def _taken(name: str, found: str, expected: str, next_step: str) -> TieoutError:
    return TieoutError(
        ErrorKind.DUPLICATE,
        doing=f"adding the connection {name}",
        found=found,
        expected=expected,
        next_step=next_step,
    )


def list_all(tx: psycopg.Connection[Any]) -> Sequence[Connection]:
    """Every connection the transaction may see, by name; removed ones are not."""
    with tx.cursor(row_factory=class_row(Connection)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from sync.connections where state <> 'removed' order by connection"
        ).fetchall()


def get(tx: psycopg.Connection[Any], name: str) -> Connection:
    """One connection; raises TieoutError naming those there are."""
    with tx.cursor(row_factory=class_row(Connection)) as rows:
        found = rows.execute(
            f"select {_COLUMNS} from sync.connections where connection = %s and state <> 'removed'", (name,)
        ).fetchone()
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
            f"select {_COLUMNS} from sync.connections where partition_key = %s and state in ('active', 'reconnect') "
            "order by connection",
            (partition_key,),
        ).fetchall()


def due_partitions(tx: psycopg.Connection[Any], limit: int) -> list[tuple[str, datetime]]:
    """Partition keys with an active connection whose next pull is due, longest waiting first, and since when.

    One that is to wait for longer than its interval is due now: it was put off by a clock that stood ahead. Linear in
    the connections, as each has an interval of its own: 13 ms for 100,000.
    """
    return tx.execute(
        """
        select partition_key, min(least(next_pull_at, now())) as due_at from sync.connections
         where state = 'active'
           and (next_pull_at <= now() or next_pull_at > now() + make_interval(secs => pull_interval_seconds))
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


def push_later(tx: psycopg.Connection[Any], name: str) -> None:
    """A push was stopped by what the next one would meet as well: it is woken one interval from now."""
    tx.execute(
        "update sync.connections set next_push_at = now() + make_interval(secs => pull_interval_seconds) "
        "where connection = %s",
        (name,),
    )


def push_now(tx: psycopg.Connection[Any], name: str) -> None:
    """Somebody asks for it: what stopped the last push keeps the next from being woken no longer."""
    tx.execute(
        "update sync.connections set next_push_at = now() where connection = %s and next_push_at > now()", (name,)
    )


def pull_now(tx: psycopg.Connection[Any], name: str) -> None:
    """Something has changed over there: the next pull is due at once."""
    tx.execute(
        "update sync.connections set next_pull_at = now() where connection = %s and next_pull_at > now()", (name,)
    )


def set_state(tx: psycopg.Connection[Any], name: str, state: str) -> None:
    tx.execute("update sync.connections set state = %s where connection = %s and state <> %s", (state, name, state))


def describe(tx: psycopg.Connection[Any], name: str, *, company_name: str, home_currency: str) -> None:
    """Remember who the company said it is."""
    tx.execute(
        "update sync.connections set company_name = %s, home_currency = %s where connection = %s",
        (company_name, home_currency, name),
    )


def must_meet(tx: psycopg.Connection[Any], name: str) -> None:
    """Its books and the ledger are to meet before anything is merged or pushed."""
    tx.execute("update sync.connections set meeting = 'pending' where connection = %s", (name,))


def met(tx: psycopg.Connection[Any], name: str) -> None:
    """Its books and the ledger know who is who."""
    tx.execute("update sync.connections set meeting = 'done' where connection = %s", (name,))


def reconnected(tx: psycopg.Connection[Any], name: str) -> None:
    """It works again: end what failed to sign in, and the state `reconnect` but no other (somebody may have paused it
    meanwhile).
    """
    tx.execute(
        """
        with over as (
          update sync.errors set resolved_at = now()
           where connection = %(name)s and stage = %(stage)s and resolved_at is null)
        update sync.connections set state = 'active' where connection = %(name)s and state = 'reconnect'
        """,
        {"name": name, "stage": SIGN_IN},
    )


def needs_reconnect(tx: psycopg.Connection[Any], name: str) -> None:
    """Its credentials are refused, unless it was given a grant meanwhile that nobody has refused. One that somebody
    paused or disconnected meanwhile stays so.
    """
    # Whoever connects it again keeps the tokens first and sets the state then: either they are seen here, or their
    # state comes after this one.
    tx.execute("select 1 from sync.connections where connection = %s for no key update", (name,))
    tx.execute(
        """
        update sync.connections c set state = 'reconnect'
         where connection = %s and state = 'active' and not exists (
           select from sync.token_journal j
            where j.tenant_id = c.tenant_id and j.connection = c.connection and j.refused_at is null)
        """,
        (name,),
    )


def activate(tx: psycopg.Connection[Any], name: str) -> None:
    """It was connected (again): work goes on where it stopped, at once. One that was paused stays paused."""
    tx.execute(
        "update sync.connections set state = case when state = 'paused' then state else 'active' end,"
        " next_pull_at = now() where connection = %s and state <> 'removed'",
        (name,),
    )


def change_settings(tx: psycopg.Connection[Any], name: str, settings: Mapping[str, str]) -> None:
    """Its settings, in place of those it had."""
    tx.execute("update sync.connections set settings = %s where connection = %s", (Jsonb(dict(settings)), name))


def taken_in(tx: psycopg.Connection[Any], name: str) -> None:
    """Everything its books hold is here; what comes from now on is news."""
    tx.execute(
        "update sync.connections set taken_in_at = now()"
        " where connection = %s and taken_in_at is null and meeting = 'done'",
        (name,),
    )


def remove(tx: psycopg.Connection[Any], name: str) -> None:
    """Take the connection out of use. Its name stays that company's: mirror, bindings and ledger are under it."""
    tx.execute("update sync.connections set state = 'removed' where connection = %s", (name,))
