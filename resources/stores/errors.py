"""What failed or is held: one open row per connection, entity, record and stage, until something good replaces it.

Nothing is written when the same thing fails again in the same words: an error is a state, not an event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from resources.errors import ERROR_CLASSES, ErrorKind, TieoutError


@dataclass(frozen=True, slots=True)
class Held:
    """One record that cannot go on, and why. `field` is a canonical field or a wire path."""

    entity: str
    external_id: str
    field: str
    found: str
    expected: str
    kind: ErrorKind = ErrorKind.MAPPING
    raw: str | None = None
    next_step: str | None = None

    def says(self, connection: str, doing: str) -> str:
        record = f"{self.entity}/{self.external_id}"
        return f"{connection}: {doing} {record}: {self.field}: found {self.found}, expected {self.expected}"


_TAKEN_BY_ITSELF = "correct it in the ERP: its next version is taken by itself"
_NEXT_STEPS = {
    "pull": _TAKEN_BY_ITSELF,
    "merge": _TAKEN_BY_ITSELF,
    "push": "correct the row in the ledger: its next version is pushed by itself",
}


def key_of_nameless(raw: str) -> str:
    """A stable stand-in for the id of a record that came without one."""
    return "without-id-" + hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def hold(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    stage: str,
    doing: str,
    held: Sequence[Held],
    run_id: int | None,
) -> None:
    """Open (or reword) an error for each held record."""
    for record in held:
        error = ERROR_CLASSES[record.kind]
        _open(
            tx,
            {
                "tenant": tenant,
                "connection": connection,
                "entity": record.entity,
                "external_id": record.external_id,
                "stage": stage,
                "kind": record.kind.value,
                "code": error.code,
                "severity": error.severity.value,
                "is_retryable": error.is_retryable,
                "field": record.field,
                "found": record.found,
                "expected": record.expected,
                "message": record.says(connection, doing),
                "next_step": record.next_step or _NEXT_STEPS.get(stage, error.suggested_fix),
                "raw": record.raw,
                "run_id": run_id,
            },
        )


def report(
    tx: psycopg.Connection[Any], *, tenant: str, connection: str, stage: str, error: TieoutError, run_id: int | None
) -> None:
    """Open an error for a stage that failed as a whole."""
    _open(
        tx,
        {
            "tenant": tenant,
            "connection": connection,
            "entity": error.entity or "",
            "external_id": error.external_id or "",
            "stage": stage,
            "kind": error.kind.value,
            "code": error.code,
            "severity": error.severity.value,
            "is_retryable": error.is_retryable,
            "field": None,
            "found": error.found,
            "expected": error.expected,
            "message": str(error),
            "next_step": error.next_step,
            "raw": None,
            "run_id": run_id,
        },
    )


def _open(tx: psycopg.Connection[Any], row: dict[str, Any]) -> None:
    tx.execute(
        """
        insert into sync.errors as e
          (tenant_id, connection, entity, external_id, stage, kind, code, severity, is_retryable,
           field, found, expected, message, next_step, raw, run_id)
        values
          (%(tenant)s, %(connection)s, %(entity)s, %(external_id)s, %(stage)s, %(kind)s, %(code)s, %(severity)s,
           %(is_retryable)s, %(field)s, %(found)s, %(expected)s, %(message)s, %(next_step)s, %(raw)s, %(run_id)s)
        on conflict (connection, entity, external_id, stage) where resolved_at is null do update
           set kind = excluded.kind, code = excluded.code, severity = excluded.severity,
               is_retryable = excluded.is_retryable, field = excluded.field, found = excluded.found,
               expected = excluded.expected, message = excluded.message, next_step = excluded.next_step,
               raw = excluded.raw, last_seen_at = now(), run_id = excluded.run_id
         where e.message is distinct from excluded.message or e.raw is distinct from excluded.raw
        """,
        row,
    )


def resolve(
    tx: psycopg.Connection[Any], connection: str, stage: str, entity: str, external_ids: Sequence[str]
) -> list[str]:
    """Close the open errors of these records; returns of which there were any."""
    any_open = tx.execute(
        "select 1 from sync.errors where resolved_at is null and connection = %s and entity = %s and stage = %s "
        "limit 1",
        (connection, entity, stage),
    )
    if any_open.fetchone() is None:
        return []
    resolved = tx.execute(
        """
        update sync.errors set resolved_at = now()
         where resolved_at is null and connection = %s and stage = %s and entity = %s and external_id = any(%s)
        returning external_id
        """,
        (connection, stage, entity, list(external_ids)),
    )
    return [external_id for (external_id,) in resolved]


def resolve_elsewhere(
    tx: psycopg.Connection[Any], connection: str, stage: str, entity: str, external_ids: Sequence[str]
) -> None:
    """Close what other connections have said of rows that name this one: they are none of theirs any more."""
    tx.execute(
        sql.SQL(
            "update sync.errors e set resolved_at = now() from {} l where e.resolved_at is null and e.stage = %s "
            "and e.entity = %s and e.connection <> %s and e.external_id = any(%s) "
            "and e.external_id = '#' || l.ledger_id and l.connection = %s"
        ).format(sql.Identifier("ledger", entity)),
        (stage, entity, connection, list(external_ids), connection),
    )


def resolve_stage(tx: psycopg.Connection[Any], connection: str, stage: str, entities: Sequence[str]) -> int:
    """Close what a stage as a whole left open for these entities, or for none in particular: it has just ended well."""
    return tx.execute(
        """
        update sync.errors set resolved_at = now()
         where resolved_at is null and connection = %s and stage = %s and (entity = '' or entity = any(%s))
        """,
        (connection, stage, list(entities)),
    ).rowcount


def held_counts(tx: psycopg.Connection[Any], connection: str) -> dict[str, int]:
    """By entity, how many of its records are held on their way into the ledger."""
    return dict(
        tx.execute(
            "select entity, count(distinct external_id) from sync.errors where resolved_at is null "
            "and connection = %s and stage in ('pull', 'merge') and external_id <> '' group by entity",
            (connection,),
        ).fetchall()
    )


def entities_held(tx: psycopg.Connection[Any], connection: str, stage: str) -> set[str]:
    """The entities of which the stage holds records."""
    return {
        entity
        for (entity,) in tx.execute(
            "select distinct entity from sync.errors where resolved_at is null and connection = %s and stage = %s "
            "and external_id <> ''",
            (connection, stage),
        )
    }


def held_ids(tx: psycopg.Connection[Any], connection: str, entity: str, stage: str) -> list[str]:
    """The records of this entity that the stage holds."""
    return [
        external_id
        for (external_id,) in tx.execute(
            "select external_id from sync.errors where resolved_at is null and connection = %s and entity = %s "
            "and stage = %s and external_id <> '' order by external_id",
            (connection, entity, stage),
        )
    ]


def held_among(tx: psycopg.Connection[Any], connection: str, entity: str, external_ids: Sequence[str]) -> set[str]:
    """Those of these records of which a version is held on its way into the ledger."""
    return {
        external_id
        for (external_id,) in tx.execute(
            "select external_id from sync.errors where resolved_at is null and connection = %s and entity = %s "
            "and external_id = any(%s) and stage in ('pull', 'merge')",
            (connection, entity, list(external_ids)),
        )
    }


def is_held(
    tx: psycopg.Connection[Any], connection: str, entity: str, external_id: str, stage: str, field: str | None = None
) -> bool:
    """Whether the stage holds this record; for the reason that names `field`, if that matters."""
    found = tx.execute(
        "select exists (select from sync.errors where resolved_at is null and connection = %s and entity = %s "
        "and external_id = %s and stage = %s and field = coalesce(%s, field))",
        (connection, entity, external_id, stage, field),
    ).fetchone()
    return found is not None and bool(found[0])


def open_errors(tx: psycopg.Connection[Any], connection: str | None = None) -> list[dict[str, Any]]:
    """What is open, worst and oldest first."""
    with tx.cursor(row_factory=dict_row) as rows:
        return rows.execute(
            """
            select connection, entity, external_id, stage, kind, code, severity, is_retryable, field, found, expected,
                   message, next_step, first_seen_at, last_seen_at
              from sync.errors
             where resolved_at is null and (%(connection)s::text is null or connection = %(connection)s)
             order by array_position(array['critical', 'error', 'warning'], severity), first_seen_at, error_id
            """,
            {"connection": connection},
        ).fetchall()
