"""The pieces of a report's JSON: cells, rows, sections, columns, amounts.

Belongs here: form, as in the samples on Intuit's report pages. Which rows there are belongs to each report.
"""

from datetime import date
from decimal import Decimal
from typing import Any

Cell = dict[str, str]
Row = dict[str, Any]


def money(amount: Decimal) -> str:
    """An amount as reports write it: two decimals, no thousands mark, never -0.00."""
    return f"{amount:.2f}" if amount else "0.00"


def money_or_blank(amount: Decimal) -> str:
    return money(amount) if amount else ""


def cell(value: str, key: str = "") -> Cell:
    """One cell; stand-ins for missing accounts have no id."""
    return {"value": value, "id": key} if key and not key.startswith("?") else {"value": value}


def data(cells: list[Cell], group: str = "") -> Row:
    return {"ColData": cells, "type": "Data", **({"group": group} if group else {})}


def section(header: list[Cell] | None, rows: list[Row], summary: list[Cell] | None, group: str = "") -> Row:
    row: Row = {}
    if header is not None:
        row["Header"] = {"ColData": header}
        if rows:
            row["Rows"] = {"Row": rows}
    if summary is not None:
        row["Summary"] = {"ColData": summary}
    row["type"] = "Section"
    if group:
        row["group"] = group
    return row


def column(title: str, kind: str, key: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"ColTitle": title, "ColType": kind}
    if key:
        found["MetaData"] = [{"Name": "ColKey", "Value": key}]
    return found


def span_column(title: str, first: date, last: date) -> dict[str, Any]:
    """One period of several: its days in MetaData, where singer-io/tap-quickbooks (streams.py, 2.5.0) reads them; the
    order is that of the answer in its tests/unittests/test_reports_parser.py.
    """
    days = [("StartDate", first.isoformat()), ("EndDate", last.isoformat()), ("ColKey", title)]
    return {"ColTitle": title, "ColType": "Money", "MetaData": [{"Name": name, "Value": each} for name, each in days]}


def options(has_data: bool, **named: str) -> list[dict[str, str]]:
    return [
        *({"Name": name, "Value": value} for name, value in named.items()),
        {"Name": "NoReportData", "Value": "false" if has_data else "true"},
    ]
