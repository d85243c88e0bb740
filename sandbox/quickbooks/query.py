"""Answering a statement of QuickBooks' query language.

Belongs here: which rows, in which order, from which index. Reading the statement is `grammar.py`; the envelope of the
answer is put around it in `app.py`. Facts: reference section 4.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.quickbooks import wire
from sandbox.quickbooks.fields import property_at
from sandbox.quickbooks.grammar import LAST_UPDATED, Condition, Statement
from sandbox.quickbooks.spec import Entity
from sandbox.quickbooks.table import Table, folded
from sandbox.quickbooks.wire import Refusal


@dataclass(frozen=True, slots=True)
class Found:
    """The encoded rows of one page and how many rows there are in all."""

    rows: list[bytes]
    total: int


def _typed(entity: Entity, condition: Condition, text: str) -> Any:
    """A value in the type of its property. `' '` is null."""
    found = property_at(entity, condition.path)
    assert found is not None
    if text.strip() == "" and text != "":
        return None
    try:
        if found.kind == "time":
            return wire.micros_of(text)
        if found.kind == "number":
            return Decimal(text)
        if found.kind == "date":
            return datetime.fromisoformat(text).date().isoformat()
    except (ValueError, InvalidOperation):
        raise Refusal(
            "4001", f"QueryValidationError: value {text} is not valid for property {condition.path}"
        ) from None
    if found.kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise Refusal("4001", f"QueryValidationError: value {text} is not valid for property {condition.path}")
        return text.lower() == "true"
    return text.lower()


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def _predicate(table: Table, condition: Condition) -> Callable[[str], bool]:
    column = table.column(condition.path)
    values = [_typed(table.entity, condition, text) for text in condition.values]
    if condition.operator in ("=", "in"):
        return lambda key: folded(column[key]) in values
    if condition.operator == "!=":
        return lambda key: folded(column[key]) not in values
    if condition.operator == "like":
        pattern = re.compile(".*".join(re.escape(part) for part in condition.values[0].lower().split("%")), re.DOTALL)
        return lambda key: column[key] is not None and pattern.fullmatch(str(column[key]).lower()) is not None
    compare, value = _COMPARE[condition.operator], values[0]

    def holds(key: str) -> bool:
        found = folded(column[key])
        return found is not None and value is not None and compare(found, value)

    return holds


def _time_bounds(table: Table, conditions: Iterable[Condition]) -> tuple[int, int]:
    """The stretch of `table.times()` that satisfies all comparisons of LastUpdatedTime (half-open)."""
    times = table.times()
    first, last = 0, len(times)
    for condition in conditions:
        at = _typed(table.entity, condition, condition.values[0])
        if at is None:
            return 0, 0
        floor, ceiling = bisect_left(times, (at, -2, "")), bisect_left(times, (at + 1, -2, ""))
        if condition.operator == ">=":
            first = max(first, floor)
        elif condition.operator == ">":
            first = max(first, ceiling)
        elif condition.operator == "<":
            last = min(last, floor)
        elif condition.operator == "<=":
            last = min(last, ceiling)
        else:
            first, last = max(first, floor), min(last, ceiling)
    return first, max(first, last)


def run(statement: Statement, table: Table) -> Found:
    """Answer one statement from `table`; the rows of the page asked for and the number of all rows it matches."""
    entity = statement.entity
    timed = [c for c in statement.conditions if c.path == LAST_UPDATED and c.operator in ("=", "<", ">", "<=", ">=")]
    others = [c for c in statement.conditions if c not in timed]
    if entity.hides_inactive and not any(c.path == "Active" for c in others):
        others.append(Condition("Active", "!=", ("false",)))
    order = statement.order or (((entity.order, False),) if entity.order else ((LAST_UPDATED, True),))
    first, last = _time_bounds(table, timed)
    keys = _candidates(table, others, order, first, last, is_all=not timed)
    predicates = [_predicate(table, c) for c in others if not (c.path == "Id" and c.operator in ("=", "in"))]
    if predicates:
        keys = [key for key in keys if all(holds(key) for holds in predicates)]
    total = len(keys)
    page = keys[statement.start - 1 : statement.start - 1 + statement.rows_max + entity.rows_beyond_page]
    return Found([] if statement.is_count else [table.rows[key].raw for key in page], total)


class _Slice:
    """Keys of a stretch of the time index, without copying it."""

    def __init__(self, times: list, first: int, last: int, descending: bool) -> None:
        self.times, self.first, self.last, self.descending = times, first, last, descending

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, wanted: slice) -> list[str]:
        start, stop, _ = wanted.indices(len(self))
        if self.descending:
            moments = self.times[self.last - stop : self.last - start]
            return [moment[2] for moment in reversed(moments)]
        return [moment[2] for moment in self.times[self.first + start : self.first + stop]]

    def __iter__(self):
        return iter(self[0 : len(self)])


def _candidates(
    table: Table,
    conditions: list[Condition],
    order: tuple[tuple[str, bool], ...],
    first: int,
    last: int,
    *,
    is_all: bool,
) -> Any:
    """Keys in the order asked for, already limited by time and by the best index;
    the other conditions are still to be checked.
    """
    by_id = [c for c in conditions if c.path == "Id" and c.operator in ("=", "in")]
    chosen: set[str] | None = None
    for condition in by_id:
        wanted = {value for value in condition.values if value in table.rows}
        chosen = wanted if chosen is None else chosen & wanted
    for condition in conditions:
        found = property_at(table.entity, condition.path)
        is_indexed = found is not None and found.kind in ("text", "reference") and condition.path != "Id"
        if chosen is None and is_indexed and condition.operator in ("=", "in"):
            values = [_typed(table.entity, condition, text) for text in condition.values]
            chosen = set().union(*(table.equal(condition.path, value) for value in values))
    path, descending = order[0]
    times = table.times()
    if chosen is None and path == LAST_UPDATED and len(order) == 1:
        return _Slice(times, first, last, descending)
    if chosen is None and is_all and len(order) == 1:
        return table.ordered(path, descending)
    if chosen is None:
        chosen = {moment[2] for moment in times[first:last]}
    elif not is_all:
        low = times[first] if first < len(times) else (2**63, 0, "")
        high = times[last] if last < len(times) else (2**63, 0, "")
        chosen = {key for key in chosen if low <= table.rows[key].moment < high} if first < last else set()
    keys = sorted(chosen, key=lambda key: table.rows[key].moment)
    for path, descending in reversed(order):
        if path == LAST_UPDATED:
            keys.sort(key=lambda key: table.rows[key].moment, reverse=descending)
        elif path == "Id":
            keys.sort(key=lambda key: table.rows[key].moment[1], reverse=descending)
        else:
            column = table.column(path)
            keys.sort(
                key=lambda key: (column[key] is not None, column[key] if column[key] is not None else 0),
                reverse=descending,
            )
    return keys
