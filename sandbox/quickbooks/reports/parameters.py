"""What a report was asked for: dates, macros, periods, filters.

Belongs here: reading and refusing parameters. Names and values are those of Intuit's report pages; what a wrong value
gets is not known, fault 2010 with the parameter's name is taken. Known parameters that the simulator cannot apply are
refused, because numbers that ignore a filter would be wrong.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from sandbox.quickbooks.reports.position import Company
from sandbox.quickbooks.wire import MADE_INACTIVE, Refusal

_EVERYWHERE = (
    "minorversion requestid format qzurl sort_order sort_by add_due_date low_pp_date high_pp_date showcols showrows"
)
_APPLIED = (
    "report_date start_date end_date date_macro accounting_method aging_period num_periods aging_method customer "
    "vendor summarize_column_by columns start_duedate end_duedate"
)
_NOT_SIMULATED = "class department item employee term shipvia custom1 custom2 custom3 past_due adjusted_gain_loss"
_NEVER_FILTERED = {"BalanceSheet", "TrialBalance"}
PERIODS = {"days": "Days", "week": "Week", "weeks": "Week", "month": "Month", "months": "Month"} | {
    "quarter": "Quarter",
    "quarters": "Quarter",
    "year": "Year",
    "years": "Year",
    "total": "Total",
}
COLUMNS_MAX = 400
"""More columns than a year has days are refused; the real bound is not known."""


def invalid(name: str, value: str) -> Refusal:
    return Refusal("2010", f"Property Name:{name} {value} specified is unsupported or invalid", element=name)


class Asked:
    """One request for a report, read. Attributes raise nothing; reading raises Refusal."""

    def __init__(self, name: str, query: dict[str, str], company: Company, *, is_strict: bool) -> None:
        self.name, self._query, self._company = name, query, company
        known = set(f"{_EVERYWHERE} {_APPLIED}".split())
        for each, value in query.items():
            if each in _NOT_SIMULATED.split() or (each not in known and is_strict):
                raise invalid(each, value)
        today = company.today
        macro = query.get("date_macro")
        self.date_macro = macro.lower() if macro else None
        self.start, self.end = company.fiscal_year(today), today
        if macro:
            self.start, self.end = _macro(macro, today, company)
        else:
            end = self._day("end_date")
            start = self._day("start_date")
            self.end = end or (max(start, today) if start else today)
            self.start = start or company.fiscal_year(self.end)
            if self.start > self.end:
                raise invalid("start_date", self.start.isoformat())
            if start is None and end is None:
                self.date_macro = "this calendar year-to-date"
        self.report_date = self._day("report_date") or (self.end if macro or "end_date" in query else today)
        self.due_from, self.due_to = self._day("start_duedate"), self._day("end_duedate")
        self.aging_days = self._count("aging_period", 30, 9999)
        self.aging_periods = self._count("num_periods", 4, 12)
        method = query.get("aging_method", "Report_Date")
        if method.lower() not in ("report_date", "current"):
            raise invalid("aging_method", method)
        self.aged_on = self.report_date if method.lower() == "report_date" else today
        basis = query.get("accounting_method", company.basis)
        if basis.lower() not in ("accrual", "cash"):
            raise invalid("accounting_method", basis)
        self.basis = basis.capitalize()
        summarized = query.get("summarize_column_by", "Total")
        if summarized.lower() not in PERIODS:
            raise invalid("summarize_column_by", summarized)
        self.summarized = PERIODS[summarized.lower()]
        self.columns = [each.strip() for each in query.get("columns", "").split(",") if each.strip()]
        self.is_descending = query.get("sort_order", "ascend").lower() == "descend"
        if query.get("sort_order", "ascend").lower() not in ("ascend", "descend"):
            raise invalid("sort_order", query["sort_order"])
        self.customers, self.vendors = self._parties("Customer"), self._parties("Vendor")

    def _day(self, name: str) -> date | None:
        text = self._query.get(name)
        if not text:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise invalid(name, text) from None

    def _count(self, name: str, default: int, most: int) -> int:
        text = self._query.get(name)
        if not text:
            return default
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise invalid(name, text)
        return int(text)

    def _parties(self, kind: str) -> set[str] | None:
        text = self._query.get(kind.lower())
        if not text:
            return None
        if self.name in _NEVER_FILTERED:
            raise invalid(kind.lower(), text)
        keys = {each.strip() for each in text.split(",") if each.strip()}
        if any(not self._company.has(kind, key) for key in keys):
            raise Refusal("2500", f"Invalid Reference Id : {MADE_INACTIVE}", element=kind.lower())
        return keys

    def header(self) -> dict[str, str]:
        """What the header repeats of the filters."""
        given = {"Customer": self._query.get("customer"), "Vendor": self._query.get("vendor")}
        return {name: each for name, each in given.items() if each}

    def period(self) -> dict[str, str]:
        macro = {"DateMacro": self.date_macro} if self.date_macro else {}
        return {**macro, "StartPeriod": self.start.isoformat(), "EndPeriod": self.end.isoformat()}

    def as_of(self) -> dict[str, str]:
        """The header's dates of an aged report: those of the macro asked for, else one day."""
        if self._query.get("date_macro"):
            return self.period()
        macro = {} if self._query.get("report_date") else {"DateMacro": "today"}
        return {**macro, "StartPeriod": self.report_date.isoformat()}

    def spans(self) -> list[tuple[str, date, date]]:
        """The columns of a statement: title, first and last day. Raises Refusal for too many."""
        if self.summarized == "Total":
            return [("Total", self.start, self.end)]
        found, first = [], self.start
        while first <= self.end:
            last = min(_end_of(first, self.summarized, self._company), self.end)
            found.append((_title(first, last, self.summarized), first, last))
            first = last + timedelta(days=1)
            if len(found) > COLUMNS_MAX:
                raise invalid("summarize_column_by", self.summarized)
        return found


def _end_of(day: date, period: str, company: Company) -> date:
    if period == "Days":
        return day
    if period == "Week":
        return day + timedelta(days=(5 - day.weekday()) % 7)
    if period == "Month":
        return day.replace(day=monthrange(day.year, day.month)[1])
    start = company.fiscal_year(day)
    if period == "Year":
        return _months_on(start, 12) - timedelta(days=1)
    return next(end for end in _quarters(start) if end >= day)


def _quarters(start: date) -> Iterator[date]:
    for months in (3, 6, 9, 12):
        yield _months_on(start, months) - timedelta(days=1)


def _months_on(first: date, months: int) -> date:
    """The first of a month some months after the first of another."""
    month = first.month - 1 + months
    return date(first.year + month // 12, month % 12 + 1, 1)


def _title(first: date, last: date, period: str) -> str:
    if period == "Days" or first == last:
        return f"{first:%b} {first.day}, {first.year}"
    if period == "Month" and first.day == 1 and (last + timedelta(days=1)).day == 1:
        return f"{first:%b %Y}"
    if period == "Year" and first.year == last.year and (first.month, last.month) == (1, 12):
        return str(first.year)
    return f"{first:%b} {first.day} - {last:%b} {last.day}, {last.year}"


def _macro(text: str, today: date, company: Company) -> tuple[date, date]:
    """First and last day of a named range; weeks begin on Sunday, quarters with the fiscal year."""
    words = text.lower().strip()
    to_date = words.endswith("-to-date")
    words = words.removesuffix("-to-date").replace(" calendar ", " ")
    day = timedelta(days=1)
    if words in ("all", "all dates"):
        return company.first_day(), today
    if words in ("today", "yesterday"):
        when = today if words == "today" else today - day
        return when, when
    if words == "next 4 weeks":
        return today, today + 28 * day
    which, _, unit = words.partition(" ")
    is_fiscal = unit.startswith("fiscal ")
    unit = unit.removeprefix("fiscal ")
    year = company.fiscal_year(today) if is_fiscal else date(today.year, 1, 1)
    quarter = next(_months_on(year, months) for months in (9, 6, 3, 0) if _months_on(year, months) <= today)
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    month = today.replace(day=1)
    starts = {
        "week": (sunday - 7 * day, sunday, sunday + 7 * day, sunday + 14 * day),
        "month": tuple(_months_on(month, each) for each in (-1, 0, 1, 2)),
        "quarter": tuple(_months_on(quarter, each) for each in (-3, 0, 3, 6)),
        "year": tuple(_months_on(year, each) for each in (-12, 0, 12, 24)),
    }.get(unit)
    at = {"last": 0, "this": 1, "next": 2}.get(which)
    if starts is None or at is None:
        raise invalid("date_macro", text)
    start, end = starts[at], starts[at + 1] - day
    if to_date:
        end = start + (today - starts[1]) if at != 1 else today
        end = min(end, starts[at + 1] - day)
    return start, end
