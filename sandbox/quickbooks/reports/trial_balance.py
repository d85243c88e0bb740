"""TrialBalance: every account with something on it, debits and credits apart, their sums equal.

Belongs here: its rows. Income and expense are those of the fiscal year up to the last day, whatever the first day
asked for, and earlier profit is in retained earnings; not confirmed by a recording.
"""

from decimal import Decimal
from typing import Any

from sandbox.quickbooks.reports.balance_sheet import close
from sandbox.quickbooks.reports.layout import cell, column, data, money, money_or_blank, options, section
from sandbox.quickbooks.reports.parameters import Asked, invalid
from sandbox.quickbooks.reports.position import Company

_ORDER = (
    "Bank",
    "Accounts Receivable",
    "Other Current Asset",
    "Fixed Asset",
    "Other Asset",
    "Accounts Payable",
    "Credit Card",
    "Other Current Liability",
    "Long Term Liability",
    "Equity",
    "Income",
    "Cost of Goods Sold",
    "Expense",
    "Other Income",
    "Other Expense",
)


def build(asked: Asked, company: Company) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    if asked.summarized != "Total":
        raise invalid("summarize_column_by", asked.summarized)
    standing, _ = close(company, asked.end, asked.basis)
    balances = {**standing, **company.profit_of_year(asked.end, asked.basis)}
    keys = sorted(
        (key for key, amount in balances.items() if amount),
        key=lambda key: (_ORDER.index(company.type_of(key)), company.title_of(key, full=True).lower(), key),
    )
    rows = []
    for key in keys:
        debit, credit = max(balances[key], Decimal()), max(-balances[key], Decimal())
        amounts = (cell(money_or_blank(each)) for each in (debit, credit))
        rows.append(data([cell(company.title_of(key, full=True), key), *amounts]))
    if rows:
        debits = sum((max(balances[key], Decimal()) for key in keys), Decimal())
        credits = sum((max(-balances[key], Decimal()) for key in keys), Decimal())
        rows.append(section(None, [], [cell("TOTAL"), cell(money(debits)), cell(money(credits))], "GrandTotal"))
    header = {
        "ReportBasis": asked.basis,
        **asked.period(),
        "SummarizeColumnsBy": "Total",
        "Currency": company.home,
        "Option": options(bool(rows)),
    }
    columns = [
        column("", "Account", "account"),
        column("Debit", "Money", "debit"),
        column("Credit", "Money", "credit"),
    ]
    return header, columns, rows
