"""What all reports share: what was asked, sums of postings, and the rows answers are made of.

Belongs here: no report of its own; those are `reports.py` and `aged.py`.
"""

from calendar import monthrange
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.xero import wire
from sandbox.xero.ledger import Ledger
from sandbox.xero.store import Books
from sandbox.xero.switches import Switches

Row = dict[str, Any]


class Asked:
    """One request for a report."""

    def __init__(self, books: Books, options: Switches, query: dict[str, str], now: datetime) -> None:
        self.books, self.query, self.now = books, {name.lower(): value for name, value in query.items()}, now
        self.organisation = books.organisation()
        self.ledger = Ledger(books, options.currency_rate)
        self.day = self.wanted_day("date") or now.date()

    def wanted_day(self, name: str) -> date | None:
        """A date of the request, None when it has none. Raises Problem."""
        text = self.query.get(name, "")
        try:
            return wire.day_of(text) if text else None
        except ValueError as error:
            raise wire.bad_query(f"The date {text} cannot be read") from error

    def year_start(self, day: date) -> date:
        """The first day of the financial year a day is in."""
        month = int(self.organisation.get("FinancialYearEndMonth", 12))
        last = int(self.organisation.get("FinancialYearEndDay", 31))
        end = date(day.year, month, min(last, monthrange(day.year, month)[1]))
        return (end if day > end else minus_year(end)) + timedelta(days=1)

    def balances(self, spans: list[tuple[date | None, date]]) -> list[dict[str, Decimal]]:
        """The sum of each account's postings in each span of days, both ends included; one pass over the books."""
        sums: list[dict[str, Decimal]] = [defaultdict(Decimal) for _ in spans]
        for day, account, figure in self.ledger.postings():
            for own, (since, until) in zip(sums, spans, strict=True):
                if day <= until and (since is None or day >= since):
                    own[account] += figure
        return sums

    def accounts(self) -> list[dict[str, Any]]:
        found = [wire.decode(row.raw) for row in self.books.tables["Accounts"].rows.values()]
        return sorted(found, key=lambda account: account["Name"])


def report(asked: Asked, kind: str, name: str, titles: list[str], day: date, rows: list[Row]) -> dict[str, Any]:
    return {
        "ReportID": kind,
        "ReportName": name,
        "ReportType": kind,
        "ReportTitles": titles,
        "ReportDate": long(day),
        "UpdatedDateUTC": wire.envelope_stamp(wire.ms_of(asked.now)),
        "Fields": [],
        "Rows": rows,
    }


def cells(texts: list[str], name: str = "", key: str = "") -> list[dict[str, Any]]:
    attributes = {"Attributes": [{"Value": key, "Id": name}]} if key else {}
    return [{"Value": text, **attributes} for text in texts]


def header(*texts: str) -> Row:
    return {"RowType": "Header", "Cells": cells(list(texts))}


def row(texts: list[str], name: str = "", key: str = "") -> Row:
    return {"RowType": "Row", "Cells": cells(texts, name, key)}


def summary(*texts: str) -> Row:
    return {"RowType": "SummaryRow", "Cells": cells(list(texts))}


def section(title: str, rows: list[Row]) -> Row:
    return {"RowType": "Section", "Title": title, "Rows": rows}


def money(figure: Decimal) -> str:
    return f"{figure:.2f}" if figure else "0.00"


def long(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00"


def minus_year(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)
