"""Consents that were begun: each is answered once, soon, and by whom it was begun.

Belongs here: the statements on `sync.consents`. What is done with an answer is `resources/answering.py`. The state
that travels is kept as its hash: whoever reads this table can answer nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from resources.consent import Company

LIFE_MINUTES = 10
KEPT_HOURS = 24


@dataclass(frozen=True, slots=True)
class Consent:
    """One that was begun. `is_over`: its time has passed."""

    erp: str
    connection: str
    begun_by: str
    browser_hash: bytes
    redirect_uri: str
    return_to: str
    used_at: datetime | None
    choices: list[list[str]] | None
    chosen_at: datetime | None
    is_over: bool


def begin(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    state: str,
    erp: str,
    connection: str,
    begun_by: str,
    browser: str,
    redirect_uri: str,
    return_to: str,
) -> None:
    """Keep one; those of yesterday are forgotten."""
    tx.execute(
        "delete from sync.consents where begun_at < clock_timestamp() - make_interval(hours => %s)", (KEPT_HOURS,)
    )
    tx.execute(
        "insert into sync.consents (tenant_id, state_hash, erp, connection, begun_by, browser_hash, redirect_uri,"
        " return_to, expires_at) values (%s, %s, %s, %s, %s, %s, %s, %s,"
        " clock_timestamp() + make_interval(mins => %s))",
        (
            *(tenant, hashed(state), erp, connection, begun_by, hashed(browser), redirect_uri, return_to),
            LIFE_MINUTES,
        ),
    )


def find(tx: psycopg.Connection[Any], state: str) -> Consent | None:
    with tx.cursor(row_factory=class_row(Consent)) as rows:
        return rows.execute(
            "select erp, connection, begun_by, browser_hash, redirect_uri, return_to, used_at, choices, chosen_at,"
            " expires_at <= clock_timestamp() as is_over from sync.consents where state_hash = %s",
            (hashed(state),),
        ).fetchone()


def use(tx: psycopg.Connection[Any], state: str) -> bool:
    """Take its answer; False if it was taken before, or its time has passed. Of several at once, one may."""
    done = tx.execute(
        "update sync.consents set used_at = clock_timestamp()"
        " where state_hash = %s and used_at is null and expires_at > clock_timestamp()",
        (hashed(state),),
    )
    return done.rowcount == 1


def offer(tx: psycopg.Connection[Any], state: str, companies: Sequence[Company]) -> None:
    """Have the person choose; there is time for it anew."""
    tx.execute(
        "update sync.consents set choices = %s, expires_at = clock_timestamp() + make_interval(mins => %s)"
        " where state_hash = %s",
        (Jsonb([[one.company_id, one.name] for one in companies]), LIFE_MINUTES, hashed(state)),
    )


def choose(tx: psycopg.Connection[Any], state: str) -> bool:
    """Take the choice; False if there was one before, or its time has passed."""
    done = tx.execute(
        "update sync.consents set chosen_at = clock_timestamp() where state_hash = %s and choices is not null"
        " and chosen_at is null and expires_at > clock_timestamp()",
        (hashed(state),),
    )
    return done.rowcount == 1


def hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
