"""What webhooks told of waits until it was read, whichever entities the syncs in between were for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from resources.stores import inbox, switches
from resources.webhooks import Notice
from tests.books import Books
from tests.small_company import a_company


@pytest.fixture
def synced(books: Books) -> Books:
    books.load(a_company(1))
    books.sync()
    return books


def tell(books: Books, external_id: str, *entities: str) -> None:
    """Keep a notice, as the gateway does, of a change that no delta has brought."""
    happened = datetime.now(UTC) + timedelta(minutes=1)
    notice = Notice(f"key-{external_id}", "", entities, external_id, "update", happened)
    with books.services.db.transaction(books.tenant) as tx:
        assert inbox.put(tx, tenant=books.tenant, connection=books.name, notices=[notice]) == 1


def waiting(books: Books) -> list[list[str]]:
    """What the records are that still wait to be read."""
    return [row["entities"] for row in books.rows("select entities from sync.inbox where taken_at is null")]


def switch(books: Books, module: str, *, is_on: bool) -> None:
    with books.services.db.transaction(books.tenant) as tx:
        switches.switch(
            tx,
            tenant=books.tenant,
            connection=books.name,
            module=module,
            direction="pull",
            is_on=is_on,
            actor="a test",
            reason="",
        )


def test_a_notice_waits_for_a_sync_of_what_it_tells_of(synced: Books):
    tell(synced, "100", "invoices")

    synced.sync(mirror_entities=["customers"], ledger_entities=["customers"])

    assert waiting(synced) == [["invoices"]]
    assert synced.sync().outcomes["invoices"].pulled == 1
    assert waiting(synced) == []


def test_a_notice_waits_while_its_module_is_switched_off(synced: Books):
    tell(synced, "100", "invoices")
    switch(synced, "ar", is_on=False)

    synced.sync()

    assert waiting(synced) == [["invoices"]]
    switch(synced, "ar", is_on=True)
    assert synced.sync().outcomes["invoices"].pulled == 1
    assert waiting(synced) == []


def test_what_may_be_of_two_kinds_is_read_once_as_each_and_waits_for_the_other(synced: Books):
    tell(synced, "1", "customers", "vendors")
    switch(synced, "ap", is_on=False)

    first, second = synced.sync(), synced.sync()

    assert (first.outcomes["customers"].pulled, second.outcomes["customers"].pulled) == (1, 0)
    assert waiting(synced) == [["vendors"]]
    switch(synced, "ap", is_on=True)
    synced.sync()
    assert waiting(synced) == []


def test_what_tells_of_nothing_that_we_keep_is_taken_by_any_sync(synced: Books):
    tell(synced, "7")

    synced.sync(mirror_entities=["customers"], ledger_entities=["customers"])

    assert waiting(synced) == []


def test_what_nobody_could_take_is_forgotten_as_late_as_what_was_taken(synced: Books):
    tell(synced, "100", "invoices")
    switch(synced, "ar", is_on=False)
    synced.change("update sync.inbox set received_at = now() - interval '31 days'")
    tell(synced, "101", "invoices")
    tell(synced, "7")

    synced.sync()

    assert synced.rows("select external_id from sync.inbox order by 1") == [
        {"external_id": "101"},
        {"external_id": "7"},
    ]
