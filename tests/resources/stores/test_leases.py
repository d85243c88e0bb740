"""One worker at a time; a dead one only delays; one that was thought dead cannot commit."""

from __future__ import annotations

import pytest

from resources.errors import ErrorKind
from resources.stores import leases
from resources.stores.leases import Lease, LeaseLostError


def expire(tx) -> None:
    tx.execute("update sync.leases set expires_at = clock_timestamp() - interval '1 second'")


def test_only_one_of_two_gets_a_lease_and_the_other_learns_who_has_it(transaction):
    with transaction() as tx:
        held = leases.acquire(tx, "sync:qbo", "first")
    with transaction() as tx:
        assert leases.acquire(tx, "sync:qbo", "second") is None
        assert leases.holder(tx, "sync:qbo") == "first"
        assert leases.acquire(tx, "sync:other", "second") == Lease("sync:other", 1)
    assert held == Lease("sync:qbo", 1)


def test_a_released_lease_is_free_at_once(transaction):
    with transaction() as tx:
        first = leases.acquire(tx, "sync:qbo", "first")
        leases.release(tx, first)
        assert leases.holder(tx, "sync:qbo") is None
        assert leases.acquire(tx, "sync:qbo", "second") == Lease("sync:qbo", 2)


def test_an_expired_lease_is_taken_over_and_the_loser_cannot_commit(transaction):
    with transaction() as tx:
        lost = leases.acquire(tx, "sync:qbo", "slow")
        expire(tx)
        won = leases.acquire(tx, "sync:qbo", "fast")

    with pytest.raises(LeaseLostError) as failure, transaction() as tx:
        leases.hold(tx, lost)
        tx.execute("insert into sync.tenants (tenant_id) values ('never')")

    assert failure.value.kind is ErrorKind.CONFLICT
    with transaction() as tx:
        assert tx.execute("select 1 from sync.tenants where tenant_id = 'never'").fetchone() is None
        leases.hold(tx, won)
        leases.release(tx, lost)
        assert leases.holder(tx, "sync:qbo") == "fast"


def test_work_extends_the_lease(transaction):
    with transaction() as tx:
        lease = leases.acquire(tx, "sync:qbo", "worker")
        tx.execute("update sync.leases set expires_at = clock_timestamp() + interval '1 second'")
        leases.hold(tx, lease)
        (seconds,) = tx.execute("select extract(epoch from expires_at - clock_timestamp()) from sync.leases").fetchone()
    assert seconds > leases.LEASE_SECONDS - 5


def test_a_lease_that_ran_out_and_nobody_took_is_still_good(transaction):
    with transaction() as tx:
        lease = leases.acquire(tx, "sync:qbo", "worker")
        expire(tx)
        leases.hold(tx, lease)
        assert leases.holder(tx, "sync:qbo") == "worker"
