"""The last verdict of each data-quality check, and the rows that failed it. Reconciliation asks here: a gate inside one
run is not enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ledger.spec import EntitySpec
from resources.expected import called
from resources.quality import Verdict


@dataclass(frozen=True, slots=True)
class KeptVerdict:
    """How one check of one connection's entity came out last; `sample` are keys of the first rows that break it."""

    connection: str
    entity: str
    check_name: str
    says: str
    is_passed: bool
    is_blocking: bool
    row_count: int
    failed_count: int
    sample: Sequence[int | str]
    page: str | None
    checked_at: datetime

    @property
    def is_red(self) -> bool:
        """It keeps the entity's module from being reconciled."""
        return self.is_blocking and not self.is_passed


@dataclass(frozen=True, slots=True)
class FailingRow:
    """A row that breaks a check: `found` is what the check looks at, as it stood when it was looked at."""

    connection: str
    entity: str
    check_name: str
    row_key: str
    external_id: str | None
    called: str | None
    found: Mapping[str, Any]
    first_seen_at: datetime

    def __str__(self) -> str:
        name = f"{self.row_key} {self.called}".strip() if self.called else self.row_key
        values = ", ".join(f"{column} {value}" for column, value in self.found.items())
        return f"{name} ({values})" if values else name


LISTED_ROWS_MAX = 100
_COLUMNS = ", ".join(KeptVerdict.__dataclass_fields__)
_ROW_COLUMNS = ", ".join(FailingRow.__dataclass_fields__)


def record(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    spec: EntitySpec,
    verdicts: Sequence[Verdict],
    page: str | None,
) -> None:
    """Replace the verdicts on one connection's rows of an entity; what no longer fails is cleared."""
    names = [one.name for one in verdicts]
    whose = (connection, spec.name)
    keys = {"connection": connection, "tenant": tenant}
    tx.execute(
        "delete from sync.verdicts where connection = %s and entity = %s and not check_name = any(%s)", (*whose, names)
    )
    with tx.cursor() as cursor:
        cursor.executemany(
            """
            insert into sync.verdicts (connection, entity, check_name, tenant_id, is_passed, is_blocking, says,
                                       row_count, failed_count, sample, page)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (connection, entity, check_name) do update
               set is_passed = excluded.is_passed, is_blocking = excluded.is_blocking, says = excluded.says,
                   row_count = excluded.row_count, failed_count = excluded.failed_count, sample = excluded.sample,
                   page = excluded.page, checked_at = clock_timestamp()
            """,
            [
                (
                    *(*whose, one.name, tenant, one.is_passed, one.is_blocking, one.says),
                    *(one.row_count, one.failed_count, Jsonb(list(one.sample)), page),
                )
                for one in verdicts
            ],
        )
    # Of a share that is reached, the rows beyond it are nobody's concern.
    failed = [one for one in verdicts if one.keys and not one.is_passed]
    for one in failed:
        tx.execute(_keep_rows(spec, one.shows), {**keys, "check": one.name, "keys": list(one.keys)})
    tx.execute(
        "update sync.failing_rows set cleared_at = now() where connection = %s and entity = %s and cleared_at is null "
        "and (check_name, row_key) not in (select * from unnest(%s::text[], %s::text[]))",
        (*whose, [one.name for one in failed for _ in one.keys], [key for one in failed for key in one.keys]),
    )


def _keep_rows(spec: EntitySpec, shows: Sequence[str]) -> sql.Composed:
    """Note rows by their keys, with the columns that the check looks at; those of other tables by the key alone."""
    own = {f.column for f in spec.fields}
    pairs = [sql.SQL("{}, l.{}").format(sql.Literal(name), sql.Identifier(name)) for name in shows if name in own]
    found = sql.SQL("case when l.ledger_id is null then '{{}}' else jsonb_build_object({}) end").format(
        sql.SQL(", ").join(pairs)
    )
    if "watermark" in shows:
        found = sql.SQL("coalesce(to_jsonb(c), '{}')")
    return sql.SQL(
        """
        insert into sync.failing_rows as f
          (connection, entity, check_name, row_key, tenant_id, external_id, called, found)
        select %(connection)s, {entity}, %(check)s, k.key, %(tenant)s, b.external_id, l.{called}, {found}
          from unnest(%(keys)s::text[]) as k (key)
          left join ledger.{table} l on l.ledger_id = case when k.key ~ '^[0-9]+$' then k.key::bigint end
          left join lateral (select external_id from sync.bindings b where b.connection = %(connection)s
                               and b.entity = {entity} and b.ledger_id = l.ledger_id limit 1) b on true
          left join lateral (select watermark, pulled_at from sync.cursors c where c.connection = %(connection)s
                               and c.entity = {entity} and k.key like 'cursors/%%') c on true
        on conflict (connection, entity, check_name, row_key) do update
           set external_id = excluded.external_id, called = excluded.called, found = excluded.found,
               last_seen_at = now(), cleared_at = null,
               first_seen_at = case when f.cleared_at is null then f.first_seen_at else now() end
        """
    ).format(
        entity=sql.Literal(spec.name),
        table=sql.Identifier(spec.name),
        called=sql.Identifier(called(spec)),
        found=found,
    )


def failing(tx: psycopg.Connection[Any], connection: str, entities: Sequence[str]) -> list[KeptVerdict]:
    """The blocking checks whose last verdict on these entities was bad."""
    return [one for one in read(tx, entities) if one.connection == connection and one.is_red]


def read(tx: psycopg.Connection[Any], entities: Sequence[str]) -> list[KeptVerdict]:
    """The last verdicts on these entities, of every connection that the tenant has."""
    with tx.cursor(row_factory=class_row(KeptVerdict)) as rows:
        return rows.execute(
            f"select {_COLUMNS} from sync.verdicts v where entity = any(%s) and exists (select from sync.connections c "
            "where c.connection = v.connection and c.state <> 'removed') order by connection, entity, check_name",
            (list(entities),),
        ).fetchall()


def rows_of(
    tx: psycopg.Connection[Any], connection: str, entity: str, check_name: str, *, limit: int
) -> list[FailingRow]:
    """Rows that fail a check now, by their keys."""
    with tx.cursor(row_factory=class_row(FailingRow)) as rows:
        return rows.execute(
            f"select {_ROW_COLUMNS} from sync.failing_rows where connection = %s and entity = %s and check_name = %s "
            "and cleared_at is null order by length(row_key), row_key limit %s",
            (connection, entity, check_name, limit),
        ).fetchall()
