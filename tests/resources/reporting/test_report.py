"""The report on a reconciliation: always one page, nothing left out in silence, the same for machines to the cent."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pypdfium2
import pytest

from ledger.ageing import BUCKETS
from ledger.reconcile import Cause
from resources.reporting.figures import NEXT_STEPS, Report
from resources.reporting.html import html
from resources.reporting.pdf import amount, pdf
from resources.reporting.tables import as_csv, as_json
from resources.stores.reports import Aged, Point, Seen, Told, Total

AT = datetime(2026, 11, 21, 3, 31, 7, tzinfo=UTC)
LONG = "Rhein-Main Großhandels- und Dienstleistungsgesellschaft für Präzisionswerkzeuge mbH & Co. KG"
NAMES = (LONG, "Ωμέγα Εμπορική", "ООО «Северная торговля»", "شركة النور", "北京貿易有限公司", '<b>"Ada" & Co</b>')


def a_break(i: int, currency: str = "USD", **other) -> Seen:
    size = Decimal((i * 7919) % 500_000 - 150_000) / 100
    causes = list(Cause)
    found = Seen(
        break_id=i + 1,
        module="ap" if i % 3 == 0 else "ar",
        currency=currency,
        severity="critical" if abs(size) > 1000 else "warning" if abs(size) > 100 else "notice",
        state="open",
        cause=causes[i % len(causes)].value,
        amount=size,
        says=f"invoices/{1000 + i}: total is 1.00 here and {size + 1:,.2f} there",
        party_name=NAMES[i % len(NAMES)],
        entity="invoices",
        external_id=str(1000 + i),
        ledger_id=i,
        owner=None,
        note=None,
        first_seen_at=AT,
    )
    return replace(found, **other)


def a_report(breaks: int = 0, currencies=("USD",), told=(), **other) -> Report:
    seen = [a_break(i, currencies[i % len(currencies)]) for i in range(breaks)]
    totals = []
    for module in ("ar", "ap"):
        for currency in currencies:
            mine = [one.amount for one in seen if (one.module, one.currency) == (module, currency)]
            ledger = Decimal("1918933.47")
            difference = sum(mine, Decimal(0))
            totals.append(Total(module, currency, AT, ledger, ledger + difference, difference, len(mine)))
    aged = {
        module: {
            bucket: Aged(module, bucket, date(2026, 11, 21), "USD", Decimal("1.50"), Decimal("1.50"), None)
            for bucket in BUCKETS
        }
        for module in ("ar", "ap")
    }
    trend = {
        (t.module, t.currency): [
            Point(AT - timedelta(days=9 - day), Decimal(1_000_000 + day), Decimal(1_000_000)) for day in range(10)
        ]
        for t in totals
    }
    report = Report(
        connection="qbo_us",
        company_name="Craig's Design",
        erp_title="QuickBooks",
        run_id=412,
        cutoff_at=AT,
        as_of=date(2026, 11, 21),
        home_currency="USD",
        totals=totals,
        seen=seen,
        told=list(told),
        aged=aged,
        trend=trend,
    )
    return replace(report, **other)


BLOCKED = [Told("ar", f"code_{i}", i < 4, f"statement {i}: " + "what it says " * 30, AT) for i in range(8)]
CASES = {
    "no break": a_report(),
    "five": a_report(5),
    "three hundred in three currencies": a_report(300, ("EUR", "GBP", "USD"), company_name=LONG * 3),
    "all of everything": a_report(3000, tuple(f"C{i:02}" for i in range(20)), BLOCKED),
    "nothing compared": a_report(totals=[], aged={}, trend={}, told=BLOCKED[:1], as_of=None),
}


def text_of(content: bytes) -> str:
    document = pypdfium2.PdfDocument(content)
    assert len(document) == 1
    return document[0].get_textpage().get_text_range()


@pytest.mark.parametrize("report", CASES.values(), ids=CASES.keys())
def test_the_pdf_is_one_page_with_nothing_beside_it(report):
    content = pdf(report)

    document = pypdfium2.PdfDocument(content)
    page = document[0].get_textpage()
    boxes = [page.get_rect(i) for i in range(page.count_rects())]
    width, height = document[0].get_size()
    assert len(document) == 1
    assert min(left for left, *_ in boxes) > 20
    assert max(right for *_, right, _ in boxes) < width - 20
    assert min(bottom for _, bottom, *_ in boxes) > 15
    assert max(top for *_, top in boxes) < height - 20


def test_the_page_says_the_verdict_both_totals_the_causes_and_what_to_do():
    said = text_of(pdf(a_report(5)))

    assert "Does not tie out: 5 breaks, 5 critical." in said
    for part in ("1,918,933.47", "not known", "over 90", "in_flight", "-1,500.00", "tieout errors qbo_us", "run 412"):
        assert part in said, part


def test_what_does_not_fit_is_counted_with_where_to_find_it():
    said = text_of(pdf(CASES["three hundred in three currencies"]))

    shown = sum(f"\n{i + 1} " in said.replace("\r", "") for i in range(300))
    assert shown >= 5
    assert f"and {300 - shown} more in the CSV of this report and by `tieout breaks list qbo_us`" in said


def test_letters_that_the_font_lacks_are_boxes_and_the_page_says_so():
    said = text_of(pdf(a_report(company_name="Ωμέγα и Северная")))
    assert "Ωμέγα и Северная" in said
    assert "not in this font" not in said

    said = text_of(pdf(a_report(company_name="北京 Ltd")))
    assert "▯▯ Ltd" in said
    assert "not in this font; see the HTML" in said
    assert "北京 Ltd" in html(a_report(company_name="北京 Ltd")).decode()


def test_the_same_run_gives_the_same_bytes():
    report = CASES["five"]

    for make in (pdf, html, as_json, as_csv):
        assert make(report) == make(report)


class Cells(HTMLParser):
    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


def test_the_html_has_every_statement_and_step_and_runs_nothing_that_a_name_says():
    report = a_report(300, told=BLOCKED)
    found = Cells(html(report))

    assert {one.says for one in BLOCKED} <= set(found.texts)
    assert set(report.to_do) <= set(found.texts)
    assert '<b>"Ada" & Co</b>' in found.texts
    assert not {"b", "script", "link", "img"} & set(found.tags)
    assert "and 200 more in the CSV of this report" in html(report).decode()


def test_the_machine_readable_twin_says_the_same_to_the_cent():
    report = a_report(300, ("EUR", "USD"))

    said = json.loads(as_json(report))
    rows = list(csv.DictReader(io.StringIO(as_csv(report).decode("utf-8-sig"))))

    assert len(rows) == len(said["breaks"]) == 300
    for total in said["totals"]:
        of_it = [r for r in rows if (r["module"], r["currency"]) == (total["module"], total["currency"])]
        assert sum((Decimal(r["amount"]) for r in of_it), Decimal(0)) == Decimal(total["difference_amount"])
    assert sum(Decimal(one["amount"]) for one in said["by_cause"]) == sum(one.amount for one in report.seen)
    assert said["ageing"][0]["reported_amount"] is None
    assert rows[4]["party_name"] == "北京貿易有限公司"


def test_a_name_that_a_spreadsheet_would_run_is_text_in_the_csv():
    (row,) = csv.DictReader(
        io.StringIO(as_csv(a_report(seen=[a_break(1, party_name="=HYPERLINK(1)")])).decode("utf-8-sig"))
    )

    assert row["party_name"] == "'=HYPERLINK(1)"
    assert row["amount"] == str(a_break(1).amount)


def test_what_stands_in_the_way_comes_first_and_what_is_explained_asks_nothing():
    seen = [a_break(1, state="explained", owner="ben"), a_break(2, owner="ben")]
    steps = a_report(seen=seen, told=BLOCKED[:1]).to_do

    assert steps[0].startswith("statement 0")
    assert steps[-1] == "1 explained: nothing to do while their amounts stay"
    assert not any("without an owner" in step for step in steps)
    assert a_report().to_do == ["Nothing."]


def test_every_cause_has_a_next_step():
    assert set(NEXT_STEPS) == set(Cause)


def test_amounts_keep_all_their_digits():
    assert [amount(Decimal(v)) for v in ("0", "1234.5", "-0.005", "1E+3")] == ["0.00", "1,234.50", "-0.005", "1,000.00"]
    assert amount(None) == "not known"
