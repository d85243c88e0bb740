"""Stock: quantities moved by documents, and the cost of goods that follows from them.

Belongs here: the movements of each stocked item and their cost, first in, first out. Entries of documents are
`entries.py`. What no recording shows: the costing method. FIFO is taken because the published schema knows no other
(Preferences.AdvancedInventoryPrefs.FIFOEnabled, CompanyInfo.FifoCalculationStatus); goods sold before they are bought
cost nothing until a purchase arrives; goods that come back do so at the last known cost. That stock is valued at what
was paid is confirmed by the sample company (Inventory Asset equals quantity x purchase cost, 2026).
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sandbox.quickbooks.booked import Document, DocumentLine
from sandbox.quickbooks.chart import Chart
from sandbox.quickbooks.entries import COSTS, SALES, ZERO, cents, ref

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Movement:
    """Goods in (positive) or out; `cost` is what a purchase paid for them in the home currency, None for a sale."""

    date: str
    number: int
    quantity: Decimal
    cost: Decimal | None


def movements(kind: str, value: Document, chart: Chart) -> list[tuple[str, Movement]]:
    """What a document does to stock: (item, movement) for every line with a stocked item."""
    if kind not in SALES and kind not in COSTS:
        return []
    is_sale = kind in SALES
    sign = -SALES[kind] if is_sale else -COSTS[kind] if value.Credit else COSTS[kind]
    rate = value.ExchangeRate if value.ExchangeRate is not None else Decimal(1)
    number = int(value.Id) if value.Id.isdigit() else 0
    found = []
    for item, quantity, amount in _stocked(value.Line or (), chart):
        cost = None if is_sale else sign * (amount if rate == 1 else cents(amount * rate))
        if quantity or cost:
            found.append((item, Movement(value.TxnDate, number, sign * quantity, cost)))
    return found


def _stocked(lines: Iterable[DocumentLine], chart: Chart) -> Iterable[tuple[str, Decimal, Decimal]]:
    for line in lines:
        detail = line.SalesItemLineDetail or line.ItemBasedExpenseLineDetail
        if line.GroupLineDetail is not None and line.GroupLineDetail.Line:
            yield from _stocked(line.GroupLineDetail.Line, chart)
        elif detail is not None and _is_stocked(chart, ref(detail.ItemRef)):
            yield ref(detail.ItemRef), detail.Qty or ZERO, line.Amount or ZERO


def _is_stocked(chart: Chart, item: str) -> bool:
    found = chart.item(item)
    return found is not None and found.type == "Inventory"


def cost_of_goods(moves: Iterable[Movement], opening: Decimal, opening_cost: Decimal) -> dict[str, Decimal]:
    """The cost of goods sold by day, first in, first out; `opening` pieces at `opening_cost` were there first."""
    layers: deque[tuple[Decimal, Decimal]] = deque()
    short, last = max(-opening, ZERO), opening_cost
    if opening > 0:
        layers.append((opening, opening_cost))
    cost: dict[str, Decimal] = defaultdict(Decimal)
    for move in sorted(moves, key=lambda move: (move.date, move.number)):
        if move.quantity > 0:
            if move.cost is not None:
                last = move.cost / move.quantity
            else:
                cost[move.date] -= cents(move.quantity * last)
            filled = min(short, move.quantity)
            short -= filled
            cost[move.date] += cents(filled * last)
            if move.quantity > filled:
                layers.append((move.quantity - filled, last))
            continue
        wanted, taken = -move.quantity, ZERO
        while wanted > 0 and layers:
            there, each = layers.popleft()
            part = min(there, wanted)
            wanted -= part
            taken += part * each
            last = each
            if there > part:
                layers.appendleft((there - part, each))
        short += wanted
        # A vendor credit has taken its own amount off the asset; what the goods cost beyond that is cost of goods.
        cost[move.date] += cents(taken) + (move.cost or ZERO)
    return {day: amount for day, amount in cost.items() if amount}


class Inventory:
    """All movements of the company's stocked items."""

    def __init__(self) -> None:
        self._moves: dict[str, dict[Key, list[Movement]]] = defaultdict(dict)

    def put(self, kind: str, value: Document, chart: Chart) -> None:
        for item, move in movements(kind, value, chart):
            self._moves[item].setdefault((kind, value.Id), []).append(move)

    def remove(self, kind: str, value: Document, chart: Chart) -> None:
        for item, _ in movements(kind, value, chart):
            self._moves[item].pop((kind, value.Id), None)

    @property
    def items(self) -> list[str]:
        return list(self._moves)

    def of(self, item: str, without: Iterable[Key] = ()) -> list[Movement]:
        """The movements of an item, but for those of some documents."""
        left_out = set(without)
        return [move for key, moves in self._moves.get(item, {}).items() if key not in left_out for move in moves]
