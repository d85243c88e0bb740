"""A worker that outlives the database's fall, over Xero: there a page of a delta moves no watermark, and its end moves
all of them. `test_pull.py` has the like over QuickBooks, whose pages bring their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resources.stores import leases
from resources.stores.leases import CommitsLostError
from tests.books import Books, opened_books
from tests.conftest import NewDatabase
from tests.house import Simulator, running_simulator

OLD, NEW = "post@lund.example", "new@lund.example"
# What a page is written with.
WRITTEN = ("mirror.customers", "sync.cursors")


@pytest.fixture(scope="module")
def xero() -> Iterator[Simulator]:
    with running_simulator("--no-limits", erp="xero") as running:
        yield running


@pytest.fixture
def books(new_database: NewDatabase, xero: Simulator, tmp_path: Path) -> Iterator[Books]:
    """One contact in both books; it changed there, so long ago that no overlap of a delta brings it a second time."""
    with opened_books(new_database, xero, tmp_path, "empty", "xero") as books:
        books.edit("create", "Contacts", Name="Lund & Sons", EmailAddress=OLD)
        books.sync()
        books.edit("update", "Contacts", *books.mirror_ids("customers"), EmailAddress=NEW)
        xero.post("clock", {"advance_seconds": 600})
        yield books


@pytest.fixture
def fallen(books: Books, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The server falls once, right after the next page is committed, and comes back without that; says when it has."""
    with books.database.connect("superuser") as hand:
        hand.execute("set session_replication_role = replica")
        for table in WRITTEN:
            hand.execute(f"create temp table {table.replace('.', '_')} as select * from {table}")
        happened: list[str] = []

        def fall(name: str) -> None:
            if name == "page_committed" and not happened:
                happened.append(name)
                for table in WRITTEN:
                    hand.execute(f"delete from {table}")
                    hand.execute(f"insert into {table} select * from {table.replace('.', '_')}")
                # Each transaction of a worker extends it.
                hand.execute("update sync.leases set expires_at = expires_at - interval '1 second'")

        monkeypatch.setattr("resources.points.hook", fall)
        yield happened


def emails(books: Books) -> set[Any]:
    return {row["payload"]["EmailAddress"] for row in books.rows("select payload from mirror.customers")}


def test_a_page_that_was_lost_is_read_again_by_the_next_sync(books: Books, fallen: list[str]):
    with pytest.raises(CommitsLostError, match="come back without what was committed last"):
        books.sync()
    assert (fallen, emails(books)) == (["page_committed"], {OLD})

    books.sync()

    assert emails(books) == {NEW}
    assert {row["email"] for row in books.rows("select email from ledger.customers")} == {NEW}
    assert books.open_errors() == []


def test_a_worker_that_is_not_told_passes_over_a_page_that_was_lost(
    books: Books, fallen: list[str], monkeypatch: pytest.MonkeyPatch
):
    hold = leases.hold
    monkeypatch.setattr(leases, "hold", lambda tx, lease, since=None: hold(tx, lease))
    books.sync()
    assert fallen

    books.sync()

    assert emails(books) == {OLD}
