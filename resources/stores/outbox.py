"""Intents to write into an ERP: kept before anything is sent, ended by what the ERP said.

States: `sent`: it may have happened (somebody is sending it, or died doing so): probe before sending again; `waiting`:
it has certainly not happened and goes again under the same key; `done`; `refused`: it cannot succeed as it is; `stale`:
the ERP's record had moved, pull, merge and plan again. At most one intent of a record is open (sent or waiting).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row

from ledger.spec import Record
from resources.connector import Operation
from resources.stores import bindings
from resources.stores.edits import Edit

_KEY_CHARACTERS = 32
MARKER_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class Intent:
    """One intent as kept. `body` and `record` are JSON text; `record` is canonical, references as external ids."""

    intent_id: int
    entity: str
    ledger_id: int
    ledger_version: int
    operation: Operation
    key: str
    marker: str | None
    batch_key: str | None
    external_id: str | None
    version_token: str | None
    body: str
    record: str
    state: str
    attempts: int
    sent_at: datetime

    @property
    def edit(self) -> Edit:
        return Edit(self.ledger_id, self.ledger_version)

    @property
    def is_open(self) -> bool:
        return self.state in ("sent", "waiting")


_COLUMNS = (
    "intent_id, entity, ledger_id, ledger_version, operation, key, marker, batch_key, external_id, version_token, "
    "body, record, state, attempts, sent_at"
)


def key_of(*parts: object, epoch: int = 0) -> str:
    """The idempotency key of one operation on one version of one row: 32 characters, and the epoch if not the first.

    Equal whenever the same intent is tried again; another one for an intent after one that has ended, whose key the
    ERP may answer from its memory.
    """
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return base64.b32encode(digest).decode()[:_KEY_CHARACTERS] + (str(epoch) if epoch else "")


def marker_of_key(key: str) -> str:
    """What a created document carries so that it can be found again: the beginning of its key."""
    return key[:MARKER_CHARACTERS] + key[_KEY_CHARACTERS:]


@dataclass(frozen=True, slots=True)
class Earlier:
    """Intents of one version of a row that have ended: how many, and what the last one said if the ERP refused it."""

    count: int = 0
    refused_record: str | None = None
    refused_token: str | None = None

    def has_refused(self, record: Record | None, version_token: str | None) -> bool:
        """Whether this was refused as it is. What a code map or the ERP's record has changed since is said anew."""
        if self.refused_record is None or record is None:
            return self.refused_record is not None
        return (self.refused_record, self.refused_token) == (bindings.encode(record), version_token)


def earlier(
    tx: psycopg.Connection[Any], connection: str, entity: str, ledger_ids: Sequence[int]
) -> dict[tuple[int, int], Earlier]:
    """(ledger id, version) -> what has ended of it."""
    return {
        (ledger_id, version): Earlier(count, *(last if state == "refused" else ()))
        for ledger_id, version, count, state, *last in tx.execute(
            "select ledger_id, ledger_version, count(*), (array_agg(state order by intent_id desc))[1], "
            "(array_agg(record order by intent_id desc))[1], (array_agg(version_token order by intent_id desc))[1] "
            "from sync.outbox where connection = %s and entity = %s and ledger_id = any(%s) "
            "and state in ('done', 'refused', 'stale') group by ledger_id, ledger_version",
            (connection, entity, list(ledger_ids)),
        )
    }


def commit(
    tx: psycopg.Connection[Any], *, tenant: str, connection: str, run_id: int | None, intents: Sequence[dict[str, Any]]
) -> list[Intent]:
    """Keep new intents as `sent`, in the order given; each has the columns of Intent without id, state, attempts and
    time."""
    with tx.cursor(row_factory=class_row(Intent)) as rows:
        kept = rows.execute(
            f"""
            insert into sync.outbox (tenant_id, connection, run_id, entity, ledger_id, ledger_version, operation, key,
                                     marker, batch_key, external_id, version_token, body, record, state)
            select %s, %s, %s, entity, ledger_id, ledger_version, operation, key, marker, batch_key, external_id,
                   version_token, body, record, 'sent'
              from json_to_recordset(%s::json) as n (entity text, ledger_id bigint, ledger_version bigint,
                   operation text, key text, marker text, batch_key text, external_id text, version_token text,
                   body text, record text)
            returning {_COLUMNS}
            """,
            (tenant, connection, run_id, msgspec.json.encode(intents).decode()),
        ).fetchall()
    places = {intent["key"]: place for place, intent in enumerate(intents)}
    return sorted(kept, key=lambda intent: places[intent.key])


def open_intents(tx: psycopg.Connection[Any], connection: str, *, only_due: bool = True) -> list[Intent]:
    """What is in doubt or waits, oldest first, batches together."""
    with tx.cursor(row_factory=class_row(Intent)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from sync.outbox where connection = %s and state in ('sent', 'waiting') "
            "and (due_at <= clock_timestamp() or not %s) "
            "order by min(intent_id) over (partition by coalesce(batch_key, key)), intent_id",
            (connection, only_due),
        ).fetchall()


def creates_in_doubt(tx: psycopg.Connection[Any], connection: str, entity: str) -> list[Intent]:
    """Creates of an entity that may have happened, oldest first."""
    with tx.cursor(row_factory=class_row(Intent)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from sync.outbox where connection = %s and entity = %s and state = 'sent' "
            "and operation = 'create' order by intent_id",
            (connection, entity),
        ).fetchall()


def in_doubt_of(tx: psycopg.Connection[Any], connection: str, batch_key: str | None) -> list[Intent]:
    """What may have happened of a batch, due or not."""
    with tx.cursor(row_factory=class_row(Intent)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from sync.outbox where connection = %s and batch_key = %s and state = 'sent'",
            (connection, batch_key),
        ).fetchall()


def ended(tx: psycopg.Connection[Any], intent_ids: Sequence[int]) -> set[int]:
    """Those of these intents that are no longer open."""
    return {
        intent_id
        for (intent_id,) in tx.execute(
            "select intent_id from sync.outbox where intent_id = any(%s) and state not in ('sent', 'waiting')",
            (list(intent_ids),),
        )
    }


def open_rows(tx: psycopg.Connection[Any], connection: str, entity: str, ledger_ids: Sequence[int]) -> set[int]:
    """Those of these ledger rows that have an open intent."""
    return {
        ledger_id
        for (ledger_id,) in tx.execute(
            "select ledger_id from sync.outbox where connection = %s and entity = %s and ledger_id = any(%s) "
            "and state in ('sent', 'waiting')",
            (connection, entity, list(ledger_ids)),
        )
    }


def of_markers(tx: psycopg.Connection[Any], connection: str, entity: str, markers: Sequence[str]) -> dict[str, Intent]:
    """marker -> the create it belongs to, for those that are ours."""
    with tx.cursor(row_factory=class_row(Intent)) as rows:
        found = rows.execute(
            f"select {_COLUMNS} from sync.outbox where connection = %s and entity = %s and operation = 'create' "
            "and marker = any(%s)",
            (connection, entity, list(markers)),
        ).fetchall()
    return {intent.marker: intent for intent in found if intent.marker}


def any_marked(tx: psycopg.Connection[Any], connection: str, entity: str) -> bool:
    """Whether any record that was ever made from here may carry a marker."""
    found = tx.execute(
        "select 1 from sync.outbox where connection = %s and entity = %s and operation = 'create' "
        "and marker is not null limit 1",
        (connection, entity),
    )
    return found.fetchone() is not None


def sending_again(tx: psycopg.Connection[Any], intent_ids: Sequence[int], *, alone: bool) -> list[Intent]:
    """Count an attempt before it is made, and give the intents in the order in which they were kept, as an ERP may know
    a request by its whole body; `alone` takes them out of the batch they went with.
    """
    if alone:
        # Also those that stay behind, held for a person: the batch's key must never stand for a part of it.
        tx.execute(
            "update sync.outbox o set batch_key = null from sync.outbox s where s.intent_id = any(%s) "
            "and o.connection = s.connection and o.batch_key = s.batch_key and o.state in ('sent', 'waiting')",
            (list(intent_ids),),
        )
    with tx.cursor(row_factory=class_row(Intent)) as rows:
        again = rows.execute(
            "update sync.outbox set state = 'sent', attempts = attempts + 1, due_at = now(), tried_at = now() "
            f"where intent_id = any(%s) returning {_COLUMNS}",
            (list(intent_ids),),
        ).fetchall()
    return sorted(again, key=lambda intent: intent.intent_id)


def batch_size(tx: psycopg.Connection[Any], connection: str, batch_key: str) -> int:
    """How many intents went with a batch, ended ones included."""
    row = tx.execute(
        "select count(*) from sync.outbox where connection = %s and batch_key = %s", (connection, batch_key)
    ).fetchone()
    assert row is not None
    return row[0]


def ages_seconds(tx: psycopg.Connection[Any], intent_ids: Sequence[int]) -> dict[int, float]:
    """How long ago each was sent last, by the database's clock: its latest request may take that long to arrive."""
    return dict(
        tx.execute(
            "select intent_id, extract(epoch from now() - tried_at)::float8 from sync.outbox where intent_id = any(%s)",
            (list(intent_ids),),
        ).fetchall()
    )


def seconds_to_next(
    tx: psycopg.Connection[Any], connection: str, entities: Sequence[str], *, besides: Sequence[int] = ()
) -> float | None:
    """How long until the next open intent of these entities is due, but for those of these ids; None if none is that
    is not due already.
    """
    row = tx.execute(
        "select extract(epoch from min(due_at) - clock_timestamp())::float8 from sync.outbox "
        "where connection = %s and entity = any(%s) and state in ('sent', 'waiting') and due_at > clock_timestamp() "
        "and not (intent_id = any(%s))",
        (connection, list(entities), list(besides)),
    ).fetchone()
    assert row is not None
    return row[0]


def postpone(
    tx: psycopg.Connection[Any], intent_id: int, *, state: str, seconds: float, answer: str, attempts: int | None = None
) -> None:
    """Leave it open, `sent` (in doubt) or `waiting` (it has not happened), and look at it again in so long.

    What one transaction puts off by as much is due at once, as a batch is looked at whole.
    """
    tx.execute(
        "update sync.outbox set state = %s, due_at = now() + make_interval(secs => %s), answer = %s, "
        "attempts = coalesce(%s, attempts) where intent_id = %s",
        (state, seconds, answer, attempts, intent_id),
    )


def look_at_now(tx: psycopg.Connection[Any], connection: str, entity: str, ledger_id: int) -> None:
    """What is open of a row has waited for something that has come."""
    tx.execute(
        "update sync.outbox set due_at = now() where connection = %s and entity = %s and ledger_id = %s "
        "and state in ('sent', 'waiting')",
        (connection, entity, ledger_id),
    )


@dataclass(frozen=True, slots=True)
class Done:
    """One intent that has happened: what ended it, and the record there that it made or changed."""

    intent_id: int
    answer: str
    external_id: str


def done(tx: psycopg.Connection[Any], ended: Sequence[Done]) -> None:
    """End intents that have happened."""
    if ended:
        tx.execute(
            "update sync.outbox o set state = 'done', answer = d.answer, external_id = d.external_id, "
            "ended_at = clock_timestamp() "
            "from unnest(%s::bigint[], %s::text[], %s::text[]) as d (intent_id, answer, external_id) "
            "where o.intent_id = d.intent_id",
            ([d.intent_id for d in ended], [d.answer for d in ended], [d.external_id for d in ended]),
        )


def end(tx: psycopg.Connection[Any], intent_id: int, *, state: str, answer: str) -> None:
    """End an intent that has not happened, as `refused` or `stale`."""
    tx.execute(
        "update sync.outbox set state = %s, answer = %s, ended_at = clock_timestamp() where intent_id = %s",
        (state, answer, intent_id),
    )
