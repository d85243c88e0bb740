"""The mirror holds the newest version of what was sent, writes only what changed, and forgets nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from resources.connector import WireRecord
from resources.stores import mirror
from resources.stores.mirror import Stored

NINE, TEN, ELEVEN = (datetime(2026, 1, 5, hour, tzinfo=UTC) for hour in (9, 10, 11))


def record(external_id: str = "1", at: datetime | None = NINE, token: str = "0", **payload) -> WireRecord:
    return WireRecord(external_id, token, at, {"Id": external_id, "SyncToken": token, "at": str(at), **payload})


def tombstone(external_id: str = "1", at: datetime | None = ELEVEN) -> WireRecord:
    return WireRecord(external_id, None, at, {"Id": external_id, "status": "Deleted"}, is_deleted=True)


@pytest.fixture
def store(transaction):
    """Stores one page in a transaction of its own."""

    def store(*records: WireRecord) -> Stored:
        with transaction() as tx:
            return mirror.store(tx, tenant="default", connection="qbo", entity="invoices", records=records, run_id=None)

    return store


@pytest.fixture
def row(transaction):
    def row(external_id: str = "1") -> dict:
        with transaction() as tx:
            names = ("version_token", "modified_at", "payload", "is_deleted", "change_seq", "xmin")
            found = tx.execute(
                f"select {', '.join(names).replace('xmin', 'xmin::text')} from mirror.invoices where external_id = %s",
                (external_id,),
            ).fetchone()
        return dict(zip(names, found, strict=True))

    return row


def history(transaction) -> list[tuple]:
    with transaction() as tx:
        return tx.execute(
            "select version_token, is_deleted from mirror.invoices_history order by history_id"
        ).fetchall()


def test_amounts_keep_the_scale_they_were_sent_with(store, transaction):
    store(record(TotalAmt=Decimal("100.00"), Rate=Decimal("0.10"), Count=3))
    with transaction() as tx:
        (text,) = tx.execute("select payload::text from mirror.invoices").fetchone()
    assert '"TotalAmt":100.00' in text
    assert '"Rate":0.10' in text
    assert '"Count":3' in text


def test_equal_content_writes_nothing_whatever_the_order_of_its_keys(store, row):
    store(record(a=1, b={"x": 1, "y": 2}))
    before = row()
    assert store(record(b={"y": 2, "x": 1}, a=1)) == Stored(pulled=1)
    assert row() == before


def test_a_newer_version_replaces_and_the_older_one_goes_to_history(store, row, transaction):
    store(record())
    first = row()
    assert store(record(at=TEN, token="1", memo="new")) == Stored(pulled=1, updated=1)
    now = row()
    assert (now["version_token"], now["payload"]["memo"]) == ("1", "new")
    assert now["change_seq"] > first["change_seq"]
    assert history(transaction) == [("0", False)]


def test_an_older_version_never_replaces_a_newer_one(store, row):
    store(record(at=TEN, token="1"))
    before = row()
    assert store(record(at=NINE, token="0", memo="late")) == Stored(pulled=1, kept_at=TEN)
    assert store(tombstone(at=NINE)) == Stored(pulled=1, kept_at=TEN)
    assert row() == before


def test_another_content_of_the_same_second_replaces(store, row):
    store(record(balance=10))
    assert store(record(balance=5)).updated == 1
    assert row()["payload"]["balance"] == 5


def test_another_version_token_over_the_same_content_is_noted(store, row):
    store(record())
    same_content = WireRecord("1", "changed", NINE, record().payload)
    store(same_content)
    assert row()["version_token"] == "changed"


def test_of_two_with_one_id_in_a_page_the_newest_counts_once(store, row, transaction):
    done = store(record(at=TEN, token="1"), record(at=NINE, token="0"), record("2"))
    assert done == Stored(pulled=2, inserted=2)
    assert row()["version_token"] == "1"
    assert history(transaction) == []


def test_a_tombstone_keeps_the_last_content_and_comes_once(store, row):
    store(record(memo="last words"))
    assert store(tombstone()) == Stored(pulled=1, deleted=1)
    buried = row()
    assert (buried["is_deleted"], buried["payload"]["memo"]) == (True, "last words")
    assert store(tombstone()) == Stored(pulled=1)
    assert row() == buried


def test_a_tombstone_of_a_record_never_seen_changes_nothing(store, transaction):
    assert store(tombstone("404")) == Stored(pulled=1)
    with transaction() as tx:
        assert mirror.count(tx, "qbo", "invoices") == 0


def test_a_tombstone_without_a_time_buries_and_a_later_version_revives(store, row, transaction):
    store(record())
    assert store(tombstone(at=None)).deleted == 1
    assert store(record(at=ELEVEN, token="2")) == Stored(pulled=1, updated=1)
    assert not row()["is_deleted"]
    assert history(transaction) == [("0", False), ("0", True)]


def test_changes_come_in_the_order_they_arrived_and_each_once(store, transaction):
    store(record("1"), record("2"), record("3"))
    store(record("1", at=TEN, token="1"))
    with transaction() as tx:
        found = mirror.changes(tx, "qbo", "invoices", after_seq=0, limit=10)
        assert [c.external_id for c in found][-1] == "1"
        assert sorted(c.external_id for c in found) == ["1", "2", "3"]
        assert mirror.changes(tx, "qbo", "invoices", after_seq=found[-1].change_seq, limit=10) == []
        assert len(mirror.changes(tx, "qbo", "invoices", after_seq=0, limit=2)) == 2


def test_two_connections_may_hold_the_same_id(transaction):
    with transaction() as tx:
        mirror.store(tx, tenant="default", connection="one", entity="invoices", records=[record()], run_id=None)
    with transaction() as tx:
        mirror.store(tx, tenant="default", connection="two", entity="invoices", records=[record(memo="x")], run_id=None)
    with transaction() as tx:
        assert [mirror.count(tx, c, "invoices") for c in ("one", "two")] == [1, 1]


def test_a_first_sync_looks_records_up_by_their_keys_and_reads_no_others(store, transaction):
    # Nothing was ever analysed: the planner knows of no row.
    for page in range(3):
        store(*(record(f"{page}-{number}") for number in range(500)))
    with transaction() as tx:
        tx.execute("select pg_stat_force_next_flush()")
    with transaction() as tx:
        (read,) = tx.execute(
            "select sum(idx_tup_read) from pg_stat_user_indexes where schemaname = 'mirror' and relname = 'invoices'"
        ).fetchone()
    assert read == 0


def test_a_page_is_not_copied_into_a_plan_of_its_own(store, transaction):
    for number in range(7):
        store(record(str(number)))
    with transaction() as tx:
        generic, custom = tx.execute(
            "select generic_plans, custom_plans from pg_prepared_statements where statement ~ 'insert into mirror'"
        ).fetchone()
    assert (generic > 0, custom) == (True, 0)
