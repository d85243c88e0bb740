"""What stands on each account on a day, in the home currency: documents, what they do not explain, exchange rates.

Belongs here: balances. How a report shows them belongs to the report. Three things are added to the documents' own
entries, each openly and in balance:

- *Openings*: what an account shows and no document explains (a loaded company, stock at its start) was there from the
  beginning, against opening balance equity.
- *Exchange*: A/R and A/P in another currency stand at the rates of the documents still open; what payments at other
  rates leave over is exchange gain or loss. That the service does the same is not confirmed.
- *Retained earnings*: profit of earlier fiscal years.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from sandbox.quickbooks import wire
from sandbox.quickbooks.booked import document
from sandbox.quickbooks.chart import CONTROLS, PARTS
from sandbox.quickbooks.defaults import CLASSIFICATIONS
from sandbox.quickbooks.entries import ZERO, cents
from sandbox.quickbooks.ledger import BALANCE_SHEET, PAYS, Ledger, OpenItem, allocations, item_with
from sandbox.quickbooks.reports import cash
from sandbox.quickbooks.store import Store

Balances = dict[str, Decimal]
_MONTHS = tuple(date(2001, month, 1).strftime("%B") for month in range(1, 13))


class Company:
    """The books of one company as a report reads them; `ledger` is up to date."""

    def __init__(self, store: Store, ledger: Ledger, today: date) -> None:
        self._store, self.ledger, self.today = store, ledger, today
        self.accounts = {raw["Id"]: raw for raw in map(wire.decode, store.objects("Account"))}
        preferences = store.get("Preferences", "1") or {}
        self.home = ledger.chart.home
        self.basis = (preferences.get("ReportPrefs") or {}).get("ReportBasis", "Accrual")
        self.ages_from_date = (preferences.get("ReportPrefs") or {}).get("CalcAgingReportFromTxnDate", False)
        month = (store.get("CompanyInfo", "1") or {}).get("FiscalYearStartMonth", "January")
        self._first_month = _MONTHS.index(month) + 1 if month in _MONTHS else 1
        self._openings: Balances | None = None
        self._balances: dict[tuple[date, str], Balances] = {}
        self._applied: dict[str, list[tuple[str, str, list[tuple[str, str, Decimal]]]]] = {}
        self._closed: dict[tuple[str, str], OpenItem | None] = {}
        self._cash: dict[str, dict[str, Decimal]] | None = None

    def has(self, kind: str, key: str) -> bool:
        return key in self._store.tables[kind].rows

    def objects_with(self, kind: str, parties: set[tuple[str, str]]) -> Iterator[bytes]:
        """The encoded transactions of a kind that may be with some customers or vendors, by index."""
        table = self._store.tables[kind]
        for name in ("CustomerRef", "VendorRef", "EntityRef"):
            if name in table.entity.properties:
                for key in {key for _, party in parties for key in table.equal(name, party)}:
                    yield table.rows[key].raw

    def name_of(self, kind: str, key: str) -> str:
        """A party as reports show it: customers with those above them, as in the published samples."""
        found = self._store.get(kind, key) or {}
        return str(
            found.get("FullyQualifiedName" if kind == "Customer" else "DisplayName") or found.get("DisplayName", key)
        )

    def fiscal_year(self, day: date) -> date:
        """The first day of the fiscal year a day is in."""
        start = date(day.year, self._first_month, 1)
        return start if start <= day else start.replace(year=day.year - 1)

    def first_day(self) -> date:
        days = [day for by_day in self.ledger.days.values() for day in by_day]
        return min([date.fromisoformat(min(days)), self.today]) if days else self.today

    # -- accounts ----------------------------------------------------------------------------------------------------

    def type_of(self, account: str) -> str:
        return self.ledger.chart.type_of(account)

    def title_of(self, account: str, *, full: bool = False) -> str:
        if account.startswith("?"):
            return PARTS[account[1:]][1]
        found = self.accounts[account]
        return str(found.get("FullyQualifiedName") if full else found["Name"])

    def is_balance_sheet(self, account: str) -> bool:
        return CLASSIFICATIONS.get(self.type_of(account)) in BALANCE_SHEET

    # -- balances ----------------------------------------------------------------------------------------------------

    def balances(self, until: date, basis: str = "Accrual") -> Balances:
        """Every account on the evening of a day, summing to zero; income and expense since the beginning.

        Do not change what is returned: a report of many columns asks for the same evenings again.
        """
        known = self._balances.get((until, basis))
        if known is None:
            known = self._balances[(until, basis)] = self._balances_on(until, basis)
        return known

    def _balances_on(self, until: date, basis: str) -> Balances:
        found: Balances = defaultdict(Decimal)
        day = until.isoformat()
        if basis == "Cash":
            if self._cash is None:
                self._cash = cash.days(self._store, self.ledger)
            for account, by_day in self._cash.items():
                found[account] += sum((amount for when, amount in by_day.items() if when <= day), ZERO)
        else:
            for account, amount in self.ledger.balances(day).items():
                found[account] += amount
            for account, amount in self._exchange(found, until).items():
                found[account] += amount
        for account, amount in self.openings().items():
            found[account] += amount
        return found

    def profit_of_year(self, until: date, basis: str) -> Balances:
        """Income and expense accounts from the first day of a day's fiscal year up to it; debits are positive."""
        now = self.balances(until, basis)
        before = self.balances(self.fiscal_year(until) - timedelta(days=1), basis)
        return {key: now[key] - before.get(key, ZERO) for key in list(now) if not self.is_balance_sheet(key)}

    def openings(self) -> Balances:
        """What no document explains: on each account, and the sum of it on opening balance equity."""
        if self._openings is not None:
            return self._openings
        found: Balances = defaultdict(Decimal)
        costs = self.ledger.costs()
        chart = self.ledger.chart
        for key, account in self.accounts.items():
            if not self.is_balance_sheet(key):
                continue
            explained = self.ledger.native.get(key, ZERO) + sum(costs.get(key, {}).values(), ZERO)
            left = Decimal(account.get("CurrentBalance", 0) or 0) - explained
            if left and chart.currency_of(key) != self.home:
                left = cents(left * self._rate(chart.currency_of(key)))
            if left:
                found[key] = left
        rest = sum(found.values(), ZERO)
        if rest:
            found[chart.part("opening")] -= rest
        self._openings = found
        return found

    def _rate(self, code: str) -> Decimal:
        """The newest known rate of a currency, else 1."""
        known = [
            (each.get("AsOfDate", ""), Decimal(each["Rate"]))
            for each in map(wire.decode, self._store.objects("ExchangeRate"))
            if each.get("SourceCurrencyCode") == code
        ]
        return max(known)[1] if known else Decimal(1)

    def _exchange(self, found: Balances, until: date) -> Balances:
        chart = self.ledger.chart
        foreign = [
            key
            for key in found
            if chart.type_of(key) in CONTROLS and not key.startswith("?") and chart.currency_of(key) != self.home
        ]
        if not foreign:
            return {}
        moved: Balances = defaultdict(Decimal)
        standing: Balances = defaultdict(Decimal)
        for side, sign in (("Customer", 1), ("Vendor", -1)):
            for _, item in self.open_items(side, until):
                standing[item.account] += sign * item.home
        for account in foreign:
            change = standing[account] - found[account]
            if change:
                moved[account] += change
                moved[chart.part("exchange")] -= change
        return moved

    # -- what is open ------------------------------------------------------------------------------------------------

    def open_items(self, side: str, until: date) -> list[tuple[tuple[str, str], OpenItem]]:
        """What was open with customers or vendors on the evening of a day, with kind and Id of the document.

        Today's open items by index; for a day that transactions follow, what later payments took is put back, which
        reads all payments of that side.
        """
        day, present = until.isoformat(), self.ledger.open_sides(side)
        if not any(when > day for by_day in self.ledger.days.values() for when in by_day):
            return present
        back = self._taken_later("Payment" if side == "Customer" else "BillPayment", day)
        found = [each for each in present if each[1].date <= day and each[0] not in back]
        for key, item in present:
            if key in back:
                extra = back.pop(key)
                found.extend([(key, item_with(item, item.open + extra))] if item.date <= day else [])
        for (kind, key), extra in back.items():
            item = self._closed_item(kind, key)
            if item is not None and item.date <= day and extra:
                found.append(((kind, key), item_with(item, extra)))
        return found

    def _taken_later(self, payer: str, day: str) -> dict[tuple[str, str], Decimal]:
        """What must be put back on each document to see it as it was on a day (signed as OpenItem.open)."""
        back: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        dates = {kind: self._store.tables[kind].column("TxnDate") for kind in PAYS[payer]}
        for payment, paid_on, applied in self._applications(payer):
            for kind, key, amount in applied:
                if kind not in dates:
                    continue
                sign = -PAYS[payer][kind]
                if paid_on > day:
                    back[(kind, key)] += sign * amount
                elif (dates[kind].get(key) or "") > day:
                    back[(payer, payment)] -= sign * amount
        return back

    def _applications(self, payer: str) -> list[tuple[str, str, list[tuple[str, str, Decimal]]]]:
        """Every payment's Id, date and what it was applied to; read once for a report of many days."""
        known = self._applied.get(payer)
        if known is None:
            read = map(document, self._store.objects(payer))
            known = self._applied[payer] = [(each.Id, each.TxnDate, list(allocations(each))) for each in read]
        return known

    def _closed_item(self, kind: str, key: str) -> OpenItem | None:
        if (kind, key) not in self._closed:
            row = self._store.tables[kind].rows.get(key)
            self._closed[(kind, key)] = self.ledger.closed_item(kind, document(row.raw)) if row is not None else None
        return self._closed[(kind, key)]
