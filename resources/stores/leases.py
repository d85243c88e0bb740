"""Who works on what, until when: a lease with a deadline and an epoch that every commit of the work checks.

A worker that died delays its work by `LEASE_SECONDS` at most, and not at all where its own host can see that it is
gone; one that was thought dead and is not cannot commit, because its epoch is no longer the newest. Time is the
database's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from resources.errors import ErrorKind, TieoutError

# Longer than one call with all its repeats may take: five attempts, a minute's wait after each 429.
LEASE_SECONDS = 420


@dataclass(frozen=True, slots=True)
class Lease:
    name: str
    epoch: int


class LeaseLostError(TieoutError):
    """Somebody else took the work over: stop, and write nothing more of it."""


def acquire(tx: psycopg.Connection[Any], name: str, owner: str) -> Lease | None:
    """Take the lease if it is free or run out; None while somebody else holds it."""
    row = tx.execute(
        """
        insert into sync.leases as l (name, epoch, owner, expires_at)
        values (%(name)s, 1, %(owner)s, clock_timestamp() + make_interval(secs => %(seconds)s))
        on conflict (name) do update
           set epoch = l.epoch + 1, owner = excluded.owner, expires_at = excluded.expires_at
         where l.expires_at <= clock_timestamp()
        returning epoch
        """,
        {"name": name, "owner": owner, "seconds": LEASE_SECONDS},
    ).fetchone()
    return None if row is None else Lease(name, row[0])


class CommitsLostError(TieoutError):
    """The database's server fell and came back without what this worker had committed last: begin anew from what is
    there.
    """


def hold(tx: psycopg.Connection[Any], lease: Lease, since: datetime | None = None) -> datetime:
    """Prove, in the transaction that writes, that the lease is still ours, and extend it; returns until when.

    `since` is what the last transaction that committed was given: one that did not wait for the disk may be gone, and
    what was to follow it must not be written then. Raises LeaseLostError and CommitsLostError.
    """
    row = tx.execute(
        """
        update sync.leases set expires_at = clock_timestamp() + make_interval(secs => %s)
         where name = %s and epoch = %s and expires_at >= coalesce(%s::timestamptz, '-infinity') returning expires_at
        """,
        (LEASE_SECONDS, lease.name, lease.epoch, since),
    ).fetchone()
    if row is not None:
        return row[0]
    doing = f"working under the lease {lease.name}"
    found = tx.execute("select 1 from sync.leases where name = %s and epoch = %s", (lease.name, lease.epoch)).fetchone()
    if found is not None:
        raise CommitsLostError(
            ErrorKind.SYSTEM,
            doing=doing,
            found="a database that has come back without what was committed last",
            expected=f"a lease until {since}, as the last commit left it",
            next_step="nothing: the next run goes on from what the database has",
        )
    raise LeaseLostError(
        ErrorKind.CONFLICT,
        doing=doing,
        found="another worker took it over",
        expected=f"to hold epoch {lease.epoch}",
        next_step="nothing: the other worker does the work",
    )


def release(tx: psycopg.Connection[Any], lease: Lease) -> None:
    """Give the lease back; no error if it is no longer ours."""
    tx.execute(
        "update sync.leases set expires_at = clock_timestamp() where name = %s and epoch = %s",
        (lease.name, lease.epoch),
    )


def expire(tx: psycopg.Connection[Any], name: str, owner: str) -> None:
    """End the lease of an owner that is known to be gone; no error if it is somebody else's by now."""
    tx.execute("update sync.leases set expires_at = clock_timestamp() where name = %s and owner = %s", (name, owner))


def holder(tx: psycopg.Connection[Any], name: str) -> str | None:
    """Who holds the lease now, None if nobody does."""
    row = tx.execute(
        "select owner from sync.leases where name = %s and expires_at > clock_timestamp()", (name,)
    ).fetchone()
    return None if row is None else row[0]
