"""The audit's chain: whatever is done to it by hand is found and named; nobody but its function writes it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from resources.stores import audit
from resources.stores.audit import Anchor, Head
from resources.stores.database import Database

FORGE = (
    "update sync.audit set hash = sync.seal_audit(previous_hash, tenant_id, seq, at, actor, login, action, connection, "
    "entity, ledger_id, external_id, detail) where seq = %s"
)


@pytest.fixture
def chain(transaction) -> Callable[..., None]:
    """`chain(5)` appends five entries for tenant `default`, `chain(5, "other")` for another."""

    def chain(count: int, tenant: str = "default") -> None:
        for number in range(1, count + 1):
            with transaction(tenant) as tx:
                audit.append(
                    tx,
                    tenant=tenant,
                    actor="ann",
                    action="push.create",
                    connection="qbo",
                    entity="invoices",
                    ledger_id=number,
                    detail={"total_amount": Decimal("10.50"), "who": "Zoë 李", "odd": "a\x00b \\u0000"},
                )

    return chain


@pytest.fixture
def tamper(migrated):
    """Somebody who owns the database works on the audit and knows about triggers."""

    def tamper(*statements: str, values: tuple = ()) -> None:
        with migrated.connect("superuser", autocommit=False) as db:
            db.execute("set session_replication_role = replica")
            for statement in statements:
                db.execute(statement, values if "%s" in statement else ())
            db.commit()

    return tamper


@pytest.fixture
def verify(transaction):
    def verify(tenant: str = "default", anchors: tuple[Anchor, ...] = ()) -> list[tuple[str, int]]:
        with transaction(tenant) as tx:
            return [(f.kind, f.seq) for f in audit.verify(tx, tenant, anchors)]

    return verify


def head_of(transaction, tenant: str = "default") -> Head | None:
    with transaction(tenant) as tx:
        return audit.head(tx, tenant)


def test_a_whole_chain_has_no_findings_and_its_head_is_its_last_entry(chain, verify, transaction):
    assert (verify(), head_of(transaction)) == ([], None)
    chain(5)
    assert verify() == []
    with transaction() as tx:
        newest = audit.entries(tx, "default")
        (hash_,) = tx.execute("select hash from sync.audit where seq = 5").fetchone()
    assert [e["seq"] for e in newest] == [5, 4, 3, 2, 1]
    assert newest[0]["login"] == "tieout_owner"
    assert '"total_amount":"10.50"' in newest[0]["detail"]
    assert head_of(transaction) == Head(5, hash_)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'bob'",
        "at = at + interval '1 microsecond'",
        "detail = replace(detail, '10.50', '10.51')",
        "ledger_id = 9",
        "external_id = ''",
        "login = 'bob'",
        "connection = 'xero'",
    ],
)
def test_a_changed_entry_is_found_and_named(chain, verify, tamper, transaction, change):
    chain(5)
    tamper(f"update sync.audit set {change} where seq = 3")
    assert verify() == [("changed", 3)]
    with transaction() as tx:
        (finding,) = audit.verify(tx, "default")
    assert finding.says.startswith("entry 3 (push.create ")
    assert "was changed or moved" in finding.says


def test_a_changed_entry_with_a_hash_of_its_own_is_found_by_the_entry_after_it(chain, verify, tamper):
    chain(5)
    tamper("update sync.audit set actor = 'bob' where seq = 3", FORGE.replace("%s", "3"))
    assert verify() == [("replaced", 3)]


def test_a_changed_last_entry_with_a_hash_of_its_own_is_found_by_the_head(chain, verify, tamper):
    chain(5)
    tamper("update sync.audit set actor = 'bob' where seq = 5", FORGE.replace("%s", "5"))
    assert verify() == [("replaced", 5)]


@pytest.mark.parametrize(
    ("gone", "found"),
    [
        pytest.param("seq = 3", [("missing", 3)], id="one in the middle"),
        pytest.param("seq in (2, 3)", [("missing", 2)], id="two in a row"),
        pytest.param("seq in (2, 4)", [("missing", 2), ("missing", 4)], id="two apart"),
        pytest.param("seq = 1", [("missing", 1)], id="the first"),
        pytest.param("seq >= 4", [("missing", 4)], id="the tail"),
        pytest.param("true", [("missing", 1)], id="all"),
    ],
)
def test_deleted_entries_are_found_and_named(chain, verify, tamper, gone, found):
    chain(5)
    tamper(f"delete from sync.audit where {gone}")
    assert verify() == found


def test_a_deleted_entry_whose_gap_was_closed_is_found(chain, verify, tamper):
    chain(5)
    tamper("delete from sync.audit where seq = 3", "update sync.audit set seq = seq - 1 where seq > 3")
    assert verify() == [("changed", 3), ("changed", 4), ("missing", 5)]


def test_an_inserted_entry_is_found(chain, verify, tamper):
    chain(3)
    copy = (
        "insert into sync.audit select tenant_id, {seq}, at, actor, login, action, connection, entity, ledger_id, "
        "external_id, detail, {previous}, hash from sync.audit where seq = 3"
    )
    tamper(copy.format(seq=4, previous="hash"), FORGE.replace("%s", "4"))
    assert verify() == [("inserted", 4)]
    tamper("update sync.audit set seq = seq + 1 where seq = 4", "update sync.audit set seq = 4 where seq = 3")
    assert ("missing", 3) in verify()


def test_two_entries_in_each_others_place_are_found(chain, verify, tamper):
    chain(5)
    tamper(
        "update sync.audit set seq = 99 where seq = 2",
        "update sync.audit set seq = 2 where seq = 3",
        "update sync.audit set seq = 3 where seq = 99",
    )
    assert verify() == [("changed", 2), ("changed", 3), ("replaced", 3)]


def test_a_tail_cut_with_its_head_is_whole_in_itself_and_found_by_the_anchor(chain, verify, tamper, transaction):
    chain(5)
    head = head_of(transaction)
    anchor = Anchor(head.seq, head.hash, datetime(2026, 11, 21, tzinfo=UTC))
    assert verify(anchors=(anchor,)) == []
    tamper(
        "delete from sync.audit where seq > 3",
        "update sync.audit_heads h set seq = a.seq, hash = a.hash from sync.audit a where a.seq = 3",
    )
    assert verify() == []
    assert verify(anchors=(anchor,)) == [("missing", 5)]
    chain(4)
    assert verify() == []
    assert verify(anchors=(anchor,)) == [("replaced", 5)]


def test_a_chain_that_was_emptied_and_begun_anew_is_found_by_the_anchor(chain, verify, tamper, transaction):
    chain(2)
    head = head_of(transaction)
    tamper("truncate sync.audit, sync.audit_heads")
    assert verify(anchors=(Anchor(head.seq, head.hash, datetime(2026, 11, 21, tzinfo=UTC)),)) == [("missing", 2)]


def test_a_head_that_is_gone_is_found(chain, verify, tamper):
    chain(2)
    tamper("delete from sync.audit_heads")
    assert verify() == [("missing", 2)]


def test_tenants_have_chains_of_their_own(chain, verify, tamper, transaction):
    chain(3)
    chain(2, "other")
    tamper("update sync.audit set actor = 'bob' where tenant_id = 'other' and seq = 1")
    assert verify() == []
    assert verify("other") == [("changed", 1)]
    assert head_of(transaction, "other").seq == 2
    with transaction("other") as tx:
        assert audit.head(tx, "default") is None
        assert audit.entries(tx, "default") == []


def test_nobody_appends_for_another_tenant(transaction):
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="found tenant default"), transaction("other") as tx:
        audit.append(tx, tenant="default", actor="ann", action="a", detail={})
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction("") as tx:
        audit.append(tx, tenant="", actor="ann", action="a", detail={})


@pytest.mark.parametrize("table", ["sync.audit", "sync.audit_heads"])
@pytest.mark.parametrize("statement", ["update {} set seq = 7", "delete from {}", "truncate {}"])
def test_the_application_may_not_change_entries_nor_may_their_owner(chain, migrated, transaction, table, statement):
    chain(2)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction() as tx:
        tx.execute(statement.format(table))
    with migrated.connect() as db, pytest.raises(psycopg.errors.RestrictViolation, match="expected entries to be"):
        db.execute("set role tieout_owner")
        db.execute("set tieout.tenant = 'default'")
        db.execute(statement.format(table))


def test_the_application_may_not_insert_past_the_function(transaction):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction() as tx:
        tx.execute("insert into sync.audit_heads values ('default', 1, '')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction() as tx:
        tx.execute(
            "insert into sync.audit (tenant_id, seq, at, actor, login, action, detail, previous_hash, hash) "
            "values ('default', 1, now(), 'x', 'x', 'x', '{}', '', '')"
        )


def test_an_entry_goes_with_the_transaction_it_tells_of(chain, verify, transaction):
    chain(1)

    class ChangedMindError(Exception):
        pass

    with pytest.raises(ChangedMindError), transaction() as tx:
        audit.append(tx, tenant="default", actor="ann", action="a", detail={})
        raise ChangedMindError
    assert head_of(transaction).seq == 1
    assert verify() == []


def test_many_writers_at_once_make_one_whole_chain(migrated, verify, transaction):
    writers, each = 8, 25
    db = Database(migrated.url(), connections_max=writers)
    start = threading.Barrier(writers)

    def write(number: int) -> None:
        start.wait()
        for _ in range(each):
            with db.transaction("default") as tx:
                audit.append(tx, tenant="default", actor=f"writer {number}", action="a", detail={})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.close()

    assert verify() == []
    assert head_of(transaction).seq == writers * each
    with transaction() as tx:
        counted = tx.execute("select count(*) from sync.audit group by actor").fetchall()
    assert counted == [(each,)] * writers
