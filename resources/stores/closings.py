"""Closed months, kept: the instant at which one was closed, and the figures that recomputing it has to give again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import class_row

Figures = Mapping[tuple[str, str, str, str], tuple[Decimal, Decimal | None]]
"""(book, party, currency, bucket) -> (amount, home amount or None where a rate is missing)."""


@dataclass(frozen=True, slots=True)
class Closing:
    """A month as it was closed, of one connection and module."""

    closing_id: int
    closed_at: datetime
    kept_at: datetime
    kept_by: str


def newest(tx: psycopg.Connection[Any], connection: str, module: str, month_end: date) -> Closing | None:
    """The closing that was kept last for a month; None if it never was."""
    return _one(tx, "order by kept_at desc, closing_id desc", (connection, module, month_end))


def at(tx: psycopg.Connection[Any], connection: str, module: str, month_end: date, instant: datetime) -> Closing | None:
    """The closing of a month at an instant, if it was kept."""
    return _one(tx, "and closed_at = %s", (connection, module, month_end, instant))


def _one(tx: psycopg.Connection[Any], rest: str, values: tuple[Any, ...]) -> Closing | None:
    with tx.cursor(row_factory=class_row(Closing)) as rows:
        return rows.execute(
            "select closing_id, closed_at, kept_at, kept_by from reconciliation.closings "
            f"where connection = %s and module = %s and month_end_date = %s {rest} limit 1",
            values,
        ).fetchone()


def keep(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    module: str,
    month_end: date,
    closed_at: datetime,
    home_currency: str,
    by: str,
    figures: Figures,
) -> None:
    """Keep a closing; what is kept is never changed."""
    row = tx.execute(
        "insert into reconciliation.closings "
        "(tenant_id, connection, module, month_end_date, closed_at, home_currency, kept_by) "
        "values (%s, %s, %s, %s, %s, %s, %s) returning closing_id",
        (tenant, connection, module, month_end, closed_at, home_currency, by),
    ).fetchone()
    assert row is not None
    with tx.cursor() as cursor:
        cursor.executemany(
            "insert into reconciliation.closing_figures "
            "(closing_id, tenant_id, book, party_external_id, currency, bucket, amount, home_amount) "
            "values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [(row[0], tenant, *key, *amounts) for key, amounts in figures.items()],
        )


def figures_of(tx: psycopg.Connection[Any], closing_id: int) -> dict[tuple[str, str, str, str], tuple[Any, Any]]:
    """The figures that were kept with a closing."""
    rows = tx.execute(
        "select book, party_external_id, currency, bucket, amount, home_amount from reconciliation.closing_figures "
        "where closing_id = %s",
        (closing_id,),
    )
    return {tuple(row[:4]): tuple(row[4:]) for row in rows}  # type: ignore[misc]
