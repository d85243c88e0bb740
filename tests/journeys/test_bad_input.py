"""Bad input: the error names record, field, found and expected; the rest goes on; a good version clears it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from resources.errors import TieoutError
from tests.books import Books
from tests.house import CONNECTION
from tests.small_company import a_company, a_customer, a_line, an_invoice, stamped

LATER = "2026-01-06T09:00:00-08:00"


def with_invoices(*invoices: Any, customers: tuple[Any, ...] = ()) -> dict[str, list[Any]]:
    """A small company of good records with these beside them."""
    company = a_company(2)
    company["Invoice"] += list(invoices)
    company["Customer"] += list(customers)
    return company


def with_value(path: str, text: str, **fields: Any) -> msgspec.Raw:
    """Invoice 500 with one value replaced by JSON text that no JSON writer would produce."""
    invoice = an_invoice(500, **fields)
    at: Any = invoice
    *outer, last = path.split(".")
    for key in outer:
        at = at[int(key)] if key.isdigit() else at[key]
    at[last] = msgspec.Raw(text.encode())
    return msgspec.Raw(msgspec.json.Encoder(decimal_format="number").encode(invoice))


# What is wrong, the field the error must name, what it must say it found, and what it expected.
BAD_INVOICES = [
    pytest.param(
        with_value("TotalAmt", "1E9999999"), "TotalAmt", "1E9999999", "digits", id="a number with an exponent"
    ),
    pytest.param(with_value("Balance", "9" * 30), "Balance", "9" * 30, "digits", id="30 digits"),
    pytest.param(with_value("Line.0.Amount", "1E9999999"), "Line[0].Amount", "1E9999999", "digits", id="absurd line"),
    pytest.param(with_value("TotalAmt", '"NaN"'), "TotalAmt", "NaN", "a finite number", id="NaN as text"),
    pytest.param(with_value("TotalAmt", '"a hundred"'), "TotalAmt", "a hundred", "number", id="an amount in words"),
    pytest.param(with_value("TotalAmt", "0.1234567"), "TotalAmt", "0.1234567", "after the point", id="seven decimals"),
    pytest.param(with_value("TotalAmt", "null"), "TotalAmt", "None", "required", id="no total"),
    pytest.param(
        with_value("TxnDate", '"31/12/2025"'), "TxnDate", "31/12/2025", "YYYY-MM-DD", id="a day of another form"
    ),
    pytest.param(with_value("TxnDate", "20251231"), "TxnDate", "20251231", "YYYY-MM-DD", id="a day as a number"),
    pytest.param(
        with_value("Line.0.DetailType", '"BarterLineDetail"'),
        "Line[0].DetailType",
        "BarterLineDetail",
        "SalesItemLineDetail",
        id="an unknown kind of line",
    ),
    pytest.param(with_value("Line", '"none"'), "Line", "none", "a list", id="lines that are text"),
    pytest.param(with_value("CustomerRef", '"1"'), "CustomerRef.value", "1", "object", id="a reference that is text"),
    pytest.param(
        with_value("CustomerRef.value", '"777"'), "customer", "customers/777", "ledger", id="an unknown customer"
    ),
    pytest.param(
        with_value("Line.0.SalesItemLineDetail.ItemRef.value", '"778"'),
        "lines.item",
        "items/778",
        "ledger",
        id="an unknown item",
    ),
    pytest.param(with_value("DocNumber", '"A\\u0000B"'), "DocNumber", "NUL", "", id="a NUL"),
    pytest.param(
        with_value("MetaData.LastUpdatedTime", '"2026-01-05T09:00:00"'), "MetaData", "2026", "", id="no offset"
    ),
]


@pytest.mark.parametrize(("bad", "field", "found", "expected"), BAD_INVOICES)
def test_one_bad_record_is_held_by_name_and_the_others_go_on(books: Books, bad, field, found, expected):
    books.load(with_invoices(bad))

    report = books.sync()

    assert books.ledger_ids("invoices") == {"100", "101"}
    assert report.outcomes["invoices"].held == 1
    (error,) = books.open_errors()
    assert (error["connection"], error["entity"], error["external_id"]) == (CONNECTION, "invoices", "500")
    assert error["field"].startswith(field)
    assert found in error["found"]
    assert expected in error["expected"]
    for named in (CONNECTION, "invoices/500", error["field"], error["found"], error["expected"]):
        assert named in error["message"]
    assert (error["code"], error["is_retryable"]) == ("SYNC_004", False)

    books.sync()
    assert len(books.open_errors()) == 1
    good = an_invoice(500)
    good["MetaData"]["LastUpdatedTime"] = LATER
    good["SyncToken"] = "1"
    books.load({"Invoice": [good]})
    report = books.sync("full")
    assert books.open_errors() == []
    assert report.outcomes["invoices"].held == 0
    assert books.ledger_ids("invoices") == {"100", "101", "500"}


def plain(value: Any) -> Any:
    """Wire objects as values that any JSON writer takes."""
    return msgspec.json.decode(msgspec.json.Encoder(decimal_format="number").encode(value))


def test_fields_and_words_nobody_knows_are_kept_and_stop_nothing(books: Books):
    odd = an_invoice(500, BarterAgreement={"Goats": 3}, PrintStatus="EngravedInStone")
    books.load(with_invoices(odd))

    books.sync()

    assert books.open_errors() == []
    payload = books.mirror_version("invoices", "500")["payload"]
    assert (payload["BarterAgreement"], payload["PrintStatus"]) == ({"Goats": 3}, "EngravedInStone")


def test_an_unknown_word_where_the_words_are_known_holds_the_record(books: Books):
    company = a_company()
    company["Item"].append(stamped(91, Name="Levitation", Type="Antigravity", Active=True))
    books.load(company)

    books.sync()

    error = books.held()["items", "91"]
    assert (error["field"], error["found"]) == ("Type", "'Antigravity'")
    assert "Service, Inventory" in error["expected"]


def test_a_record_of_ten_thousand_lines_arrives_whole(books: Books):
    lines = [a_line("0.01", key) for key in range(1, 10_001)]
    books.load(with_invoices(an_invoice(500, amount="100.00", Line=lines)))

    books.sync()

    assert books.open_errors() == []
    (found,) = books.rows(
        "select count(*) as lines, sum(amount) as amount, max(position) as last from ledger.invoice_lines "
        "where invoice_id = %s",
        books.ledger_row("invoices", "500")["ledger_id"],
    )
    assert found == {"lines": 10_000, "amount": Decimal("100.00"), "last": 10_000}


NAMES = [
    "شركة النور للتجارة",
    "משה ובניו בע״מ",
    "株式会社 山田",
    "Ångström & Søn",
    "श्री गणेश ट्रेडर्स",
    "👩‍👩‍👧‍👦 Family 🏳️‍🌈",
    "\u202eright to left\u202c",
    "a\u0301 combining",
    'quo"te \\ back\tslash',
    "'; drop table ledger.customers; --",
    "%s {0} $1",
    "\\N",
]


def test_names_in_any_script_arrive_exactly(books: Books):
    books.load({"Customer": [a_customer(n, name) for n, name in enumerate(NAMES, 1)]})

    books.sync()

    assert books.open_errors() == []
    rows = books.rows("select name from ledger.customers order by ledger_id")
    assert {row["name"] for row in rows} == set(NAMES)


def test_days_before_1970_are_days(books: Books):
    books.load(with_invoices(an_invoice(500, TxnDate="1969-12-31", DueDate="1066-10-14")))

    books.sync()

    assert books.open_errors() == []
    row = books.ledger_row("invoices", "500")
    assert (row["issue_date"].isoformat(), row["due_date"].isoformat()) == ("1969-12-31", "1066-10-14")


def test_a_record_that_comes_twice_in_one_page_counts_once_and_the_newest_stays(books: Books):
    books.load(a_company())
    older, newer = an_invoice(500, DocNumber="OLD"), an_invoice(500, DocNumber="NEW")
    newer["MetaData"]["LastUpdatedTime"], newer["SyncToken"] = LATER, "1"
    answer = {
        "QueryResponse": {"Invoice": plain([an_invoice(100), older, newer]), "startPosition": 1, "maxResults": 3},
        "time": "2026-01-07T00:00:00-08:00",
    }
    books.simulator.post("faults", [{"contains": "from Invoice", "nth": 1, "status": 200, "body": answer}])

    report = books.sync()

    assert report.outcomes["invoices"].inserted == 2
    assert books.ledger_row("invoices", "500")["document_number"] == "NEW"
    assert books.value("select count(*) from mirror.invoices_history") == 0


def test_half_a_character_is_held_and_the_rest_of_its_page_goes_on(books: Books):
    books.load(a_company())
    rows = json.dumps([an_invoice(100), an_invoice(500, DocNumber="A\ud800B")], default=float)
    books.simulator.post(
        "faults",
        [{"contains": "from Invoice", "nth": 1, "status": 200, "body": f'{{"QueryResponse": {{"Invoice": {rows}}}}}'}],
    )

    books.sync()

    assert books.ledger_ids("invoices") == {"100"}
    error = books.held()["invoices", "500"]
    assert (error["field"], error["kind"]) == ("DocNumber", "validation")


def test_a_record_without_an_id_is_held_and_a_listing_without_it_clears_it(books: Books):
    books.load(a_company())
    nameless = an_invoice(500)
    del nameless["Id"]
    answer = {
        "QueryResponse": {"Invoice": plain([an_invoice(100), nameless]), "startPosition": 1, "maxResults": 2},
        "time": "2026-01-07T00:00:00-08:00",
    }
    books.simulator.post("faults", [{"contains": "from Invoice", "nth": 1, "status": 200, "body": answer}])

    report = books.sync()

    assert report.outcomes["invoices"].inserted == 1
    (error,) = books.open_errors()
    assert (error["entity"], error["field"], error["found"]) == ("invoices", "Id", "nothing")
    assert error["external_id"].startswith("without-id-")
    books.sync("full")
    assert books.open_errors() == []
    assert books.ledger_ids("invoices") == {"100", "101", "102"}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            {"status": 200, "body": '{"QueryResponse": {"Invoice": [{"Id": "1",', "headers": {}}, id="malformed"
        ),
        pytest.param({"truncate_bytes": 300}, id="cut short on the way"),
        pytest.param(
            {
                "status": 200,
                "body": {"QueryResponse": {"Invoice": [], "maxResults": 3}, "time": "2026-01-07T00:00:00Z"},
            },
            id="fewer rows than the page says",
        ),
        pytest.param({"status": 200, "body": {"QueryResponse": None}}, id="no answer in the answer"),
    ],
)
def test_a_damaged_page_is_asked_for_again_and_nothing_is_lost(books: Books, fault):
    books.load(a_company())
    books.simulator.post("faults", [{"contains": "from Invoice", "nth": 1, **fault}])

    books.sync()

    assert books.open_errors() == []
    assert books.ledger_ids("invoices") == {"100", "101", "102"}


def test_pages_that_stay_damaged_fail_the_sync_with_what_was_found_and_the_next_good_one_clears_it(
    books: Books, no_waiting
):
    books.load(a_company())
    books.simulator.post("faults", [{"contains": "from Invoice", "status": 200, "body": '{"QueryResponse": {'}])

    with pytest.raises(TieoutError) as failure:
        books.sync()

    assert failure.value.connection == CONNECTION
    assert failure.value.entity == "invoices"
    assert "not JSON" in failure.value.found
    (error,) = books.open_errors()
    assert (error["stage"], error["entity"], error["is_retryable"]) == ("sync", "invoices", True)
    assert books.mirror_ids("customers") == {"1"}
    assert books.rows("select 1 from sync.cursors where entity = 'invoices' and watermark is not null") == []
    books.simulator.post("faults", [])
    books.sync()
    assert books.open_errors() == []
    assert books.ledger_ids("invoices") == {"100", "101", "102"}
