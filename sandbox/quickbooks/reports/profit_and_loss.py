"""ProfitAndLoss: income, cost of goods, expense and what is left, over a period or several.

Belongs here: its sections. Groups are those of Intuit's report pages.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.booked import document
from sandbox.quickbooks.entries import POSTING, entries, party_of
from sandbox.quickbooks.reports.layout import Row, column, options, section, span_column
from sandbox.quickbooks.reports.parameters import Asked
from sandbox.quickbooks.reports.position import Balances, Company
from sandbox.quickbooks.reports.statement import Amounts, Table, blank, cells, of_types, plus, total, tree


def build(asked: Asked, company: Company) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    spans = asked.spans()
    table: Table = {}
    for at, (_, first, last) in enumerate(spans):
        for account, amount in profit(company, asked, first, last).items():
            table.setdefault(account, [Decimal()] * len(spans))[at] += amount
    columns = [column("", "Account", "account")]
    if asked.summarized != "Total":
        columns += [span_column(*span) for span in spans]
        table = {key: [*amounts, sum(amounts, Decimal())] for key, amounts in table.items()}
    columns.append(column("Total", "Money", "total"))
    has_data = any(any(each) for each in table.values())
    rows = _rows(company, table, len(columns) - 1)
    if not has_data:
        _leave_blank(rows)
    header = {
        **asked.header(),
        "ReportBasis": asked.basis,
        **asked.period(),
        "SummarizeColumnsBy": asked.summarized,
        "Currency": company.home,
        "Option": options(has_data, AccountingStandard="GAAP"),
    }
    return header, columns, rows


def _leave_blank(rows: list[Row]) -> None:
    """A report without data has its sections and no amounts, as minimul/qbo_api captured one
    (spec/vcr/reports/profit_and_loss.yml, 2020-09-29).
    """
    for row in rows:
        for each in row["Summary"]["ColData"][1:]:
            each["value"] = ""


def profit(company: Company, asked: Asked, first: Any, last: Any) -> Balances:
    """Income and expense accounts over some days; debits are positive."""
    if asked.customers is not None or asked.vendors is not None:
        return _of_parties(company, asked, first.isoformat(), last.isoformat())
    after = company.balances(last, asked.basis)
    before = company.balances(first - timedelta(days=1), asked.basis)
    return {key: after[key] - before.get(key, Decimal()) for key in list(after) if not company.is_balance_sheet(key)}


def _of_parties(company: Company, asked: Asked, first: str, last: str) -> Balances:
    """The same for some customers or vendors: the documents with them; cost of goods is left out."""
    wanted = {("Customer", key) for key in asked.customers or ()} | {("Vendor", key) for key in asked.vendors or ()}
    found: Balances = {}
    for kind in POSTING:
        for raw in company.objects_with(kind, wanted):
            value = document(raw)
            if party_of(kind, value) not in wanted or not first <= value.TxnDate <= last:
                continue
            for entry in entries(kind, value, company.ledger.chart):
                if not company.is_balance_sheet(entry.account):
                    found[entry.account] = found.get(entry.account, Decimal()) + entry.home
    return found


def _rows(company: Company, table: Table, width: int) -> list[Row]:
    shown = {
        key: [-each for each in amounts] if company.type_of(key) in ("Income", "Other Income") else amounts
        for key, amounts in table.items()
    }
    sums: dict[str, Amounts] = {}
    sections: dict[str, list[Row]] = {}
    for group, title, kind in (
        ("Income", "Income", "Income"),
        ("COGS", "Cost of Goods Sold", "Cost of Goods Sold"),
        ("Expenses", "Expenses", "Expense"),
        ("OtherIncome", "Other Income", "Other Income"),
        ("OtherExpenses", "Other Expenses", "Other Expense"),
    ):
        accounts = of_types(company, shown, kind)
        sums[group] = total(shown, accounts, width)
        rows = tree(company, shown, accounts)
        is_always = group in ("Income", "Expenses")
        sections[group] = (
            [section(blank(title, width), rows, cells(f"Total {title}", sums[group]), group)]
            if rows or is_always
            else []
        )
    gross = plus(sums["Income"], _minus(sums["COGS"]))
    operating = plus(gross, _minus(sums["Expenses"]))
    other = plus(sums["OtherIncome"], _minus(sums["OtherExpenses"]))
    found = [*sections["Income"], *sections["COGS"], _result("Gross Profit", gross, "GrossProfit")]
    found += [*sections["Expenses"], _result("Net Operating Income", operating, "NetOperatingIncome")]
    if sections["OtherIncome"] or sections["OtherExpenses"]:
        found += [*sections["OtherIncome"], *sections["OtherExpenses"]]
        found.append(_result("Net Other Income", other, "NetOtherIncome"))
    return [*found, _result("Net Income", plus(operating, other), "NetIncome")]


def _minus(amounts: Amounts) -> Amounts:
    return [-each for each in amounts]


def _result(title: str, amounts: Amounts, group: str) -> Row:
    return section(None, [], cells(title, amounts), group)
