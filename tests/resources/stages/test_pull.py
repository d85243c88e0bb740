"""Pulling: first everything, then what changed, each page with its watermark; a window again without moving it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from resources.connector import Page
from resources.errors import TieoutError
from resources.stages.census import CensusFindings
from resources.stages.pull import fetched_ahead
from resources.stages.sync import MIRROR_ENTITIES
from resources.stores.leases import CommitsLostError
from tests.books import Books, changed
from tests.small_company import a_company, a_customer, an_invoice


@pytest.fixture
def move_clock(books: Books) -> Iterator[Callable[[int], None]]:
    """Moves the company's clock by so many seconds."""
    yield lambda seconds: books.simulator.post("clock", {"advance_seconds": seconds})
    books.simulator.post("clock", {})


def watermarks(books: Books) -> dict[str, datetime]:
    return {row["entity"]: row["watermark"] for row in books.rows("select entity, watermark from sync.cursors")}


def test_the_first_sync_reads_every_entity_whole_and_marks_how_far(books: Books):
    began = datetime.now(UTC).replace(microsecond=0)
    books.load(a_company())

    report = books.sync()

    assert set(report.watermarks) == set(MIRROR_ENTITIES)
    assert all(began <= at <= datetime.now(UTC) for at in watermarks(books).values())
    assert report.outcomes["invoices"].pulled == 3
    assert books.mirror_ids("invoices") == books.ledger_ids("invoices") == {"100", "101", "102"}


def test_a_sync_with_nothing_new_costs_one_call_and_writes_nothing(books: Books):
    books.load(a_company())
    books.sync()
    before = books.mirror_version("invoices", "100")
    binding = books.rows("select xmin::text, ctid::text from sync.bindings order by entity, external_id")

    report = books.sync()

    assert report.api_calls == 1
    assert changed(report) == {}
    assert books.mirror_version("invoices", "100") == before
    assert books.rows("select xmin::text, ctid::text from sync.bindings order by entity, external_id") == binding


def test_watermarks_only_move_forwards(books: Books, move_clock: Callable[[int], None]):
    books.load(a_company())
    books.sync()
    first = watermarks(books)
    move_clock(-7200)
    books.sync()
    assert watermarks(books) == first


def test_what_changes_under_a_clock_that_was_set_back_is_found_at_once(books: Books, move_clock: Callable[[int], None]):
    books.load(a_company(2))
    books.sync()
    move_clock(-600)
    books.edit("update", "Invoice", "100", PrivateNote="written in the past")
    books.edit("delete", "Invoice", "101")

    books.sync()

    assert books.ledger_row("invoices", "100")["private_note"] == "written in the past"
    assert books.ledger_ids("invoices") == {"100"}


def test_what_changes_under_a_clock_that_was_set_back_is_found_after_it_has_gone_on_as_well(
    books: Books, move_clock: Callable[[int], None]
):
    books.load(a_company(2))
    books.sync()
    move_clock(-600)
    books.sync()
    books.edit("update", "Invoice", "100", PrivateNote="written in the past")
    move_clock(90_000)

    report = books.sync()

    assert report.censuses == {}
    assert books.ledger_row("invoices", "100")["private_note"] == "written in the past"


def test_what_is_held_from_a_later_time_is_found_too_when_the_clock_has_gone_on(
    books: Books, move_clock: Callable[[int], None]
):
    books.load(a_company(2))
    books.edit("update", "Invoice", "100", PrivateNote="before it was set back")
    books.sync()
    move_clock(-600)
    books.sync()
    books.edit("update", "Invoice", "100", PrivateNote="after it was set back")
    move_clock(90_000)

    books.sync()

    assert books.ledger_row("invoices", "100")["private_note"] == "after it was set back"


def test_a_clock_that_stays_set_back_costs_one_census(books: Books, move_clock: Callable[[int], None]):
    books.load(a_company(2))
    books.sync()
    move_clock(-600)
    noticed = books.sync()
    books.edit("update", "Invoice", "100", PrivateNote="written in the past")

    report = books.sync()

    assert "invoices" in noticed.censuses
    assert report.censuses == {}
    assert books.ledger_row("invoices", "100")["private_note"] == "written in the past"


def test_what_changes_before_a_time_that_was_seen_already_is_found_too(books: Books, move_clock: Callable[[int], None]):
    """The clock stands behind what was written meanwhile, though not behind the watermark, which is older still."""
    books.load(a_company(2))
    books.sync()
    move_clock(90_000)
    books.edit("update", "Invoice", "100", PrivateNote="before it was set back")
    move_clock(-600)
    books.sync()
    books.edit("update", "Invoice", "100", PrivateNote="after it was set back")

    books.sync()

    assert books.ledger_row("invoices", "100")["private_note"] == "after it was set back"


def test_what_is_deleted_before_a_time_that_was_seen_already_is_found_too(
    books: Books, move_clock: Callable[[int], None]
):
    books.load(a_company(2))
    books.sync()
    move_clock(90_000)
    books.edit("update", "Invoice", "100", PrivateNote="before it was set back")
    move_clock(-600)
    books.sync()
    books.edit("delete", "Invoice", "100")

    noticed = books.sync()

    assert noticed.censuses["invoices"] == CensusFindings(listed=1, repaired=0, buried=1)
    assert books.ledger_ids("invoices") == {"101"}
    # The feed tells of it once more, as the pulls overlap.
    assert books.sync().censuses == {}


def test_a_window_is_read_again_without_moving_any_watermark(books: Books):
    books.load(a_company())
    books.sync()
    before = watermarks(books)
    books.change("delete from mirror.invoices where external_id = '101'")

    report = books.sync("window", window=(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC)))

    assert books.mirror_ids("invoices") == {"100", "101", "102"}
    assert report.outcomes["invoices"].pulled == 3
    assert watermarks(books) == before


def test_what_came_before_a_failure_is_kept_and_only_the_rest_is_read_again(books: Books, no_waiting):
    books.load(a_company())
    books.simulator.post("faults", [{"contains": "from Payment", "status": 503, "body": "<html>busy</html>"}])
    with pytest.raises(TieoutError):
        books.sync()
    assert books.ledger_ids("invoices") == {"100", "101", "102"}
    books.simulator.post("faults", [])

    report = books.sync()

    assert books.mirror_ids("invoices") == {"100", "101", "102"}
    # The invoices come again only where the feed overlaps; they were not read whole a second time.
    assert report.outcomes["invoices"].pulled == 0
    assert report.outcomes["invoices"].inserted == 0
    assert books.ledger_ids("invoices") == {"100", "101", "102"}


def test_more_changes_than_the_feed_holds_are_all_brought_and_a_census_follows(books: Books):
    books.load({"Customer": [a_customer(1)]})
    books.sync()
    now = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S-00:00")
    many = [an_invoice(1000 + n, amount="1.00", Line=[]) for n in range(1100)]
    for invoice in many:
        invoice["MetaData"] = {"CreateTime": now, "LastUpdatedTime": now}
    books.load({"Invoice": many})

    report = books.sync()

    assert report.outcomes["invoices"].inserted == 1100
    assert report.censuses["invoices"].listed == 1100
    assert books.value("select is_census_due from sync.cursors where entity = 'invoices'") is False


def test_only_the_named_entities_are_pulled(books: Books):
    books.load(a_company())

    report = books.sync(mirror_entities=["customers"], ledger_entities=["customers"])

    assert set(report.outcomes) == {"customers"}
    assert books.ledger_ids("customers") == {"1"}
    assert books.mirror_ids("invoices") == set()


def test_what_the_database_lost_when_it_fell_is_read_again_by_the_next_sync(
    books: Books, monkeypatch: pytest.MonkeyPatch
):
    books.load(a_company(1))
    books.sync()
    books.edit("create", "Vendor", DisplayName="Lund & Sons")
    kept = books.rows("select entity, watermark, merged_seq, pulled_at from sync.cursors")
    lease = books.rows("select name, expires_at from sync.leases")
    fallen = []

    def fall(name: str) -> None:
        # As a server does that falls before this commit, which waits for no disk, is on it.
        if name != "page_committed" or fallen:
            return
        fallen.append(name)
        books.change("delete from mirror.vendors")
        for row in kept:
            books.change(
                "update sync.cursors set watermark = %s, merged_seq = %s, pulled_at = %s where entity = %s",
                row["watermark"],
                row["merged_seq"],
                row["pulled_at"],
                row["entity"],
            )
        for row in lease:
            books.change("update sync.leases set expires_at = %s where name = %s", row["expires_at"], row["name"])

    monkeypatch.setattr("resources.points.hook", fall)
    with pytest.raises(CommitsLostError, match="come back without what was committed last"):
        books.sync()
    assert fallen

    books.sync()

    assert "Lund & Sons" in {row["name"] for row in books.rows("select name from ledger.vendors")}
    assert books.open_errors() == []


@pytest.mark.parametrize("ahead", [1, 2, 4])
def test_while_a_page_is_stored_as_many_as_one_answer_brings_are_fetched_and_no_more(ahead: int):
    fetched: list[str] = []
    reached = threading.Event()

    def pages() -> Iterator[Page]:
        for number in range(10):
            fetched.append(str(number))
            if number == ahead:
                reached.set()
            yield Page(str(number), ())

    coming = fetched_ahead(pages(), lambda page: page.entity, ahead)
    assert next(coming) == (Page("0", ()), "0")
    assert reached.wait(timeout=30)
    coming.close()

    assert fetched == [str(number) for number in range(ahead + 1)]
