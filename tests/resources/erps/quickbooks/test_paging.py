"""Reading a list while people work in it: every record comes, whatever moves between two pages."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from resources.erps.quickbooks import paging
from resources.errors import TieoutError
from tests.resources.loopback import as_json

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def seconds(count: int) -> datetime:
    return START + timedelta(seconds=count)


def ids_of(pages) -> list[str]:
    return [record.external_id for page in pages for record in page.records]


def fill(company, count: int, *, per_second: int = 1, first: int = 1, at: datetime = START) -> None:
    for number in range(count):
        company.put("Invoice", first + number, at + timedelta(seconds=number // per_second))


def test_an_empty_company_gives_one_empty_page_with_a_watermark(connector, company):
    pages = list(connector.pull("invoices"))

    assert [(page.records, page.watermark) for page in pages] == [((), NOW)]
    assert connector.api_calls == 1


def test_a_long_list_comes_once_each_in_order_of_modification(connector, company):
    fill(company, 3500)

    pages = list(connector.pull("invoices"))

    assert ids_of(pages) == [str(number) for number in range(1, 3501)]
    assert connector.api_calls == 4


def test_each_watermark_claims_only_what_was_given(connector, company):
    fill(company, 2500, per_second=3)

    pages = list(connector.pull("invoices"))

    given: set[str] = set()
    for page in pages:
        given.update(record.external_id for record in page.records)
        older = {row["Id"] for row in company.rows["Invoice"].values() if _time(row) < page.watermark}
        assert older <= given
    assert pages[-1].watermark == NOW


def test_a_row_edited_between_two_pages_is_met_again_and_none_is_skipped(connector, company):
    fill(company, 3000)
    edits = iter(range(1, 3000, 7))

    def edit(statement):
        for _ in range(40):
            company.put("Invoice", next(edits), NOW, edited=True)

    company.before_query = edit
    pages = list(connector.pull("invoices"))

    latest = {record.external_id: record.version_token for page in pages for record in page.records}
    assert latest == {row["Id"]: row["SyncToken"] for row in company.rows["Invoice"].values()}


def test_a_row_deleted_between_two_pages_takes_no_other_with_it(connector, company):
    fill(company, 3000)
    gone = iter(range(1, 3000, 11))
    company.before_query = lambda statement: company.remove("Invoice", next(gone), NOW)

    given = set(ids_of(connector.pull("invoices")))

    assert set(company.rows["Invoice"]) <= given


@pytest.mark.parametrize("block", [1000, 1001, 1999, 2000, 2500])
def test_a_second_that_holds_more_rows_than_a_page_is_read_whole(connector, company, block):
    fill(company, 5, at=START)
    fill(company, block, per_second=block, first=100, at=seconds(100))
    fill(company, 5, first=9000, at=seconds(200))

    pages = list(connector.pull("invoices"))

    assert set(ids_of(pages)) == set(company.rows["Invoice"])
    assert pages[-1].watermark == NOW


def test_rows_that_leave_a_crowded_second_take_no_other_with_them(connector, company):
    fill(company, 2600, per_second=2600)
    leaving = iter(range(1, 600, 100))

    def edit(statement):
        if "startposition 1000" in statement and (number := next(leaving, None)):
            company.put("Invoice", number, NOW)

    company.before_query = edit
    pages = list(connector.pull("invoices"))

    latest = {record.external_id: record.version_token for page in pages for record in page.records}
    assert latest == {row["Id"]: row["SyncToken"] for row in company.rows["Invoice"].values()}


def test_one_row_in_and_one_out_of_a_crowded_second_is_noticed(connector, company):
    fill(company, 1500, per_second=1500, first=10)
    swaps = iter([(10, 1)])

    def swap(statement):
        if "startposition 1000" in statement and (pair := next(swaps, None)):
            company.remove("Invoice", pair[0], NOW)
            company.put("Invoice", 5000, START)

    company.before_query = swap
    given = set(ids_of(connector.pull("invoices")))

    assert set(company.rows["Invoice"]) <= given


def test_many_rows_leaving_a_crowded_second_at_once_take_no_other_with_them(connector, company):
    fill(company, 4000, per_second=4000)
    leaving = iter([range(1, 900), range(900, 910), range(1500, 2400)])

    def edit(statement):
        if "startposition 1 " not in statement:
            for number in next(leaving, ()):
                company.put("Invoice", number, NOW)

    company.before_query = edit
    pages = list(connector.pull("invoices"))

    latest = {record.external_id: record.version_token for page in pages for record in page.records}
    assert latest == {row["Id"]: row["SyncToken"] for row in company.rows["Invoice"].values()}


def test_a_crowded_second_that_never_stands_still_is_read_all_the_same(connector, company):
    fill(company, 3000, per_second=3000)
    leaving = iter(range(1, 400))
    company.before_query = lambda statement: company.put("Invoice", next(leaving), NOW)

    latest = {
        record.external_id: record.version_token for page in connector.pull("invoices") for record in page.records
    }

    assert set(latest) == set(company.rows["Invoice"])


def test_crowded_rows_that_keep_vanishing_are_given_up_with_a_reason(connector, company, monkeypatch):
    monkeypatch.setattr(paging, "STEPS_BACK_MAX", 3)
    fill(company, 1500, per_second=1500)

    def spoil(request, reply):
        return reply if b"startposition 1 " in request.body else as_json({"QueryResponse": {}, "time": NOW.isoformat()})

    company.spoil = spoil

    with pytest.raises(TieoutError, match="moved 3 times"):
        list(connector.pull("invoices"))


def test_a_window_is_half_open(connector, company):
    fill(company, 10)

    assert ids_of(connector.pull("invoices", seconds(3), seconds(6))) == ["4", "5", "6"]


def test_the_last_watermark_of_a_past_window_is_its_end(connector, company):
    fill(company, 10)

    assert list(connector.pull("invoices", seconds(3), seconds(6)))[-1].watermark == seconds(6)


def test_nothing_is_claimed_beyond_the_start_of_the_reading(connector, company):
    fill(company, 1500, at=NOW - timedelta(seconds=500))

    pages = list(connector.pull("invoices", START, NOW + timedelta(hours=1)))

    assert [page.watermark for page in pages] == [NOW, NOW]


def test_what_is_stamped_in_the_second_of_the_watermark_is_for_the_next_pull(connector, company):
    company.clock = NOW + timedelta(milliseconds=900)
    watermark = list(connector.pull("invoices"))[-1].watermark
    company.put("Invoice", 1, NOW)

    assert ids_of(connector.pull("invoices", watermark)) == ["1"]


def test_rows_out_of_order_are_not_trusted(connector, company):
    fill(company, 1500)

    def shuffle(request, reply):
        root = json.loads(reply.body)
        root["QueryResponse"]["Invoice"].reverse()
        return replace(reply, body=json.dumps(root).encode())

    company.spoil = shuffle
    with pytest.raises(TieoutError, match="order of their modification time"):
        list(connector.pull("invoices"))


def test_name_lists_ask_for_inactive_rows_and_transactions_do_not(connector, company):
    list(connector.pull("customers"))
    list(connector.pull("invoices"))

    assert "where Active in (true, false)" in company.calls[0]
    assert "Active" not in company.calls[1]


def test_a_list_whose_rows_have_no_time_is_read_whole(connector, company):
    company.rows["TaxCode"] = {"1": {"Id": "1", "SyncToken": "0"}, "2": {"Id": "2"}}

    pages = list(connector.pull("tax_codes", since=NOW))

    assert ids_of(pages) == ["1", "2"]
    assert pages[-1].watermark == NOW


def test_a_census_has_every_id_and_token_and_asks_for_cheap_columns(connector, company):
    fill(company, 1200)

    rows = [row for page in connector.census("invoices") for row in page.rows]

    assert len(rows) == 1200
    assert rows[0] == ("1", "0", START)
    assert company.calls[0].startswith("select Id, SyncToken, MetaData from Invoice")


def test_a_page_too_large_is_asked_for_in_smaller_ones(connector, company, monkeypatch):
    fill(company, 900)
    for row in company.rows["Invoice"].values():
        row["PrivateNote"] = "x" * 1000
    connector._wire._http.get_adapter("http://").body_bytes_max = 400_000

    assert len(ids_of(connector.pull("invoices"))) == 900


def fill_large(company, connector, count: int) -> None:
    """So large that no more than some 30 rows fit into an answer."""
    fill(company, count)
    for row in company.rows["Invoice"].values():
        row["PrivateNote"] = "x" * 1000
    connector._wire._http.get_adapter("http://").body_bytes_max = 40_000


def test_every_record_asked_for_by_its_id_comes_though_few_fit_into_a_page(connector, company):
    fill_large(company, connector, 150)
    wanted = [str(number) for number in range(1, 151)]

    assert sorted(ids_of(connector.pull_ids("invoices", [*wanted, "999"])), key=int) == wanted


def test_a_record_deleted_between_two_pages_hides_no_other_that_was_asked_for_by_its_id(connector, company):
    fill_large(company, connector, 150)
    gone = iter([0, 0, 0, 0, 1, 2, 3])

    def delete(statement):
        if number := next(gone, 0):
            company.remove("Invoice", number, NOW)

    company.before_query = delete
    given = set(ids_of(connector.pull_ids("invoices", [str(number) for number in range(1, 151)])))

    assert set(company.rows["Invoice"]) <= given


def test_rows_that_nobody_asked_for_are_no_answer(connector, company, pauses):
    fill_large(company, connector, 150)
    stranger = {"Id": "999", "SyncToken": "0", "MetaData": {"LastUpdatedTime": NOW.isoformat()}}

    def spoil(request, reply):
        count = int(request.body.decode().rsplit(" ", 1)[1])
        rows = {"Invoice": [stranger] * count, "maxResults": count}
        return reply if count > 30 else as_json({"QueryResponse": rows, "time": NOW.isoformat()})

    company.spoil = spoil
    with pytest.raises(TieoutError, match="none of which was asked for"):
        list(connector.pull_ids("invoices", [str(number) for number in range(1, 151)]))


def test_totals_count_every_account_though_few_fit_into_a_page(connector, company):
    for number in range(1, 61):
        account = {"AccountType": "Accounts Receivable", "CurrentBalance": 1, "CurrencyRef": {"value": "USD"}}
        company.put("Account", number, START, **account, Description="x" * 1000)
    connector._wire._http.get_adapter("http://").body_bytes_max = 40_000

    assert sum(account.balance for account in connector.control_totals().accounts) == 60


def _time(row) -> datetime:
    return datetime.fromisoformat(row["MetaData"]["LastUpdatedTime"])
