"""Who is told of what, and how each delivery stands.

Belongs here: the statements on `sync.webhooks`, `sync.events` and `sync.deliveries`. Events come there by trigger, with
the change they tell of (migration 0027); sending is `resources/delivering.py`.

The table of due deliveries is the whole queue. Whoever sends claims some for a minute, in order per webhook and
subject: what comes later of a document waits until what came before is delivered or given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import class_row

EVENTS = (
    "invoice.created",
    "invoice.updated",
    "invoice.paid",
    "invoice.voided",
    "payment.received",
    "bill.approved",
    "conflict.opened",
    "conflict.resolved",
    "reconciliation.break",
    "sync.failed",
)
ATTEMPTS_MAX = 10
# 5 s, 20 s, 80 s ... a day: three days in all, with up to a quarter more so that a herd does not come back at once.
DELAY_SECONDS_MIN, DELAY_FACTOR, DELAY_SECONDS_MAX = 5, 4, 86_400
CLAIM_SECONDS = 60
# Of one webhook at once, so that a slow one does not keep the others waiting.
AT_ONCE_MAX = 5
DAYS_KEPT = 30


@dataclass(frozen=True, slots=True)
class Webhook:
    """One subscription, without its secret."""

    webhook_id: int
    url: str
    events: list[str]
    is_enabled: bool
    made_by: str
    made_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event to one webhook. `state` is waiting, delivered or dead; `says` how the last attempt ended."""

    delivery_id: int
    event_id: UUID
    type: str
    subject: str
    state: str
    attempts: int
    happened_at: datetime
    due_at: datetime
    tried_at: datetime | None
    status: int | None
    says: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is to be sent now, by whoever has the claim."""

    delivery_id: int
    webhook_id: int
    url: str
    claim: UUID
    attempts: int
    event_id: UUID
    type: str
    subject: str
    connection: str | None
    data: dict[str, Any]
    happened_at: datetime


_COLUMNS = ", ".join(Webhook.__dataclass_fields__)


def make(tx: psycopg.Connection[Any], *, tenant: str, url: str, events: Sequence[str], by: str) -> Webhook:
    tx.execute("insert into sync.tenants (tenant_id) values (%s) on conflict do nothing", (tenant,))
    with tx.cursor(row_factory=class_row(Webhook)) as rows:
        made = rows.execute(
            f"insert into sync.webhooks (tenant_id, url, events, made_by) values (%s, %s, %s, %s) returning {_COLUMNS}",
            (tenant, url, list(dict.fromkeys(events)), by),
        ).fetchone()
    assert made is not None
    return made


def list_all(tx: psycopg.Connection[Any]) -> Sequence[Webhook]:
    with tx.cursor(row_factory=class_row(Webhook)) as rows:
        return rows.execute(f"select {_COLUMNS} from sync.webhooks order by webhook_id").fetchall()


def get(tx: psycopg.Connection[Any], webhook_id: int) -> Webhook | None:
    with tx.cursor(row_factory=class_row(Webhook)) as rows:
        return rows.execute(f"select {_COLUMNS} from sync.webhooks where webhook_id = %s", (webhook_id,)).fetchone()


def change(
    tx: psycopg.Connection[Any],
    webhook_id: int,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    is_enabled: bool | None = None,
) -> None:
    """What is None stays as it is."""
    tx.execute(
        "update sync.webhooks set url = coalesce(%s, url), events = coalesce(%s::text[], events),"
        " is_enabled = coalesce(%s, is_enabled), changed_at = now() where webhook_id = %s",
        (url, None if events is None else list(dict.fromkeys(events)), is_enabled, webhook_id),
    )


def remove(tx: psycopg.Connection[Any], webhook_id: int) -> None:
    """Forget it and all that was to be told to it; events that nobody else is told of go by themselves in time."""
    tx.execute("delete from sync.deliveries where webhook_id = %s", (webhook_id,))
    tx.execute("delete from sync.webhooks where webhook_id = %s", (webhook_id,))


def deliveries(
    tx: psycopg.Connection[Any], webhook_id: int, *, before: int | None = None, state: str | None = None, limit: int
) -> Sequence[Delivery]:
    """The newest first, before this one."""
    with tx.cursor(row_factory=class_row(Delivery)) as rows:
        return rows.execute(
            f"{_DELIVERY} where d.webhook_id = %s and (%s::bigint is null or d.delivery_id < %s)"
            " and (%s::text is null or d.state = %s) order by d.delivery_id desc limit %s",
            (webhook_id, before, before, state, state, limit),
        ).fetchall()


def delivery(tx: psycopg.Connection[Any], webhook_id: int, delivery_id: int) -> Delivery | None:
    with tx.cursor(row_factory=class_row(Delivery)) as rows:
        return rows.execute(
            f"{_DELIVERY} where d.webhook_id = %s and d.delivery_id = %s", (webhook_id, delivery_id)
        ).fetchone()


_DELIVERY = """
select d.delivery_id, e.event_id, e.type, e.subject, d.state, d.attempts, e.happened_at, d.due_at, d.tried_at, d.status,
       d.says, d.ended_at
  from sync.deliveries d join sync.events e on e.seq = d.seq
"""


def again(tx: psycopg.Connection[Any], webhook_id: int, delivery_id: int) -> bool:
    """Have one sent once more, now, whatever came of it. False if there is none such."""
    return (
        tx.execute(
            "update sync.deliveries set state = 'waiting', attempts = 0, due_at = now(), claim = null, ended_at = null"
            " where webhook_id = %s and delivery_id = %s",
            (webhook_id, delivery_id),
        ).rowcount
        == 1
    )


def due_tenants(tx: psycopg.Connection[Any]) -> list[str]:
    """Whose deliveries are due: for the fleet."""
    return [
        tenant
        for (tenant,) in tx.execute(
            "select distinct tenant_id from sync.deliveries where state = 'waiting' and due_at <= clock_timestamp()"
        )
    ]


def claim(tx: psycopg.Connection[Any], limit: int) -> Sequence[Claimed]:
    """Take some that are due; should their sender die, they are due again when the claim is over. Commit, then send.

    Attempts count from here, so that what kills its sender each time is given up too.
    """
    with tx.cursor(row_factory=class_row(Claimed)) as rows:
        return rows.execute(
            """
            with due as (
              select d.delivery_id from sync.webhooks h cross join lateral (
                select n.delivery_id, n.due_at from sync.deliveries n
                 where n.webhook_id = h.webhook_id and n.state = 'waiting' and n.due_at <= clock_timestamp()
                   and not exists (select from sync.deliveries o
                                    where o.webhook_id = n.webhook_id and o.subject = n.subject
                                      and o.state = 'waiting' and o.seq < n.seq)
                 order by n.due_at, n.seq limit %(at_once)s for update skip locked) d
               where h.is_enabled
               order by d.due_at limit %(limit)s
            )
            update sync.deliveries d
               set claim = %(claim)s, attempts = d.attempts + 1, tried_at = clock_timestamp(),
                   due_at = clock_timestamp() + make_interval(secs => %(seconds)s)
              from due, sync.webhooks h, sync.events e
             where d.delivery_id = due.delivery_id and h.webhook_id = d.webhook_id and e.seq = d.seq
            returning d.delivery_id, d.webhook_id, h.url, d.claim, d.attempts, e.event_id, e.type, e.subject,
                      e.connection, e.data, e.happened_at
            """,
            {"claim": uuid4(), "at_once": AT_ONCE_MAX, "limit": limit, "seconds": CLAIM_SECONDS},
        ).fetchall()


def delivered(tx: psycopg.Connection[Any], claimed: Claimed, status: int) -> None:
    tx.execute(
        "update sync.deliveries set state = 'delivered', claim = null, status = %s, says = null, ended_at = now()"
        " where delivery_id = %s and claim = %s",
        (status, claimed.delivery_id, claimed.claim),
    )


def failed(
    tx: psycopg.Connection[Any], claimed: Claimed, *, says: str, status: int | None, is_final: bool = False
) -> None:
    """It comes again later, unless this was the last time; nothing if somebody else has taken it over."""
    is_over = is_final or claimed.attempts >= ATTEMPTS_MAX
    tx.execute(
        "update sync.deliveries set state = case when %(over)s then 'dead' else state end,"
        " ended_at = case when %(over)s then now() end, claim = null, status = %(status)s, says = %(says)s,"
        " due_at = clock_timestamp() + make_interval(secs =>"
        "   least(%(most)s, %(least)s * power(%(factor)s, %(attempts)s - 1)) * (1 + random() / 4))"
        " where delivery_id = %(id)s and claim = %(claim)s",
        {
            "over": is_over,
            "status": status,
            "says": says,
            "least": DELAY_SECONDS_MIN,
            "factor": DELAY_FACTOR,
            "most": DELAY_SECONDS_MAX,
            "attempts": claimed.attempts,
            "id": claimed.delivery_id,
            "claim": claimed.claim,
        },
    )


def forget_old(tx: psycopg.Connection[Any]) -> int:
    """What ended a month ago, and events that nobody is to be told of any more; returns how many events."""
    tx.execute(
        "delete from sync.deliveries where ended_at < now() - make_interval(days => %s) and state <> 'waiting'",
        (DAYS_KEPT,),
    )
    return tx.execute(
        "delete from sync.events e where happened_at < now() - make_interval(days => %s)"
        " and not exists (select from sync.deliveries d where d.seq = e.seq)",
        (DAYS_KEPT,),
    ).rowcount
