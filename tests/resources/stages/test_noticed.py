"""What webhooks told of waits until it was read, whichever entities the syncs in between were for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from resources.errors import TieoutError
from resources.stores import inbox, switches
from resources.webhooks import Notice
from tests.books import Books
from tests.resources.stages.test_census import vanish
from tests.small_company import a_company


@pytest.fixture
def synced(books: Books) -> Books:
    books.load(a_company(1))
    books.sync()
    return books


def tell(
    books: Books, external_id: str, *entities: str, operation: str = "update", happened_at: datetime | None = None
) -> None:
    """Keep a notice, as the gateway does, of a change that no delta has brought."""
    happened_at = happened_at or datetime.now(UTC) + timedelta(minutes=1)
    notice = Notice(f"key-{external_id}", "", entities, external_id, operation, happened_at)
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


ASKED_BY_ID = {"contains": "from Invoice where Id in"}


@pytest.fixture
def emptied(books: Books) -> Books:
    """Of three invoices only the first is there any more, and no feed says so."""
    books.load(a_company())
    books.sync()
    vanish(books, "100")
    assert books.sync().outcomes["invoices"].is_quiet
    return books


def test_deletions_that_a_webhook_told_of_and_no_feed_are_asked_for_by_id_and_taken(emptied: Books):
    for external_id in ("101", "102"):
        tell(emptied, external_id, "invoices", operation="delete")

    report = emptied.sync()

    assert (report.outcomes["invoices"].deleted, report.censuses) == (2, {})
    assert emptied.mirror_ids("invoices") == emptied.ledger_ids("invoices") == {"100"}
    # The feed, and two questions for both.
    assert report.api_calls == 3
    assert waiting(emptied) == []


def test_a_deletion_is_asked_for_though_the_record_we_have_bears_the_time_of_its_notice(emptied: Books):
    emptied.change("update mirror.invoices set modified_at = now() where external_id = '101'")
    tell(emptied, "101", "invoices", operation="delete", happened_at=datetime.now(UTC) - timedelta(minutes=1))

    emptied.sync()

    assert "101" not in emptied.ledger_ids("invoices")


def test_what_is_missing_without_a_word_of_a_deletion_is_not_buried(emptied: Books):
    """A list that lags behind a write does not have what was made just now."""
    tell(emptied, "101", "invoices", operation="update")

    assert emptied.sync().api_calls == 2
    assert "101" in emptied.ledger_ids("invoices")


def test_what_is_missing_once_and_there_when_it_is_asked_for_again_is_not_buried(synced: Books):
    nothing = {"QueryResponse": {}, "time": datetime.now(UTC).isoformat()}
    synced.simulator.post("faults", [{**ASKED_BY_ID, "nth": 1, "status": 200, "body": nothing}])
    tell(synced, "100", "invoices", operation="delete")

    synced.sync()

    assert synced.ledger_ids("invoices") == {"100"}
    assert waiting(synced) == []


def test_a_deletion_waits_while_the_record_cannot_be_asked_for(emptied: Books, no_waiting):
    emptied.simulator.post("faults", [{**ASKED_BY_ID, "status": 500, "body": {}}])
    tell(emptied, "101", "invoices", operation="delete")

    with pytest.raises(TieoutError):
        emptied.sync()

    assert "101" in emptied.ledger_ids("invoices")
    emptied.simulator.post("faults", [])
    emptied.sync()
    assert "101" not in emptied.ledger_ids("invoices")


def test_a_record_that_we_never_had_is_asked_for_once(synced: Books):
    tell(synced, "900", "invoices", operation="delete")

    assert synced.sync().api_calls == 2
    assert waiting(synced) == []
