"""A census finds what no feed reported, and repairs it; one that broke off changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from resources.errors import TieoutError
from resources.stages.census import CensusFindings
from tests.books import Books, changed
from tests.small_company import a_company, an_invoice


@pytest.fixture
def synced(books: Books) -> Books:
    books.load(a_company())
    books.sync()
    return books


def vanish(books: Books, *kept: str) -> None:
    """The company loses every invoice but these without any feed saying so: it starts anew with the rest."""
    company = a_company()
    company["Invoice"] = [i for i in company["Invoice"] if i["Id"] in kept]
    books.simulator.post("reset", {"seed": "empty"})
    books.load(company)
    books.renew_grant()


def test_a_deletion_that_no_feed_reported_is_found(synced: Books):
    vanish(synced, "100", "102")
    assert synced.sync().outcomes["invoices"].is_quiet

    report = synced.sync("full")

    assert report.censuses["invoices"] == CensusFindings(listed=2, repaired=0, buried=1)
    assert changed(report)["invoices"] == (0, 0, 1)
    assert synced.mirror_ids("invoices") == synced.ledger_ids("invoices") == {"100", "102"}
    assert synced.ledger_row("invoices", "101")["is_deleted"]
    again = synced.sync("full")
    assert again.censuses["invoices"] == CensusFindings(listed=2, repaired=0, buried=0)
    assert changed(again) == {}


def test_a_census_that_broke_off_deletes_nothing(synced: Books, no_waiting):
    vanish(synced, "100")
    synced.simulator.post("faults", [{"contains": "SyncToken, MetaData from Invoice", "status": 500, "body": {}}])

    with pytest.raises(TieoutError):
        synced.sync("full")

    assert synced.mirror_ids("invoices") == {"100", "101", "102"}
    assert synced.value("select census_at from sync.cursors where entity = 'invoices'") is None


def test_one_entity_that_cannot_be_counted_does_not_stop_the_others_and_is_counted_by_the_next_delta(
    synced: Books, no_waiting
):
    vanish(synced, "100")
    synced.simulator.post("faults", [{"contains": "SyncToken, MetaData from Customer", "status": 500, "body": {}}])

    with pytest.raises(TieoutError) as failure:
        synced.sync("full")

    assert failure.value.entity == "customers"
    assert synced.ledger_ids("invoices") == {"100"}
    assert [e["entity"] for e in synced.open_errors()] == ["customers"]
    synced.simulator.post("faults", [])
    assert set(synced.sync().censuses) == {"customers"}
    assert synced.open_errors() == []
    assert synced.sync().censuses == {}


AGAIN = "select extract(epoch from census_again_at - now()) from sync.cursors where entity = 'customers'"


@pytest.fixture
def uncountable(synced: Books, no_waiting) -> Books:
    """Customers can be read and not be listed; that has failed once."""
    synced.simulator.post("faults", [{"contains": "SyncToken, MetaData from Customer", "status": 403, "body": {}}])
    with pytest.raises(TieoutError):
        synced.sync("full")
    return synced


def fails_to_count(books: Books, kind: str = "delta") -> None:
    with pytest.raises(TieoutError) as failure:
        books.sync(kind)
    assert failure.value.entity == "customers"


def test_what_cannot_be_counted_is_asked_for_less_and_less_often_and_stays_an_open_error(uncountable: Books):
    for seconds in (600, 1800, 4200):
        fails_to_count(uncountable)
        assert seconds - 60 < uncountable.value(AGAIN) <= seconds

        assert uncountable.sync().censuses == {}

        assert [(e["entity"], e["kind"]) for e in uncountable.open_errors()] == [("customers", "authorization")]
        assert uncountable.value("select is_census_due from sync.cursors where entity = 'customers'")
        uncountable.change("update sync.cursors set census_again_at = now()")

    # What an analyst sees of it.
    assert uncountable.value("select open_error_count from analytics.sync_health where period = 'day'") == 1
    (shown,) = uncountable.rows("select entity, last_message from analytics.error_summary where open_count > 0")
    assert (shown["entity"], "HTTP 403" in shown["last_message"]) == ("customers", True)
    uncountable.simulator.post("faults", [])
    assert set(uncountable.sync().censuses) == {"customers"}
    assert uncountable.open_errors() == []
    assert uncountable.value(AGAIN) is None


def test_no_failure_makes_a_census_wait_for_more_than_a_day(uncountable: Books):
    uncountable.change("update sync.cursors set census_failures = 100000 where census_failures > 0")

    fails_to_count(uncountable)

    assert 12 * 3600 < uncountable.value(AGAIN) <= 24 * 3600


def test_a_census_that_a_person_asks_for_goes_at_once_and_its_failure_counts(uncountable: Books):
    fails_to_count(uncountable)

    fails_to_count(uncountable, "full")

    assert 1740 < uncountable.value(AGAIN) <= 1800
    uncountable.simulator.post("faults", [])
    assert "customers" in uncountable.sync("full").censuses
    assert uncountable.open_errors() == []


def test_each_entity_that_cannot_be_counted_is_an_open_error_of_its_own(uncountable: Books):
    faults = [{"contains": f"SyncToken, MetaData from {name}", "drop": "before"} for name in ("Customer", "Item")]
    uncountable.simulator.post("faults", faults)

    fails_to_count(uncountable, "full")

    assert {e["entity"] for e in uncountable.open_errors()} == {"customers", "items"}
    # Customers failed for the second time and wait.
    uncountable.simulator.post("faults", [])
    assert set(uncountable.sync().censuses) == {"items"}
    assert [e["entity"] for e in uncountable.open_errors()] == ["customers"]


def test_a_census_put_off_by_a_clock_that_stood_ahead_goes_at_once(uncountable: Books):
    uncountable.change("update sync.cursors set census_again_at = now() + interval '10 days' where census_failures > 0")

    fails_to_count(uncountable)


def test_what_a_census_that_died_has_not_counted_the_next_delta_counts(synced: Books, monkeypatch: pytest.MonkeyPatch):
    vanish(synced, "100")

    def die(connection: str, doing: str, count: int) -> None:
        if doing == "counting vendors":
            raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(synced.services, "on_progress", die)
        synced.sync("full")

    assert synced.ledger_ids("invoices") == {"100", "101", "102"}
    counted = set(synced.sync().censuses)
    assert "invoices" in counted
    assert "customers" not in counted
    assert synced.ledger_ids("invoices") == {"100"}


def test_a_record_missing_from_the_listing_but_still_there_is_not_buried(synced: Books):
    row = next(
        i
        for i in requests.get(f"{synced.simulator.base_url}/_sandbox/state?entity=Invoice", timeout=10).json()[
            "Invoice"
        ]
    )
    only_one = {
        "QueryResponse": {"Invoice": [row], "startPosition": 1, "maxResults": 1},
        "time": datetime.now(UTC).isoformat(),
    }
    synced.simulator.post(
        "faults", [{"contains": "SyncToken, MetaData from Invoice", "nth": 1, "status": 200, "body": only_one}]
    )

    report = synced.sync("full")

    assert report.censuses["invoices"].buried == 0
    assert synced.ledger_ids("invoices") == {"100", "101", "102"}


DIVERGENCES = [
    pytest.param("delete from mirror.invoices where external_id = '101'", id="a row that is gone"),
    pytest.param("update mirror.invoices set is_deleted = true where external_id = '101'", id="a row buried alive"),
    pytest.param(
        "update mirror.invoices set version_token = '99', content_hash = '', "
        "payload = (payload::jsonb || '{\"DocNumber\": \"WRONG\"}')::json where external_id = '101'",
        id="another version",
    ),
    pytest.param("update mirror.invoices set version_token = '99' where external_id = '101'", id="another token only"),
    pytest.param(
        "update mirror.invoices set modified_at = modified_at - interval '1 day' where external_id = '101'",
        id="an older time",
    ),
    pytest.param(
        "update mirror.invoices set modified_at = now() + interval '10 days', version_token = '7', content_hash = '', "
        "payload = (payload::jsonb || '{\"DocNumber\": \"WRONG\"}')::json where external_id = '101'",
        id="a version newer than the company has",
    ),
]


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_what_was_changed_behind_our_back_is_repaired_once(synced: Books, divergence):
    right = synced.mirror_version("invoices", "101")
    assert synced.change(divergence) == 1

    report = synced.sync("full")

    assert report.censuses["invoices"] == CensusFindings(listed=3, repaired=1, buried=0)
    now = synced.mirror_version("invoices", "101")
    for name in ("version_token", "modified_at", "is_deleted", "payload"):
        assert now[name] == right[name]
    assert synced.ledger_row("invoices", "101")["document_number"] == "INV-101"
    assert not synced.ledger_row("invoices", "101")["is_deleted"]
    assert synced.sync("full").censuses["invoices"] == CensusFindings(listed=3, repaired=0, buried=0)


def test_a_mirror_row_the_company_never_had_is_buried(synced: Books):
    synced.change(
        "insert into mirror.invoices (connection, external_id, tenant_id, content_hash, payload) "
        "values (%s, '999', 'default', '', '{}')",
        synced.name,
    )

    report = synced.sync("full")

    assert report.censuses["invoices"].buried == 1
    assert synced.mirror_ids("invoices") == {"100", "101", "102"}


def test_a_delta_too_long_ago_for_the_feed_ends_in_a_census(synced: Books):
    long_ago = datetime.now(UTC) - timedelta(days=40)
    synced.change("update sync.cursors set watermark = %s where entity = 'invoices'", long_ago)
    synced.load({"Invoice": [an_invoice(103)]})

    report = synced.sync()

    assert set(report.censuses) == {"invoices"}
    assert "103" in synced.ledger_ids("invoices")
