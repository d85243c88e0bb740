"""The general ledger: what all transactions together have put on every account, by day, and what is still open.

Belongs here: adding entries up and keeping the sums as objects come and go, so that a report costs the number of
accounts and days and not that of documents. Built once by reading everything (about 25 microseconds a document) when
the lists it depends on change in a company that is already full; otherwise kept up to date document by document.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.quickbooks import entries as double
from sandbox.quickbooks.booked import Document, document
from sandbox.quickbooks.chart import CONTROLS, Chart, account_of, item_of
from sandbox.quickbooks.entries import POSTING, ZERO, cents
from sandbox.quickbooks.inventory import Inventory, cost_of_goods
from sandbox.quickbooks.store import Store

SMALL = 2000
"""Up to so many documents the ledger is built anew at once when it has to be; above, when it is next asked for."""

BALANCE_SHEET = ("Asset", "Liability", "Equity")
_OPEN = {"Invoice": 1, "CreditMemo": -1, "Bill": 1, "VendorCredit": -1}
SIDES = {"Invoice": "Customer", "CreditMemo": "Customer", "Payment": "Customer"}
_STRUCTURE = {"Preferences", "TaxRate", "TaxAgency"}


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One document's part still open with one party, in its currency and at home (at the document's own rate); what is
    owed is positive on either side.
    """

    side: str
    party: str
    account: str
    date: str
    due: str
    number: str
    total: Decimal
    open: Decimal
    rate: Decimal
    home: Decimal


class Ledger:
    """The ledger of one store. Listens to the store from the start; ask `now()` for one that is up to date."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.watchers.append(self._changed)
        self._build()

    def now(self) -> "Ledger":
        if self._is_stale:
            self._build()
        return self

    @property
    def chart(self) -> Chart:
        """The present chart, also while the sums are still to be made anew."""
        if self._chart_is_stale:
            self._chart, self._chart_is_stale = Chart(self._store), False
        return self._chart

    def _doubt(self) -> None:
        self._is_stale = self._chart_is_stale = True

    def _build(self) -> None:
        self._chart, self._chart_is_stale = Chart(self._store), False
        self.days: dict[str, dict[str, Decimal]] = defaultdict(dict)
        self.native: dict[str, Decimal] = defaultdict(Decimal)
        self.open_items: dict[tuple[str, str], tuple[OpenItem, ...]] = {}
        self.inventory = Inventory()
        self._costs: dict[str, dict[str, Decimal]] = {}
        self._is_stale, self._count = False, 0
        for kind in POSTING:
            for raw in self._store.objects(kind):
                self._enter(kind, raw, 1)

    def _changed(self, kind: str, before: bytes | None, after: bytes | None) -> None:
        """Called before a change is stored, without a kind when anything may have changed."""
        if not kind:
            self._doubt()
        elif kind in POSTING:
            if self._is_stale and self._count <= SMALL:
                self._build()
            if self._is_stale:
                return
            if before is not None:
                self._enter(kind, before, -1)
            if after is not None:
                self._enter(kind, after, 1)
        elif kind == "Account":
            self._account_changed(before, after)
        elif kind == "Item":
            was, now = (item_of(raw) if raw is not None else None for raw in (before, after))
            self._costs.clear()
            if was is None and now is not None and now[0] not in self._chart.missing:
                self._chart.add_item(*now)
            elif was != now:
                self._doubt()
        elif kind in _STRUCTURE and self._chart.depends_on(kind, before, after):
            self._doubt()

    def _account_changed(self, before: bytes | None, after: bytes | None) -> None:
        was, now = (account_of(raw) if raw is not None else None for raw in (before, after))
        if was == now:
            return
        is_news = was is None and now is not None and self._chart.is_complete and now[0] not in self._chart.missing
        if is_news and after is not None:
            self._chart.add(after)
        elif was is None or now is None or was[2] != now[2] or self._chart.finds_by_name(was[1], now[1]):
            self._doubt()

    def _enter(self, kind: str, raw: bytes, sign: int) -> None:
        """Post one document, or take it out. What was loaded as given may be no document at all: it is not posted."""
        try:
            value = document(raw)
            entries = list(double.entries(kind, value, self.chart))
        except (msgspec.DecodeError, ArithmeticError):
            return
        self._put(kind, value, entries, sign)

    def _put(self, kind: str, value: Document, entries: Sequence[double.Entry], sign: int) -> None:
        self._count += sign
        for entry in entries:
            by_day = self.days[entry.account]
            by_day[value.TxnDate] = by_day.get(value.TxnDate, ZERO) + sign * entry.home
            is_home = self.chart.currency_of(entry.account) == self.chart.home
            self.native[entry.account] += sign * (entry.home if is_home else entry.amount)
        if self.chart.stocked:
            (self.inventory.put if sign > 0 else self.inventory.remove)(kind, value, self.chart)
            self._costs.clear()
        still = open_items(kind, value, self.chart) if sign > 0 else ()
        if still:
            self.open_items[(kind, value.Id)] = still
        else:
            self.open_items.pop((kind, value.Id), None)

    # -- sums --------------------------------------------------------------------------------------------------------

    def balances(self, until: str) -> dict[str, Decimal]:
        """What the documents dated up to and including a day have put on each account, in the home currency."""
        found = {account: self._sum(by_day, until) for account, by_day in self.days.items()}
        for account, by_day in self.costs().items():
            found[account] = found.get(account, ZERO) + self._sum(by_day, until)
        return found

    @staticmethod
    def _sum(by_day: dict[str, Decimal], until: str) -> Decimal:
        return sum((amount for day, amount in by_day.items() if day <= until), ZERO)

    def costs(self) -> dict[str, dict[str, Decimal]]:
        """The postings of the cost of goods sold: amounts by account and day."""
        if not self._costs:
            for item in self.inventory.items:
                found = self._store.get("Item", item) or {}
                own = self.chart.items[item]
                asset = self.chart.known(own.asset, "inventory")
                expense = self.chart.known(own.expense, "cost")
                for day, amount in self.cost_of(found).items():
                    for account, change in ((asset, -amount), (expense, amount)):
                        by_day = self._costs.setdefault(account, {})
                        by_day[day] = by_day.get(day, ZERO) + change
        return self._costs

    def cost_of(self, item: dict[str, Any]) -> dict[str, Decimal]:
        """The cost of goods sold of one item by day."""
        moves = self.inventory.of(str(item.get("Id", "")))
        opening = Decimal(item.get("QtyOnHand", 0) or 0) - sum((move.quantity for move in moves), ZERO)
        return cost_of_goods(moves, opening, Decimal(item.get("PurchaseCost", 0) or 0))

    def closed_item(self, kind: str, value: Document) -> OpenItem | None:
        """A document that is not open now, as an item of which nothing is."""
        return next(iter(_with_party(kind, value, self.chart, ZERO)), None)

    def open_sides(self, side: str) -> list[tuple[tuple[str, str], OpenItem]]:
        """Everything open with customers (side "Customer") or vendors, with kind and Id of its document."""
        return [(key, item) for key, items in self.open_items.items() for item in items if item.side == side]


def open_items(kind: str, value: Document, chart: Chart) -> tuple[OpenItem, ...]:
    """What one document leaves open, from its balance as shown; its lines on A/R and A/P where it shows none."""
    if kind in _OPEN:
        balance = value.Balance
        if kind == "CreditMemo" and value.RemainingCredit is not None:
            balance = value.RemainingCredit
        return _with_party(kind, value, chart, _OPEN[kind] * balance) if balance else ()
    if kind in PAYS:
        left = unapplied(kind, value)
        return _with_party(kind, value, chart, -left) if left else ()
    found: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for entry in double.entries(kind, value, chart):
        account_type = chart.type_of(entry.account)
        if account_type in CONTROLS:
            side = "Customer" if account_type == CONTROLS[0] else "Vendor"
            key = entry.party[1] if entry.party is not None and entry.party[0] == side else ""
            found[(side, key, entry.account)] += entry.amount if side == "Customer" else -entry.amount
    return tuple(_item(kind, value, *at, left, left) for at, left in found.items() if left)


def _with_party(kind: str, value: Document, chart: Chart, left: Decimal) -> tuple[OpenItem, ...]:
    """The open item of a document that is with one customer or vendor as a whole."""
    side = SIDES.get(kind, "Vendor")
    party = double.party_of(kind, value)
    if party is None:
        return ()
    account = double.control(chart, CONTROLS[side == "Vendor"], value)
    return (_item(kind, value, side, party[1], account, _OPEN.get(kind, -1) * (value.TotalAmt or ZERO), left),)


def _item(kind: str, value: Document, side: str, party: str, account: str, total: Decimal, left: Decimal) -> OpenItem:
    due = value.DueDate if kind in ("Invoice", "Bill") else ""
    rate = value.ExchangeRate if value.ExchangeRate is not None else Decimal(1)
    home = left if rate == 1 else cents(left * rate)
    return OpenItem(side, party, account, value.TxnDate, due or value.TxnDate, value.DocNumber, total, left, rate, home)


def item_with(item: OpenItem, left: Decimal) -> OpenItem:
    return replace(item, open=left, home=left if item.rate == 1 else cents(left * item.rate))


PAYS = {"Payment": {"Invoice": -1, "CreditMemo": 1}, "BillPayment": {"Bill": -1, "VendorCredit": 1}}


def unapplied(kind: str, value: Document) -> Decimal:
    """The part of a payment that is applied to no document."""
    left = value.TotalAmt or ZERO
    for target, _, amount in allocations(value):
        left += PAYS[kind].get(target, 0) * amount
    return left


def allocations(value: Document) -> Iterator[tuple[str, str, Decimal]]:
    """What a payment's lines are applied to: type, Id, amount."""
    for line in value.Line or ():
        if line.LinkedTxn and line.Amount:
            yield line.LinkedTxn[0].TxnType, line.LinkedTxn[0].TxnId, line.Amount
