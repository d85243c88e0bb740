"""A report for machines: everything as one JSON object, the breaks as CSV. Amounts are text: no cent is lost."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from resources.reporting.figures import Report
from resources.stores.reports import Seen

# What a spreadsheet would take for a formula where a cell begins with it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = ("connection", "run_id", "cutoff_at", *(f.name for f in fields(Seen)))


def as_json(report: Report) -> bytes:
    """The whole report; `version` changes when a reader would have to."""
    r = report
    body = {
        "version": 1,
        "connection": r.connection,
        "company_name": r.company_name,
        "erp": r.erp_title,
        "run_id": r.run_id,
        "cutoff_at": r.cutoff_at,
        "as_of": r.as_of,
        "home_currency": r.home_currency,
        "ties_out": r.ties_out,
        "verdict": r.verdict,
        "to_do": r.to_do,
        "totals": [asdict(one) for one in r.totals],
        "by_cause": [
            dict(zip(("module", "currency", "cause", "break_count", "amount"), row, strict=True)) for row in r.by_cause
        ],
        "ageing": [asdict(one) for of_module in r.aged.values() for one in of_module.values()],
        "statements": [asdict(one) for one in r.told],
        "trend": [
            {"module": module, "currency": currency, **asdict(point)}
            for (module, currency), points in r.trend.items()
            for point in points
        ],
        "breaks": [asdict(one) for one in r.seen],
    }
    return (json.dumps(body, default=_plain, ensure_ascii=False, indent=2) + "\n").encode()


def as_csv(report: Report) -> bytes:
    """Every break, one row each, with a heading; UTF-8 with a mark that spreadsheets know it by."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for one in report.seen:
        row = (report.connection, report.run_id, report.cutoff_at, *asdict(one).values())
        writer.writerow(["" if value is None else _cell(value) for value in row])
    return text.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> str:
    if isinstance(value, str):
        # Names come from outside, and whoever opens the file must not run what somebody called themselves.
        return f"'{value}" if value.startswith(_FORMULA) else value
    return _plain(value)


def _plain(value: Any) -> str:
    return (
        value.isoformat()
        if isinstance(value, (datetime, date))
        else f"{value:f}"
        if isinstance(value, Decimal)
        else str(value)
    )
