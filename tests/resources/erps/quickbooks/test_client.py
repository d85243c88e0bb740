"""The connector against answers of every kind: the feed and its limits, tokens, faults, records nobody can store."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from resources.connector import Connector
from resources.erps.quickbooks.profile import WIRE_ENTITIES
from resources.errors import ErrorKind, TieoutError
from tests.resources.loopback import Reply, as_json

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)
FED = [name for name, entity in WIRE_ENTITIES.items() if entity.has_change_feed]
USD = {"value": "USD"}


def by_entity(pages):
    return {page.entity: page for page in pages}


def records_of(pages):
    return [record for page in pages for record in page.records]


class RecordingGate:
    """Lets every call through and remembers the order of things."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    @contextmanager
    def call(self):
        self.seen.append("in")
        yield
        self.seen.append("out")

    def pause(self, seconds: float) -> None:
        self.seen.append(f"pause {seconds}")

    def paused_seconds(self) -> float:
        return 0.0


def fails(times: int, reply: Reply):
    """A company that answers so often with `reply` before it does its work."""
    left = iter(range(times))
    return lambda request, good: reply if next(left, None) is not None else good


def test_the_connector_keeps_the_contract(connector):
    assert isinstance(connector, Connector)
    assert (connector.connection, connector.erp) == ("qbo", "quickbooks")


# The change feed.


def test_a_delta_without_changes_is_one_call(connector, company):
    pages = list(connector.pull_changes(dict.fromkeys(FED, EARLIER)))

    assert connector.api_calls == 1
    assert {page.entity: (len(page.records), page.watermark, page.is_cut_short) for page in pages} == dict.fromkeys(
        FED, (0, NOW, False)
    )


def test_the_feed_is_asked_from_the_oldest_watermark_less_a_minute(connector, company):
    list(connector.pull_changes({"invoices": EARLIER, "customers": EARLIER - timedelta(minutes=5)}))

    assert company.calls == ["cdc Invoice,Customer 2026-03-01T10:54:00Z"]


def test_changes_and_deletions_of_all_entities_come_in_one_call(connector, company):
    company.put("Invoice", 1, NOW)
    company.put("Customer", 2, NOW)
    company.put("Invoice", 3, EARLIER)
    company.remove("Invoice", 3, NOW)

    pages = by_entity(connector.pull_changes({"invoices": EARLIER, "customers": EARLIER, "bills": EARLIER}))

    found = {(r.external_id, r.is_deleted) for r in pages["invoices"].records}
    assert found == {("1", False), ("3", True)}
    assert [r.external_id for r in pages["customers"].records] == ["2"]
    assert pages["bills"].records == ()
    assert connector.api_calls == 1


def test_a_feed_of_a_thousand_is_asked_again_entity_by_entity(connector, company):
    for number in range(700):
        company.put("Invoice", number, NOW)
        company.put("Payment", number, NOW)

    pages = by_entity(connector.pull_changes({"invoices": EARLIER, "payments": EARLIER, "bills": EARLIER}))

    assert {name: (len(page.records), page.is_cut_short) for name, page in pages.items()} == {
        "invoices": (700, False),
        "payments": (700, False),
        "bills": (0, False),
    }
    assert connector.api_calls == 4


def test_an_entity_with_a_thousand_changes_is_pulled_and_says_that_deletions_are_unknown(connector, company):
    for number in range(1500):
        company.put("Invoice", number, NOW - timedelta(seconds=number))
    company.put("Invoice", 2000, EARLIER)
    company.remove("Invoice", 2000, NOW)

    pages = list(connector.pull_changes({"invoices": EARLIER, "bills": EARLIER}))

    invoices = [page for page in pages if page.entity == "invoices"]
    assert {record.external_id for record in records_of(invoices)} == {str(number) for number in range(1500)}
    assert all(page.is_cut_short for page in invoices)
    assert invoices[0].watermark is None
    assert invoices[-1].watermark == NOW
    assert not by_entity(pages)["bills"].is_cut_short


def test_a_watermark_older_than_the_feed_reaches_is_pulled_and_says_so(connector, company):
    company.put("Invoice", 1, NOW - timedelta(days=35))
    company.put("Bill", 1, NOW)

    pages = list(connector.pull_changes({"invoices": NOW - timedelta(days=40), "bills": EARLIER}))

    invoices = [page for page in pages if page.entity == "invoices"]
    assert {record.external_id for record in records_of(invoices)} == {"1"}
    assert all(page.is_cut_short for page in invoices)
    assert [page.is_cut_short for page in pages if page.entity == "bills"] == [False]


def test_what_the_feed_does_not_know_is_read_whole_beside_it(connector, company):
    company.rows["Preferences"] = {"1": {"Id": "1"}}

    pages = by_entity(connector.pull_changes({"invoices": EARLIER, "tax_codes": EARLIER, "preferences": EARLIER}))

    assert set(pages) == {"invoices", "tax_codes", "preferences"}
    assert pages["preferences"].records[0].external_id == "1"
    assert connector.api_calls == 3


def test_a_feed_with_a_group_missing_is_not_taken_for_no_change(connector, company):
    def cut(request, reply):
        root = json.loads(reply.body)
        root["CDCResponse"][0]["QueryResponse"].pop()
        return replace(reply, body=json.dumps(root).encode())

    company.spoil = cut
    with pytest.raises(TieoutError, match="1 groups in the answer, expected one for each of 2"):
        list(connector.pull_changes({"invoices": EARLIER, "bills": EARLIER}))


# Single records and totals.


def test_named_records_come_in_few_calls_and_missing_ones_are_absent(connector, company):
    for number in range(450):
        company.put("Customer", number, NOW, Active=number % 2 == 0)

    wanted = [str(number) for number in range(450)] + ["9999", "' or 1=1", "", "12"]
    records = records_of(connector.pull_ids("customers", wanted))

    assert sorted(int(record.external_id) for record in records) == list(range(450))
    assert connector.api_calls == 3
    assert all("' or" not in call for call in company.calls)


def test_control_totals_are_quickbooks_own_balances(connector, company):
    company.put("Account", 84, NOW, AccountType="Accounts Receivable", Name="A/R", CurrentBalance=150, CurrencyRef=USD)
    company.put("Account", 33, NOW, AccountType="Accounts Payable", Name="A/P", CurrentBalance=-70, CurrencyRef=USD)
    company.put("Account", 1, NOW, AccountType="Bank", Name="Bank", CurrentBalance=9)
    company.put("Customer", 1, NOW, DisplayName="Ada", Balance=150, CurrencyRef=USD)
    company.put("Customer", 2, NOW, DisplayName="Bo (deleted)", Balance=0, Active=False)
    company.put("Vendor", 3, NOW, DisplayName="Cy", Balance=70, CurrencyRef=USD)
    company.rows["Preferences"] = {"1": {"Id": "1", "CurrencyPrefs": {"HomeCurrency": {"value": "CAD"}}}}

    totals = connector.control_totals()

    assert totals.read_at == NOW
    assert [(p.module, p.external_id, p.currency, p.balance, p.is_active) for p in totals.parties] == [
        ("ar", "1", "USD", Decimal(150), True),
        ("ar", "2", "CAD", Decimal(0), False),
        ("ap", "3", "USD", Decimal(70), True),
    ]
    assert sorted((a.module, a.account_id, a.balance) for a in totals.accounts) == [
        ("ap", "33", Decimal(70)),
        ("ar", "84", Decimal(150)),
    ]


def test_a_total_with_an_unreadable_party_is_no_total(connector, company):
    company.put("Customer", 1, NOW, DisplayName="a\x00b", Balance=1)

    with pytest.raises(TieoutError, match="NUL"):
        connector.control_totals()


def test_the_report_names_the_company(connector, company):
    company.rows["CompanyInfo"] = {"1": {"Id": "1", "CompanyName": "Blue Fern", "Country": "US"}}
    company.rows["Preferences"] = {"1": {"Id": "1", "CurrencyPrefs": {"HomeCurrency": USD}}}

    report = connector.test()

    assert (report.company_name, report.home_currency, report.country) == ("Blue Fern", "USD", "US")
    assert company.calls == ["/v3/company/9130/companyinfo/9130", "/v3/company/9130/preferences"]


def test_an_entity_that_quickbooks_lacks_is_named(connector):
    with pytest.raises(TieoutError, match="'gadgets', expected one of customers"):
        list(connector.pull("gadgets"))


# Tokens and faults.


def test_every_call_carries_the_token_and_the_minor_version(connector, company):
    seen = []
    company.spoil = lambda request, reply: seen.append(request) or reply

    list(connector.pull("invoices"))

    assert seen[0].headers["Authorization"] == "Bearer token-1"
    assert seen[0].query == {"minorversion": "75"}
    assert (seen[0].method, seen[0].headers["Content-Type"]) == ("POST", "application/text")


def test_a_rejected_token_is_renewed_once_and_the_call_repeated(connector, company, tokens, pauses):
    company.spoil = fails(1, as_json({"fault": {"error": [{"code": "3200"}]}}, 401))
    company.put("Invoice", 1, NOW)

    assert len(records_of(connector.pull("invoices"))) == 1
    assert tokens.renewed == ["token-1"]
    assert pauses == []


def test_a_token_rejected_twice_is_an_authentication_error(connector, company, tokens):
    company.spoil = fails(9, as_json({"fault": {"error": [{"code": "3200"}]}}, 401))

    with pytest.raises(TieoutError) as failure:
        list(connector.pull("invoices"))

    assert failure.value.kind is ErrorKind.AUTHENTICATION
    assert tokens.renewed == ["token-1"]
    assert connector.api_calls == 2


def test_a_company_of_somebody_else_is_an_authorization_error_at_once(connector, company, tokens):
    company.spoil = fails(9, as_json({"fault": {"error": [{"code": "3100"}], "type": "SERVICE"}}, 403))

    with pytest.raises(TieoutError) as failure:
        list(connector.pull("invoices"))

    assert failure.value.kind is ErrorKind.AUTHORIZATION
    assert (connector.api_calls, tokens.renewed) == (1, [])


THROTTLED_XML = b"""<?xml version="1.0" encoding="UTF-8"?><IntuitResponse xmlns="http://schema.intuit.com/finance/v3">
<Fault type="SERVICE"><Error code="3001"><Message>message=ThrottleExceeded</Message></Error></Fault></IntuitResponse>"""


@pytest.mark.parametrize(
    "reply",
    [
        Reply(THROTTLED_XML, 429, content_type="application/xml"),
        as_json({"fault": {"error": [{"code": "3001"}]}}, 429),
        as_json({"fault": {"error": [{"code": "3001"}]}}, 403),
        Reply(b"<html>busy</html>", 503, content_type="text/html"),
        Reply(b"<html>slow</html>", 504, content_type="text/html"),
        as_json({"Fault": {"Error": [{"code": "10000"}], "type": "SystemFault"}}, 500),
        as_json({"Fault": {"Error": [{"code": "10000"}], "type": "SystemFault"}}, 200),
        Reply(b'{"QueryResponse":{"Invoice":[{"Id":"1","Sy'),
        Reply(b'{"QueryResponse":{"Invoice":[{"Id":"1"}]}}' + b" " * 9000, cut_after=4000),
        Reply(b""),
        Reply(b"[]"),
        Reply(b'{"time":"2026-03-01T12:00:00Z"}'),
        Reply(b'{"QueryResponse":{},"QueryResponse":{},"time":"2026-03-01T12:00:00Z"}'),
        as_json({"QueryResponse": {"Invoice": [], "maxResults": 12}, "time": NOW.isoformat()}),
        as_json({"QueryResponse": {"Invoice": {"Id": "1"}}, "time": NOW.isoformat()}),
    ],
    ids=lambda reply: f"{reply.status} {reply.body[:24]!r}",
)
def test_four_bad_answers_and_a_good_one_are_a_good_one(connector, company, pauses, reply):
    company.put("Invoice", 1, NOW)
    company.spoil = fails(4, reply)

    assert [record.external_id for record in records_of(connector.pull("invoices"))] == ["1"]
    assert len(pauses) == 4


def test_four_answers_that_do_not_come_in_time_and_a_good_one_are_a_good_one(connector, company, pauses, monkeypatch):
    company.put("Invoice", 1, NOW)
    answers = threading.Event()
    company.spoil = lambda request, good: good if answers.wait(60) else Reply(b"")
    patience = iter([0.05] * 4)
    http = connector._wire._http
    send = http.request

    def send_and_wait(*arguments, **more):
        seconds = next(patience, None)
        if seconds is None:
            answers.set()
        return send(*arguments, **more, timeout=(5, seconds or 60))

    monkeypatch.setattr(http, "request", send_and_wait)

    assert [record.external_id for record in records_of(connector.pull("invoices"))] == ["1"]
    assert len(pauses) == 4


def test_a_storm_of_429_ends_after_five_attempts_a_minute_apart(connector, company, pauses):
    company.spoil = fails(99, Reply(b"", 429))

    with pytest.raises(TieoutError) as failure:
        list(connector.pull("invoices"))

    assert failure.value.kind is ErrorKind.RATE_LIMIT
    assert connector.api_calls == 5
    assert all(60 <= pause <= 66 for pause in pauses)


def test_a_throttled_call_holds_up_every_process_that_calls_the_company(connector, company):
    gate = connector._wire._gate = RecordingGate()
    company.spoil = fails(1, Reply(b"", 429))

    list(connector.pull("invoices"))

    assert gate.seen == ["in", "out", "pause 60.0", "in", "out"]


def test_a_fault_that_says_the_query_is_wrong_is_not_repeated(connector, company):
    company.spoil = fails(99, as_json({"Fault": {"Error": [{"code": "4001", "Message": "Invalid query"}]}}, 400))

    with pytest.raises(TieoutError) as failure:
        list(connector.pull("invoices"))

    assert (failure.value.kind, connector.api_calls) == (ErrorKind.VALIDATION, 1)


# Records.


def spoiled(company, text: str):
    """The company sends these rows, as text, whatever is asked."""
    body = f'{{"QueryResponse":{{"Invoice":[{text}]}},"time":"2026-03-01T12:00:00.250-08:00"}}'
    company.spoil = lambda request, reply: Reply(body.encode())


GOOD = '{"Id":"7","SyncToken":"0","MetaData":{"LastUpdatedTime":"2026-02-01T00:00:00-08:00"},"TotalAmt":10.00}'


@pytest.mark.parametrize(
    ("bad", "external_id", "field"),
    [
        ('{"Id":"8","TotalAmt":1e400}', "8", "TotalAmt"),
        ('{"Id":"8","Line":[{"Amount":99999999999999999999.00}]}', "8", "Line[0].Amount"),
        ('{"Id":"8","PrivateNote":"a\\u0000b"}', "8", "PrivateNote"),
        ('{"Id":"8","PrivateNote":"\\ud83d"}', "8", "PrivateNote"),
        ('{"Id":"8","Line":[{"Amount":1,"Amount":2}]}', "8", "Line[0].Amount"),
        ('{"SyncToken":"1","DocNumber":"1001"}', None, "Id"),
        ('{"Id":8}', None, "Id"),
        ('{"Id":""}', None, "Id"),
        ('{"Id":"8","MetaData":{"LastUpdatedTime":"yesterday"}}', "8", "MetaData.LastUpdatedTime"),
        ('{"Id":"8","MetaData":{"LastUpdatedTime":"2026-02-01T00:00:00"}}', "8", "MetaData.LastUpdatedTime"),
        ('{"Id":"8","SyncToken":[1]}', "8", "SyncToken"),
        ("17", None, ""),
    ],
)
def test_a_bad_record_is_rejected_by_name_and_the_page_goes_on(connector, company, bad, external_id, field):
    spoiled(company, f"{GOOD},{bad},{GOOD.replace('7', '9', 1)}")

    (page,) = connector.pull("invoices")

    assert [record.external_id for record in page.records] == ["7", "9"]
    assert [(row.external_id, row.field) for row in page.rejected] == [(external_id, field)]
    assert page.rejected[0].raw
    assert page.watermark == datetime(2026, 3, 1, 20, 0, 0, tzinfo=UTC)


def test_of_two_rows_with_one_id_the_newest_stays(connector, company):
    newer = GOOD.replace('"0"', '"1"').replace("02-01", "02-02")
    spoiled(company, f"{GOOD},{newer}")

    (page,) = connector.pull("invoices")

    assert [(record.external_id, record.version_token) for record in page.records] == [("7", "1")]


def test_amounts_keep_their_scale_and_are_never_floats(connector, company):
    spoiled(company, GOOD)

    (page,) = connector.pull("invoices")

    assert str(page.records[0].payload["TotalAmt"]) == "10.00"


def test_a_document_of_ten_thousand_lines_is_a_record_like_any_other(connector, company):
    lines = [{"Id": str(n), "Amount": 1.25, "Description": "Ω" * 20} for n in range(10_000)]
    company.put("Invoice", 1, NOW, Line=lines)

    (page,) = connector.pull("invoices")

    assert len(page.records[0].payload["Line"]) == 10_000
    assert sum(line["Amount"] for line in page.records[0].payload["Line"]) == Decimal("12500.00")


@pytest.mark.parametrize(
    ("sent", "instant"),
    [
        ("1969-12-31T15:59:59-08:00", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("1899-12-30T00:00:00Z", datetime(1899, 12, 30, tzinfo=UTC)),
        ("2026-07-01T00:00:00.500-07:00", datetime(2026, 7, 1, 7, 0, 0, 500_000, tzinfo=UTC)),
    ],
)
def test_times_before_1970_and_with_any_offset_are_instants(connector, company, sent, instant):
    spoiled(company, GOOD.replace("2026-02-01T00:00:00-08:00", sent))

    (page,) = connector.pull("invoices")

    assert page.records[0].modified_at == instant


def test_a_row_without_an_update_time_has_its_creation_time(connector, company):
    spoiled(company, '{"Id":"7","MetaData":{"CreateTime":"2026-02-01T00:00:00Z"}}')

    (page,) = connector.pull("invoices")

    assert page.records[0].modified_at == datetime(2026, 2, 1, tzinfo=UTC)


def test_unknown_fields_and_names_in_any_script_are_kept(connector, company):
    company.put("Customer", 1, NOW, DisplayName="株式会社 · Ωμέγα · مؤسسة 🌿", Novelty={"a": [None, True]})

    (page,) = connector.pull("customers")

    assert page.records[0].payload["DisplayName"] == "株式会社 · Ωμέγα · مؤسسة 🌿"
    assert page.records[0].payload["Novelty"] == {"a": [None, True]}


def test_a_census_with_a_row_without_an_id_proves_nothing(connector, company):
    spoiled(company, f'{GOOD},{{"SyncToken":"1"}}')

    with pytest.raises(TieoutError, match="Id in every row"):
        list(connector.census("invoices"))


def test_a_census_counts_a_record_whose_content_is_refused(connector, company):
    spoiled(company, f'{GOOD},{{"Id":"8","PrivateNote":"\\u0000"}}')

    assert [row[0] for page in connector.census("invoices") for row in page.rows] == ["7", "8"]
