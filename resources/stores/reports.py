"""What a report on one run needs of what was kept, and which reports were written.

Belongs here: reading one run's results, breaks, statements and ageing by bucket, and the list of written reports. What
a report makes of them is `resources/reporting/`, the files themselves are in `resources/object_store.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import class_row

from ledger.ageing import HomeRow

TREND_POINTS_MAX = 60


@dataclass(frozen=True, slots=True)
class Total:
    """One module and currency of both books; the difference is the ERP's less the ledger's."""

    module: str
    currency: str
    cutoff_at: datetime
    ledger_amount: Decimal
    erp_amount: Decimal
    difference_amount: Decimal
    break_count: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One break as the run saw it, and how it stands with those who look after it."""

    break_id: int | None
    module: str
    currency: str
    severity: str
    state: str
    cause: str
    amount: Decimal
    says: str
    party_name: str | None
    entity: str | None
    external_id: str | None
    ledger_id: int | None
    owner: str | None
    note: str | None
    first_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """What had to be said of one module's comparison."""

    module: str
    code: str
    is_blocking: bool
    says: str
    cutoff_at: datetime


@dataclass(frozen=True, slots=True)
class Aged:
    """One bucket of one module in the home currency; None is not known."""

    module: str
    bucket: str
    as_of: date
    home_currency: str
    ledger_amount: Decimal | None
    mirror_amount: Decimal | None
    reported_amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Point:
    """Both books' totals at one instant."""

    at: datetime
    ledger_amount: Decimal
    erp_amount: Decimal


@dataclass(frozen=True, slots=True)
class Written:
    """One file of a report, as it is kept."""

    run_id: int
    connection: str
    format: str
    key: str
    sha256: str
    size_bytes: int
    written_at: datetime


def keep_aged(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    module: str,
    as_of: date,
    home_currency: str,
    buckets: Mapping[str, HomeRow],
    run_id: int | None,
) -> None:
    """Keep what a module's ageing came to, bucket by bucket, for good."""
    with tx.cursor() as cursor:
        cursor.executemany(
            "insert into reconciliation.aged_totals (tenant_id, connection, module, as_of, home_currency, bucket, "
            "ledger_amount, mirror_amount, reported_amount, run_id) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    *(tenant, connection, module, as_of, home_currency, bucket),
                    *(row.ledger_amount, row.mirror_amount, row.reported_amount, run_id),
                )
                for bucket, row in buckets.items()
            ],
        )


def newest_run(tx: psycopg.Connection[Any], connection: str) -> int | None:
    """The run that last compared anything of a connection."""
    row = tx.execute(
        "select max(run_id) from (select max(run_id) as run_id from reconciliation.results where connection = %(name)s "
        "union all select max(run_id) from reconciliation.statements where connection = %(name)s) r",
        {"name": connection},
    ).fetchone()
    return row[0] if row else None


def company(tx: psycopg.Connection[Any], connection: str) -> tuple[str | None, str | None]:
    """(name, home currency) of a connection's company, as far as they are known."""
    row = tx.execute(
        "select company_name, home_currency from sync.connections where connection = %s", (connection,)
    ).fetchone()
    return (row[0], row[1]) if row else (None, None)


def totals(tx: psycopg.Connection[Any], connection: str, run_id: int) -> list[Total]:
    with tx.cursor(row_factory=class_row(Total)) as rows:
        return rows.execute(
            "select r.module, r.currency, r.cutoff_at, r.ledger_amount, r.erp_amount, r.difference_amount, "
            "count(s.sighting_id)::int as break_count from reconciliation.results r "
            "left join reconciliation.sightings s on s.result_id = r.result_id "
            "where r.connection = %s and r.run_id = %s group by r.result_id "
            "order by array_position(array['ar', 'ap'], r.module), r.currency",
            (connection, run_id),
        ).fetchall()


def seen(tx: psycopg.Connection[Any], connection: str, run_id: int) -> list[Seen]:
    """The loudest first; in each severity by module and currency, the largest first."""
    with tx.cursor(row_factory=class_row(Seen)) as rows:
        return rows.execute(
            """
            select s.break_id, r.module, r.currency, coalesce(b.severity, 'notice') as severity,
                   coalesce(b.state, 'open') as state, s.cause, s.amount, s.says, s.party_name, b.entity, b.external_id,
                   b.ledger_id, b.owner, b.note, b.first_seen_at
              from reconciliation.results r
              join reconciliation.sightings s on s.result_id = r.result_id
              left join reconciliation.breaks b on b.break_id = s.break_id
             where r.connection = %s and r.run_id = %s
             order by array_position(array['critical', 'warning', 'notice'], coalesce(b.severity, 'notice')),
                      array_position(array['ar', 'ap'], r.module), r.currency, abs(s.amount) desc, s.sighting_id
            """,
            (connection, run_id),
        ).fetchall()


def told(tx: psycopg.Connection[Any], connection: str, run_id: int) -> list[Told]:
    """What blocks first."""
    with tx.cursor(row_factory=class_row(Told)) as rows:
        return rows.execute(
            "select module, code, is_blocking, says, cutoff_at from reconciliation.statements "
            "where connection = %s and run_id = %s order by is_blocking desc, statement_id",
            (connection, run_id),
        ).fetchall()


def aged(tx: psycopg.Connection[Any], connection: str, run_id: int) -> list[Aged]:
    with tx.cursor(row_factory=class_row(Aged)) as rows:
        return rows.execute(
            "select module, bucket, as_of, home_currency, ledger_amount, mirror_amount, reported_amount "
            "from reconciliation.aged_totals where connection = %s and run_id = %s "
            "order by array_position(array['ar', 'ap'], module)",
            (connection, run_id),
        ).fetchall()


def trend(
    tx: psycopg.Connection[Any], connection: str, *, until: datetime, points_max: int = TREND_POINTS_MAX
) -> dict[tuple[str, str], list[Point]]:
    """(module, currency) -> both books at the last reconciliations up to an instant, oldest first."""
    found: dict[tuple[str, str], list[Point]] = {}
    for module, currency, at, ledger_amount, erp_amount in tx.execute(
        """
        select module, currency, cutoff_at, ledger_amount, erp_amount from (
          select *, row_number() over (partition by module, currency order by cutoff_at desc, result_id desc) as back
            from reconciliation.results where connection = %s and cutoff_at <= %s
        ) r where back <= %s order by array_position(array['ar', 'ap'], module), currency, cutoff_at, result_id
        """,
        (connection, until, points_max),
    ):
        found.setdefault((module, currency), []).append(Point(at, ledger_amount, erp_amount))
    return found


def note_written(tx: psycopg.Connection[Any], *, tenant: str, files: Iterable[Written]) -> None:
    """Remember the files of a report; the same content written again is the same row."""
    with tx.cursor() as cursor:
        cursor.executemany(
            "insert into reconciliation.reports (tenant_id, connection, run_id, format, key, sha256, size_bytes, "
            "written_at) values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (key) do update "
            "set written_at = excluded.written_at",
            [(tenant, f.connection, f.run_id, f.format, f.key, f.sha256, f.size_bytes, f.written_at) for f in files],
        )


def written(tx: psycopg.Connection[Any], connection: str, *, runs_max: int = 20) -> Sequence[Written]:
    """The files of a connection's newest reports, newest run first."""
    with tx.cursor(row_factory=class_row(Written)) as rows:
        return rows.execute(
            "select run_id, connection, format, key, sha256, size_bytes, written_at from ("
            "  select *, dense_rank() over (order by run_id desc) as back from reconciliation.reports "
            "  where connection = %s) r where back <= %s order by run_id desc, written_at desc, format",
            (connection, runs_max),
        ).fetchall()
