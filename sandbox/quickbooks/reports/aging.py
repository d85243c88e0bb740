"""AgedReceivables and AgedPayables: what each customer owes, or each vendor is owed, by days past due.

Belongs here: the summary and the buckets both aged reports share. Amounts are in the home currency. The published
samples leave a party's empty buckets blank and write 0.00 in the totals. A customer's jobs are rows of their own; that
payments and credits age from their own date is not confirmed.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.ledger import OpenItem
from sandbox.quickbooks.reports.layout import cell, column, money, money_or_blank, options, section
from sandbox.quickbooks.reports.parameters import Asked
from sandbox.quickbooks.reports.position import Company

ZERO = Decimal()


def side_of(asked: Asked) -> str:
    return "Customer" if "Receivable" in asked.name else "Vendor"


def titles(asked: Asked) -> list[str]:
    """The buckets: not yet due, then periods of days, the last without an end."""
    days, last = asked.aging_days, asked.aging_periods - 1
    spans = [f"{each * days + 1} - {(each + 1) * days}" for each in range(last)]
    return ["Current", *spans, f"{last * days + 1} and over"]


class Ages:
    """Days past due and buckets, each date worked out once."""

    def __init__(self, asked: Asked, company: Company) -> None:
        self._asked, self._from_date = asked, company.ages_from_date
        self._days: dict[str, int] = {}

    def days(self, item: OpenItem) -> int:
        since = item.date if self._from_date else item.due
        known = self._days.get(since)
        if known is None:
            known = self._days[since] = (self._asked.aged_on - date.fromisoformat(since)).days
        return known

    def bucket(self, item: OpenItem) -> int:
        past = self.days(item)
        return 0 if past <= 0 else min((past - 1) // self._asked.aging_days, self._asked.aging_periods - 1) + 1


def chosen(asked: Asked, company: Company) -> list[tuple[tuple[str, str], OpenItem]]:
    """The open items a report is about."""
    side = side_of(asked)
    parties = asked.customers if side == "Customer" else asked.vendors
    found = company.open_items(side, asked.report_date)
    if parties is not None:
        found = [each for each in found if each[1].party in parties]
    if asked.due_from is not None:
        found = [each for each in found if each[1].due >= asked.due_from.isoformat()]
    if asked.due_to is not None:
        found = [each for each in found if each[1].due <= asked.due_to.isoformat()]
    return found


def build(asked: Asked, company: Company) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    side, names = side_of(asked), titles(asked)
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [ZERO] * len(names))
    ages = Ages(asked, company)
    for _, item in chosen(asked, company):
        sums[item.party][ages.bucket(item)] += item.home
    named = sorted(
        ((company.name_of(side, party) if party else "Not Specified", party) for party in sums if any(sums[party])),
        reverse=asked.is_descending,
    )
    rows: list[dict[str, Any]] = [
        {
            "ColData": [
                cell(name, party),
                *(cell(money_or_blank(each)) for each in [*sums[party], sum(sums[party], ZERO)]),
            ]
        }
        for name, party in named
    ]
    if rows:
        totals = [sum((each[at] for each in sums.values()), ZERO) for at in range(len(names))]
        cells = [cell("TOTAL"), *(cell(money(each)) for each in [*totals, sum(totals, ZERO)])]
        rows.append(section(None, [], cells, "GrandTotal"))
    header = {
        **asked.header(),
        **asked.as_of(),
        "EndPeriod": asked.report_date.isoformat(),
        "Currency": company.home,
        "Option": options(bool(rows), report_date=asked.report_date.isoformat()),
    }
    columns = [column("", side), *(column(name, "Money") for name in [*names, "Total"])]
    return header, columns, rows
