"""BalanceSheet: assets, liabilities and equity on the last day of a period, or of several.

Belongs here: its sections; groups and titles are those of the published sample. Profit of earlier fiscal years stands
in retained earnings, that of the present one as Net Income.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.reports.layout import Row, column, data, options, section, span_column
from sandbox.quickbooks.reports.parameters import Asked
from sandbox.quickbooks.reports.position import Balances, Company
from sandbox.quickbooks.reports.statement import Amounts, Table, blank, cells, of_types, plus, total, tree


def close(company: Company, until: date, basis: str) -> tuple[Balances, Decimal]:
    """Balance sheet accounts on a day with earlier profit in retained earnings, and the fiscal year's net income.

    Debits are positive, so a net income is negative.
    """
    now = company.balances(until, basis)
    before = company.balances(company.fiscal_year(until) - timedelta(days=1), basis)
    standing = {key: amount for key, amount in now.items() if company.is_balance_sheet(key)}
    profit = sum((amount for key, amount in now.items() if not company.is_balance_sheet(key)), Decimal())
    earlier = sum((amount for key, amount in before.items() if not company.is_balance_sheet(key)), Decimal())
    if earlier:
        retained = company.ledger.chart.part("retained")
        standing[retained] = standing.get(retained, Decimal()) + earlier
    return standing, profit - earlier


def build(asked: Asked, company: Company) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    spans = asked.spans()
    table: Table = {}
    income: Amounts = []
    for at, (_, _, last) in enumerate(spans):
        standing, profit = close(company, last, asked.basis)
        income.append(-profit)
        for key, amount in standing.items():
            table.setdefault(key, [Decimal()] * len(spans))[at] = amount
    has_data = any(any(each) for each in [*table.values(), income])
    rows = _rows(company, table, income) if has_data else []
    header = {
        "ReportBasis": asked.basis,
        **asked.period(),
        "SummarizeColumnsBy": asked.summarized,
        "Currency": company.home,
        "Option": options(bool(rows), AccountingStandard="GAAP"),
    }
    is_total = asked.summarized == "Total"
    periods = [column("Total", "Money", "total")] if is_total else [span_column(*span) for span in spans]
    columns = [column("", "Account", "account"), *periods]
    return header, columns, rows


class _Sheet:
    """Sections over one table; a section without rows is left out."""

    def __init__(self, company: Company, table: Table, width: int) -> None:
        self.company, self.table, self.width = company, table, width

    def accounts(self, title: str, group: str, kind: str, end: str = "") -> tuple[list[Row], Amounts]:
        found = of_types(self.company, self.table, kind)
        amounts = total(self.table, found, self.width)
        return self.under(title, group, [(tree(self.company, self.table, found), amounts)], end)

    def under(
        self, title: str, group: str, parts: list[tuple[list[Row], Amounts]], end: str = ""
    ) -> tuple[list[Row], Amounts]:
        rows = [row for each, _ in parts for row in each]
        amounts = plus([Decimal()] * self.width, *(each for _, each in parts))
        if not rows:
            return [], amounts
        return [section(blank(title, self.width), rows, cells(end or f"Total {title}", amounts), group)], amounts


def _rows(company: Company, table: Table, income: Amounts) -> list[Row]:
    width = len(income)
    assets = _Sheet(company, table, width)
    current = assets.under(
        "Current Assets",
        "CurrentAssets",
        [
            assets.accounts("Bank Accounts", "BankAccounts", "Bank"),
            assets.accounts("Accounts Receivable", "AR", "Accounts Receivable"),
            assets.accounts("Other current assets", "OtherCurrentAssets", "Other Current Asset"),
        ],
    )
    lasting = [
        assets.accounts("Fixed Assets", "FixedAssets", "Fixed Asset"),
        assets.accounts("Other Assets", "OtherAssets", "Other Asset"),
    ]
    owned, _ = assets.under("ASSETS", "TotalAssets", [current, *lasting], "TOTAL ASSETS")
    # Credits are shown positive on this side.
    credits = _Sheet(company, {key: [-each for each in amounts] for key, amounts in table.items()}, width)
    due = credits.under(
        "Current Liabilities",
        "CurrentLiabilities",
        [
            credits.accounts("Accounts Payable", "AP", "Accounts Payable"),
            credits.accounts("Credit Cards", "CreditCards", "Credit Card"),
            credits.accounts("Other Current Liabilities", "OtherCurrentLiabilities", "Other Current Liability"),
        ],
    )
    later = credits.accounts("Long-Term Liabilities", "LongTermLiabilities", "Long Term Liability")
    liabilities = credits.under("Liabilities", "Liabilities", [due, later])
    own = of_types(company, credits.table, "Equity")
    rows = [*tree(company, credits.table, own), data(cells("Net Income", income), "NetIncome")]
    equity = credits.under("Equity", "Equity", [(rows, plus(total(credits.table, own, width), income))])
    title = "LIABILITIES AND EQUITY"
    owed, _ = credits.under(title, "TotalLiabilitiesAndEquity", [liabilities, equity], f"TOTAL {title}")
    return [*owned, *owed]
