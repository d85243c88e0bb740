"""Stock within one write: quantities on hand, and what the cost of goods moves on the asset account.

Belongs here: the change of one write. Movements and their cost are `inventory.py`. That a sale moves an item's
LastUpdatedTime and not its SyncToken is as in the sample company of 2026.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.booked import Document
from sandbox.quickbooks.chart import Chart
from sandbox.quickbooks.entries import ZERO, cents
from sandbox.quickbooks.inventory import Movement, cost_of_goods, movements
from sandbox.quickbooks.ledger import Ledger
from sandbox.quickbooks.work import TIME, Key, Work

Changes = list[tuple[Key, Document | None, Document | None]]


def move(work: Work, ledger: Ledger, chart: Chart, documents: Changes) -> Iterator[tuple[str, Decimal]]:
    """Set QtyOnHand of every stocked item the documents touch; yield what that puts on balance sheet accounts.

    A quantity a person sets on the item itself is stock found or lost at its purchase cost, against opening balance
    equity; not confirmed by a recording.
    """
    if not chart.stocked:
        yield from _set_by_hand(work, chart)
        return
    after: dict[str, list[Movement]] = defaultdict(list)
    items: set[str] = set()
    for (entity, _), was, now in documents:
        items.update(item for item, _ in (movements(entity, was, chart) if was is not None else ()))
        for item, movement in movements(entity, now, chart) if now is not None else ():
            items.add(item)
            after[item].append(movement)
    yield from _set_by_hand(work, chart)
    touched = [at for at, _, _ in documents]
    for item in sorted(items):
        present = work.get("Item", item)
        before = work.before[("Item", item)]
        if present is None or before is None:
            continue
        stored = ledger.now().inventory.of(item)
        coming = ledger.inventory.of(item, without=touched) + after[item]
        there = sum((each.quantity for each in stored), ZERO)
        old = _cost(stored, _quantity(before) - there, before)
        opening = _quantity(present) - there
        present["QtyOnHand"] = opening + sum((each.quantity for each in coming), ZERO)
        work.touch("Item", item, TIME)
        yield chart.known(chart.items[item].asset, "inventory"), old - _cost(coming, opening, present)


def _set_by_hand(work: Work, chart: Chart) -> Iterator[tuple[str, Decimal]]:
    for (entity, _), before, after in work.changed():
        if entity != "Item" or after is None or after.get("Type") != "Inventory":
            continue
        found = _quantity(after) - (_quantity(before) if before is not None else ZERO)
        value = cents(found * Decimal(after.get("PurchaseCost", 0)))
        yield chart.known(after.get("AssetAccountRef", {}).get("value", ""), "inventory"), value
        yield chart.part("opening"), -value


def _quantity(item: dict[str, Any]) -> Decimal:
    return Decimal(item.get("QtyOnHand", 0) or 0)


def _cost(moves: list[Movement], opening: Decimal, item: dict[str, Any]) -> Decimal:
    return sum(cost_of_goods(moves, opening, Decimal(item.get("PurchaseCost", 0) or 0)).values(), ZERO)
