"""Reports: trial balance and balance sheet, and which report a name means.

Belongs here: sums over `ledger.py` in the rows the service shows them in, whose layout is that of the published
examples. All are linear in the books; amounts are in the organisation's currency. The aged reports are `aged.py`.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.xero import aged
from sandbox.xero.report_rows import Asked, Row, cells, header, long, money, report, row, section, summary
from sandbox.xero.store import Books
from sandbox.xero.switches import Switches
from sandbox.xero.wire import NotFound

_SECTIONS = {
    "REVENUE": "Revenue",
    "EXPENSE": "Expenses",
    "ASSET": "Assets",
    "LIABILITY": "Liabilities",
    "EQUITY": "Equity",
}
_SHEET_ASSETS = {"BANK": "Bank", "FIXED": "Fixed Assets", "NONCURRENT": "Non-current Assets"}
_SHEET_LIABILITIES = {"TERMLIAB": "Non-current Liabilities", "LIABILITY": "Non-current Liabilities"}
_EARNINGS = ("REVENUE", "EXPENSE")


def build(books: Books, options: Switches, name: str, query: dict[str, str], now: datetime) -> dict[str, Any]:
    """The report of this name. Raises NotFound, Problem."""
    makers: dict[str, Callable[[Asked], dict[str, Any]]] = {
        "trialbalance": _trial_balance,
        "balancesheet": _balance_sheet,
        "agedreceivablesbycontact": lambda asked: aged.build(asked, "Receivables", "Number", 1),
        "agedpayablesbycontact": lambda asked: aged.build(asked, "Payables", "Reference", -1),
    }
    if name.lower() not in makers:
        raise NotFound(f"Reports/{name}")
    return makers[name.lower()](Asked(books, options, query, now))


# -- trial balance -----------------------------------------------------------------------------------------------------


def _trial_balance(asked: Asked) -> dict[str, Any]:
    """This month's movements and the balances of the year; earnings of earlier years are retained."""
    year = asked.year_start(asked.day)
    month, ever, this_year = asked.balances([(since, asked.day) for since in (asked.day.replace(day=1), None, year)])
    accounts, retained = asked.accounts(), asked.ledger.system("RETAINEDEARNINGS")
    classes = {account["AccountID"]: account["Class"] for account in accounts}
    shown: dict[str, Decimal] = {}
    for account, figure in ever.items():
        is_earning = classes.get(account) in _EARNINGS
        shown[account] = this_year.get(account, Decimal(0)) if is_earning else shown.get(account, Decimal(0)) + figure
        if is_earning:
            shown[retained] = shown.get(retained, Decimal(0)) + figure - shown[account]
    rows: list[Row] = [header("Account", "Debit", "Credit", "YTD Debit", "YTD Credit")]
    sums = [Decimal("0.00")] * 4
    for name, title in _SECTIONS.items():
        own = [account for account in accounts if account["Class"] == name and account["AccountID"] in shown]
        inner = []
        for account in own:
            key = account["AccountID"]
            cells = (*_sides(month.get(key, Decimal(0)), name), *_sides(shown[key], name))
            sums = [total + Decimal(cell or 0) for total, cell in zip(sums, cells, strict=True)]
            label = f"{account['Name']} ({account['Code']})" if account.get("Code") else account["Name"]
            inner.append(row([label, *cells], "account", key))
        if inner:
            rows.append(section(title, inner))
    rows.append(section("", [summary("Total", *(f"{total:.2f}" for total in sums))]))
    titles = ["Trial Balance", str(asked.organisation.get("Name", "")), f"As at {long(asked.day)}"]
    return report(asked, "TrialBalance", "Trial Balance", titles, asked.day, rows)


def _sides(figure: Decimal, name: str) -> tuple[str, str]:
    """A balance in its column: nothing stands where such accounts usually stand."""
    is_debit = figure > 0 or (figure == 0 and name in ("EXPENSE", "ASSET"))
    return (f"{figure:.2f}", "") if is_debit else ("", f"{abs(figure):.2f}")


# -- balance sheet -----------------------------------------------------------------------------------------------------


def _balance_sheet(asked: Asked) -> dict[str, Any]:
    days = _periods(asked)
    sums = asked.balances([(since, day) for day in days for since in (None, asked.year_start(day))])
    balances, years = sums[::2], sums[1::2]
    accounts = asked.accounts()
    rows: list[Row] = [header("", *(f"{day:%d %b %Y}".lstrip("0") for day in days)), section("Assets", [])]
    zero = [Decimal("0.00")] * len(days)

    def part(title: str, chosen: list[dict[str, Any]], sign: int) -> list[Decimal]:
        inner, sums = [], list(zero)
        for account in chosen:
            figures = [sign * each.get(account["AccountID"], Decimal(0)) for each in balances]
            if any(figures):
                inner.append(row([account["Name"], *map(money, figures)], "account", account["AccountID"]))
                sums = [total + figure for total, figure in zip(sums, figures, strict=True)]
        if inner:
            rows.append(section(title, [*inner, summary(f"Total {title}", *map(money, sums))]))
        return sums

    def side(name: str, titles: dict[str, str], default: str, sign: int) -> list[Decimal]:
        sums = list(zero)
        for title in [*dict.fromkeys([*titles.values(), default])]:
            own = [a for a in accounts if a["Class"] == name and titles.get(a["Type"], default) == title]
            sums = [total + figure for total, figure in zip(sums, part(title, own, sign), strict=True)]
        return sums

    assets = side("ASSET", _SHEET_ASSETS, "Current Assets", 1)
    rows += [section("", [summary("Total Assets", *map(money, assets))]), section("Liabilities", [])]
    liabilities = side("LIABILITY", _SHEET_LIABILITIES, "Current Liabilities", -1)
    rows.append(section("", [summary("Total Liabilities", *map(money, liabilities))]))
    net = [total - owed for total, owed in zip(assets, liabilities, strict=True)]
    rows.append(section("", [{"RowType": "Row", "Cells": cells(["Net Assets", *map(money, net)])}]))
    rows.append(_equity(accounts, balances, years, len(days)))
    titles = ["Balance Sheet", str(asked.organisation.get("Name", "")), f"As at {long(days[0])}"]
    return report(asked, "BalanceSheet", "Balance Sheet", titles, asked.now.date(), rows)


def _equity(
    accounts: list[dict[str, Any]], balances: list[dict[str, Decimal]], years: list[dict[str, Decimal]], count: int
) -> Row:
    earning = {account["AccountID"] for account in accounts if account["Class"] in _EARNINGS}
    current = [-sum((each.get(key, Decimal(0)) for key in earning), Decimal(0)) for each in years]
    ever = [-sum((each.get(key, Decimal(0)) for key in earning), Decimal(0)) for each in balances]
    inner = [{"RowType": "Row", "Cells": cells(["Current Year Earnings", *map(money, current)])}]
    sums = list(current)
    for account in (account for account in accounts if account["Class"] == "EQUITY"):
        figures = [-each.get(account["AccountID"], Decimal(0)) for each in balances]
        if account.get("SystemAccount") == "RETAINEDEARNINGS":
            figures = [figure + ever[at] - current[at] for at, figure in enumerate(figures)]
        if any(figures):
            inner.append(row([account["Name"], *map(money, figures)], "account", account["AccountID"]))
            sums = [sums[at] + figures[at] for at in range(count)]
    return section("Equity", [*inner, summary("Total Equity", *map(money, sums))])


def _periods(asked: Asked) -> list[date]:
    """The day asked for and the ends of `periods` earlier months, quarters or years."""
    try:
        count = min(max(int(asked.query.get("periods") or 0), 0), 11)
    except ValueError:
        count = 0
    step = {"QUARTER": 3, "YEAR": 12}.get(asked.query.get("timeframe", "").upper(), 1)
    days = [asked.day]
    for number in range(1, count + 1):
        months = asked.day.year * 12 + asked.day.month - 1 - number * step
        year, month = divmod(months, 12)
        days.append(date(year, month + 1, monthrange(year, month + 1)[1]))
    return days
