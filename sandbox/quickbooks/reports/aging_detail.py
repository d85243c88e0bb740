"""AgedReceivableDetail and AgedPayableDetail: every document still open, by days past due, the oldest first.

Belongs here: its columns and sections. Column keys, the order of sections and their headers are those of the published
samples; which columns are there unasked, their titles and the totals of a section are not confirmed.
"""

from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.entries import cents
from sandbox.quickbooks.ledger import OpenItem
from sandbox.quickbooks.reports.aging import ZERO, Ages, chosen, side_of, titles
from sandbox.quickbooks.reports.layout import Cell, cell, column, data, money, options, section
from sandbox.quickbooks.reports.parameters import Asked, invalid
from sandbox.quickbooks.reports.position import Company

_TYPES = {
    "CreditMemo": "Credit Memo",
    "BillPayment": "Bill Payment",
    "VendorCredit": "Vendor Credit",
    "JournalEntry": "Journal Entry",
    "Purchase": "Expense",
}
_TITLES = {
    "tx_date": "Date",
    "txn_type": "Transaction Type",
    "doc_num": "Num",
    "cust_name": "Customer",
    "vend_name": "Vendor",
    "due_date": "Due Date",
    "past_due": "Past Due",
    "subt_amount": "Amount",
    "subt_open_bal": "Open Balance",
    "subt_neg_amount": "Amount",
    "subt_neg_open_bal": "Open Balance",
}
_DEFAULT = {
    "Customer": "tx_date txn_type doc_num cust_name due_date subt_amount subt_open_bal",
    "Vendor": "tx_date txn_type doc_num vend_name due_date past_due subt_neg_amount subt_neg_open_bal",
}
_SUMMED = {"subt_amount", "subt_open_bal", "subt_neg_amount", "subt_neg_open_bal"}


def build(asked: Asked, company: Company) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    side = side_of(asked)
    keys = asked.columns or _DEFAULT[side].split()
    for key in keys:
        if key not in _TITLES or key == ("vend_name" if side == "Customer" else "cust_name"):
            raise invalid("columns", key)
    groups: dict[int, list[tuple[tuple[str, str], OpenItem]]] = defaultdict(list)
    ages = Ages(asked, company)
    for key, item in chosen(asked, company):
        groups[ages.bucket(item)].append((key, item))
    names = titles(asked)
    readers = [_reader(key, side, company, ages) for key in keys]
    rows: list[dict[str, Any]] = []
    for at in sorted(groups, key=lambda at: at or -1, reverse=not asked.is_descending):
        found = sorted(groups[at], key=lambda each: (each[1].due, each[1].date, each[0]))
        title = "Current" if at == 0 else f"{names[at].replace('and over', 'or more')} days past due"
        cells = [data([read(*each) for read in readers]) for each in found]
        header = [cell(title), *(cell("") for _ in keys[1:])]
        rows.extend(_section(header, cells, f"Total for {title}", keys, [item for _, item in found]))
    if rows and _SUMMED & set(keys):
        everything = [item for found in groups.values() for _, item in found]
        rows.append(section(None, [], _sums("TOTAL", keys, everything)))
    header = {
        **asked.header(),
        "EndPeriod": asked.report_date.isoformat(),
        "Currency": company.home,
        "Option": options(bool(rows), report_date=asked.report_date.isoformat()),
    }
    return header, [column(_TITLES[key], key, key) for key in keys], rows


def _section(
    header: list[Cell], rows: list[dict[str, Any]], total: str, keys: list[str], items: list[OpenItem]
) -> list[dict[str, Any]]:
    """A bucket with its total; without a column of amounts the total is a heading of its own, as in the samples."""
    if _SUMMED & set(keys):
        return [section(header, rows, _sums(total, keys, items))]
    return [section(header, rows, None), section([cell(total), *(cell("") for _ in keys[1:])], [], None)]


def _sums(title: str, keys: list[str], items: list[OpenItem]) -> list[Cell]:
    cells = [cell("") if key not in _SUMMED else cell(money(_sum(key, items))) for key in keys]
    return [cell(title), *cells[1:]]


def _sum(key: str, items: list[OpenItem]) -> Decimal:
    return sum((_amount(key, item) for item in items), ZERO)


def _amount(key: str, item: OpenItem) -> Decimal:
    return item.home if "open_bal" in key else cents(item.total * item.rate)


def _reader(key: str, side: str, company: Company, ages: Ages) -> Callable[[tuple[str, str], OpenItem], Cell]:
    """What one column shows of a document and its open item."""
    parties: dict[str, Cell] = {}

    def party(_: tuple[str, str], item: OpenItem) -> Cell:
        known = parties.get(item.party)
        if known is None:
            name = company.name_of(side, item.party) if item.party else "Not Specified"
            known = parties[item.party] = cell(name, item.party)
        return known

    readers: dict[str, Callable[[tuple[str, str], OpenItem], Cell]] = {
        "cust_name": party,
        "vend_name": party,
        "tx_date": lambda _, item: {"value": item.date},
        "txn_type": lambda doc, _: {"value": _TYPES.get(doc[0], doc[0]), "id": doc[1]},
        "doc_num": lambda _, item: {"value": item.number},
        "due_date": lambda _, item: {"value": item.due},
        "past_due": lambda _, item: {"value": str(ages.days(item))},
    }
    return readers.get(key) or (lambda _, item: {"value": money(_amount(key, item))})
