"""What the statements share: accounts in a tree under headings, amounts in one column or many.

Belongs here: sections of accounts with their sums. Which sections there are belongs to each statement.
"""

from decimal import Decimal

from sandbox.quickbooks.reports.layout import Row, cell, data, money, section
from sandbox.quickbooks.reports.position import Company

Amounts = list[Decimal]
Table = dict[str, Amounts]
"""The amounts of each account, one per column."""


def plus(*given: Amounts) -> Amounts:
    return [sum(each, Decimal()) for each in zip(*given, strict=True)]


def total(table: Table, accounts: list[str], width: int) -> Amounts:
    return plus([Decimal()] * width, *(table[key] for key in accounts))


def cells(title: str, amounts: Amounts, key: str = "") -> list[dict[str, str]]:
    return [cell(title, key), *(cell(money(each)) for each in amounts)]


def blank(title: str, width: int, key: str = "") -> list[dict[str, str]]:
    return [cell(title, key), *(cell("") for _ in range(width))]


def of_types(company: Company, table: Table, *types: str) -> list[str]:
    return [key for key in table if company.type_of(key) in types]


def tree(company: Company, table: Table, accounts: list[str]) -> list[Row]:
    """Rows of accounts by name, sub-accounts below theirs; accounts with nothing in any column are left out."""
    keys = set(accounts)
    below: dict[str, list[str]] = {}
    for key in accounts:
        parent = company.accounts.get(key, {}).get("ParentRef", {}).get("value", "")
        while parent and parent not in keys and parent in company.accounts:
            # A parent nothing was put on is no row of the table yet.
            table[parent] = [Decimal()] * len(table[key])
            keys.add(parent)
            above = company.accounts[parent].get("ParentRef", {}).get("value", "")
            below.setdefault(above if above in company.accounts else "", []).append(parent)
            parent = above
        own = company.accounts.get(key, {}).get("ParentRef", {}).get("value", "")
        below.setdefault(own if own in company.accounts else "", []).append(key)
    return [row for key in _sorted(company, below.get("", [])) for row in _branch(company, table, below, key)]


def _sorted(company: Company, keys: list[str]) -> list[str]:
    return sorted(set(keys), key=lambda key: (company.title_of(key).lower(), key))


def _branch(company: Company, table: Table, below: dict[str, list[str]], key: str) -> list[Row]:
    children = [row for each in _sorted(company, below.get(key, [])) for row in _branch(company, table, below, each)]
    title, own = company.title_of(key), table[key]
    if not children:
        return [data(cells(title, own, key))] if any(own) else []
    header = cells(title, own, key) if any(own) else blank(title, len(own), key)
    return [section(header, children, cells(f"Total {title}", _subtree(table, below, key)))]


def _subtree(table: Table, below: dict[str, list[str]], key: str) -> Amounts:
    return plus(table[key], *(_subtree(table, below, each) for each in set(below.get(key, []))))
