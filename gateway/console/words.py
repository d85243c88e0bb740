"""How values are written on a page: amounts, instants, durations, names; and the sentences that say what was done."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from resources.erps import erp_of
from resources.stores.overview import COUNTED_MAX

DONE: Mapping[str, str] = {
    "tested": "The company answered.",
    "paused": "Paused. Nothing is pulled or pushed for it until somebody resumes it; nothing is lost.",
    "resumed": "Resumed. What happened meanwhile is caught up now.",
    "sync": "A sync is due now; Dagster starts it within seconds.",
    "connected": "Connected.",
    "disconnected": "Disconnected. What it brought into the books stays.",
    "schedule": "The schedule is kept.",
    "policy": "The policy is kept; it decides from now on.",
    "decided": "Decided. The ledger says so now; the next push tells the ERP.",
    "agreed": "Decided. The ERP has it like this already.",
    "retried": "It is tried again with the next sync or push, which is due now.",
    "written": "Kept.",
    "mapped": "Mapped. What waited for it is pushed by itself.",
    "unmapped": "The map is removed. What has been pushed stays as it is.",
    "switched_off": "Switched off. Nothing is lost: it is caught up when it is on again.",
    "switched_on": "Switched on. What happened meanwhile is caught up.",
    "maintenance_on": "Maintenance has begun: nothing is written into any ERP.",
    "maintenance_off": "Maintenance has ended. What was edited meanwhile is pushed now.",
    "webhook_changed": "Kept. It counts from the next event on.",
    "webhook_on": "Switched on. What had waited goes first.",
    "webhook_off": "Switched off. What happens until it is on again it will not hear of.",
    "webhook_gone": "Deleted. What was still to be told to it is not told.",
    "redelivered": "The delivery is due again.",
    "logged_out": "You are logged out.",
}


def money(value: Any) -> str:
    """An amount with separators and at least two decimals; a text that is no amount as it stands."""
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return str(value)
    if not exact.is_finite():
        return str(value)
    return f"{exact:,.2f}" if exact == round(exact, 2) else f"{exact.normalize():,f}"


def instant(value: datetime | None) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if value else ""


def ago(value: datetime | None) -> str:
    """How long ago, or in how long, in the largest unit that fits."""
    if value is None:
        return "never"
    seconds = (datetime.now(UTC) - value).total_seconds()
    text = span(abs(seconds))
    return "just now" if abs(seconds) < 10 else f"{text} ago" if seconds > 0 else f"in {text}"


def span(seconds: float) -> str:
    """A duration in the largest unit that fits."""
    for name, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' * (count != 1)}"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.1f} s"


def counted(value: int) -> str:
    """A count that ends where nobody counts on."""
    return f"{COUNTED_MAX:,}+" if value >= COUNTED_MAX else f"{value:,}"


def told(value: Any) -> str:
    """A value of a record: what is empty says so, what is a list or a record is written out."""
    if value is None or value == "":
        return "empty"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str | int | Decimal | date):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=str, indent=1)


def worded(name: str) -> str:
    """A name of ours as people write it: `due_date` is "due date"."""
    return name.replace("_", " ")


def erp_title(erp: str) -> str:
    return erp_of(erp).title


FILTERS: Mapping[str, Callable[..., str]] = {
    "money": money,
    "instant": instant,
    "ago": ago,
    "span": span,
    "counted": counted,
    "told": told,
    "worded": worded,
    "erp_title": erp_title,
}
