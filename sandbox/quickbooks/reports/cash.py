"""The cash basis: income and expense on the day they are paid.

Belongs here: entries as if invoices, bills and credits posted only as far, and when, they are paid. A payment posts
its documents' lines in proportion; what it pays of nothing yet is unapplied cash income or expense. Not confirmed by a
recording. Reads every payment and what it pays, so it is linear in them.
"""

from collections import defaultdict
from decimal import Decimal

from sandbox.quickbooks.booked import document
from sandbox.quickbooks.chart import CONTROLS
from sandbox.quickbooks.entries import POSTING, ZERO, Entry, cents, entries
from sandbox.quickbooks.ledger import PAYS, Ledger, allocations, unapplied
from sandbox.quickbooks.store import Store

_WAITING = ("Invoice", "CreditMemo", "Bill", "VendorCredit")
_REST = {"Payment": "unapplied income", "BillPayment": "unapplied expense"}


def days(store: Store, ledger: Ledger) -> dict[str, dict[str, Decimal]]:
    """Home amounts by account and day; every transaction's part sums to zero."""
    found: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for kind in POSTING:
        if kind in _WAITING:
            continue
        for raw in store.objects(kind):
            value = document(raw)
            if kind not in PAYS:
                for entry in entries(kind, value, ledger.chart):
                    found[entry.account][value.TxnDate] += entry.home
                continue
            left = ZERO
            for entry in entries(kind, value, ledger.chart):
                if ledger.chart.type_of(entry.account) not in CONTROLS:
                    found[entry.account][value.TxnDate] += entry.home
                    left -= entry.home
            for target, key, amount in allocations(value):
                row = store.tables[target].rows.get(key) if target in PAYS[kind] else None
                if row is None:
                    continue
                paid = document(row.raw)
                for account, home in _part(entries(target, paid, ledger.chart), amount, paid.TotalAmt, ledger):
                    found[account][value.TxnDate] += home
                    left -= home
            rest = _REST[kind] if unapplied(kind, value) else "exchange"
            found[ledger.chart.part(rest)][value.TxnDate] += left
    for account, by_day in ledger.costs().items():
        for day, amount in by_day.items():
            found[account][day] += amount
    return found


def _part(whole: list[Entry], amount: Decimal, total: Decimal | None, ledger: Ledger) -> list[tuple[str, Decimal]]:
    """The share of a document's entries, but for A/R and A/P, that an amount of its total pays."""
    if not total:
        return []
    share = amount / total
    others = [entry for entry in whole if ledger.chart.type_of(entry.account) not in CONTROLS]
    parts = [(entry.account, cents(entry.home * share)) for entry in others]
    lost = cents(sum((entry.home for entry in others), ZERO) * share) - sum((home for _, home in parts), ZERO)
    return [*parts, (parts[-1][0], lost)] if parts and lost else parts
