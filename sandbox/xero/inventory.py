"""Quantities of tracked items, which move through documents only.

Belongs here: the difference one write makes to the items on its lines. Cost pools follow at average cost; the cost of
what is sold is not posted (`ledger.py`). Whether such a movement shows in a delta of items is not known: it does not.
Facts: reference section 11; the wording of the refusal is in the manner of others.
"""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from sandbox.xero import currencies
from sandbox.xero.wire import Refusal, half_up
from sandbox.xero.work import LOOKS, Work, amount

_SIGNS = {"ACCREC": -1, "ACCPAY": 1, "ACCRECCREDIT": 1, "ACCPAYCREDIT": -1}
_COSTED = ("ACCPAY", "ACCPAYCREDIT")

Moves = dict[str, tuple[Decimal, Decimal]]
"""By item code: how many come in, and at what cost in base currency as far as the document says it."""


def keep(work: Work) -> None:
    """Move what the changed documents bring in and take out. Raises Refusal when a sale would go below zero."""
    moves: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for (name, _), before, after in work.changed():
        if name not in ("Invoices", "CreditNotes"):
            continue
        for value, sign in ((before, -1), (after, 1)):
            for code, (quantity, cost) in _moves(work, value).items():
                moves[code][0] += sign * quantity
                moves[code][1] += sign * cost
    for code, (quantity, cost) in moves.items():
        item = next(iter(work.by("Items", "Code", code)), None)
        if item is not None and item.get("IsTrackedAsInventory") and (quantity or cost):
            _move(work, item, quantity, cost)


def _moves(work: Work, value: dict[str, Any] | None) -> Moves:
    found: Moves = {}
    if value is None or value.get("Status") not in ("AUTHORISED", "PAID") or value.get("Type") not in _SIGNS:
        return found
    sign, rate = _SIGNS[value["Type"]], amount(value, "CurrencyRate") or Decimal(1)
    for line in value.get("LineItems", ()):
        if not line.get("ItemCode") or "Quantity" not in line:
            continue
        net = amount(line, "LineAmount")
        if value.get("LineAmountTypes") == "Inclusive":
            net -= amount(line, "TaxAmount")
        cost = currencies.in_base(net, rate, work.options.currency_rate) if value["Type"] in _COSTED else Decimal(0)
        quantity, known = found.get(line["ItemCode"], (Decimal(0), Decimal(0)))
        found[line["ItemCode"]] = (quantity + sign * amount(line, "Quantity"), known + sign * cost)
    return found


def _move(work: Work, item: dict[str, Any], quantity: Decimal, cost: Decimal) -> None:
    held, pool = amount(item, "QuantityOnHand"), amount(item, "TotalCostPool")
    left = held + quantity
    if left < 0 and quantity < 0:
        raise Refusal(f"There are only {held} of item {item['Code']} on hand, {-quantity} are needed")
    if not cost and held:
        cost = half_up(pool * quantity / held)
    item["QuantityOnHand"] = half_up(left, 4)
    item["TotalCostPool"] = half_up(pool + cost) if left else Decimal("0.00")
    work.touch("Items", item["ItemID"], LOOKS)
