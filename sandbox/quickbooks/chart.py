"""The chart of accounts as postings need it: which account plays which part, and what is known of items and taxes.

Belongs here: looking accounts up. Amounts are put on them by `entries.py`. Where a company has no account for a part,
a stand-in without an Id is posted to, so that every document balances; reports show it by name.
"""

from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.quickbooks import wire
from sandbox.quickbooks.store import Store

CONTROLS = ("Accounts Receivable", "Accounts Payable")


class Ref(msgspec.Struct, gc=False):
    value: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """What postings depend on; names and balances are read when they are shown."""

    type: str
    subtype: str
    currency: str


@dataclass(frozen=True, slots=True)
class Item:
    type: str
    income: str
    expense: str
    asset: str


class _Account(msgspec.Struct):
    Id: str
    AccountType: str = ""
    AccountSubType: str = ""
    CurrencyRef: Ref | None = None
    Name: str = ""


class _Item(msgspec.Struct):
    Id: str
    Type: str = ""
    IncomeAccountRef: Ref | None = None
    ExpenseAccountRef: Ref | None = None
    AssetAccountRef: Ref | None = None


class _Id(msgspec.Struct):
    Id: str = ""


_ID = msgspec.json.Decoder(_Id)
_ACCOUNT, _ITEM = msgspec.json.Decoder(_Account), msgspec.json.Decoder(_Item)

# The account a part is played by: its AccountSubType, and what stands in when the company has none.
PARTS = {
    "income": ("", "Uncategorized Income", "Income"),
    "expense": ("", "Uncategorized Expense", "Expense"),
    "undeposited": ("UndepositedFunds", "Undeposited Funds", "Other Current Asset"),
    "tax": ("GlobalTaxPayable", "Sales Tax Payable", "Other Current Liability"),
    "opening": ("OpeningBalanceEquity", "Opening Balance Equity", "Equity"),
    "retained": ("RetainedEarnings", "Retained Earnings", "Equity"),
    "exchange": ("ExchangeGainOrLoss", "Exchange Gain or Loss", "Other Expense"),
    "discount": ("DiscountsRefundsGiven", "Discounts given", "Income"),
    "inventory": ("Inventory", "Inventory Asset", "Other Current Asset"),
    "cost": ("SuppliesMaterialsCogs", "Cost of Goods Sold", "Cost of Goods Sold"),
    "unapplied income": ("UnappliedCashPaymentIncome", "Unapplied Cash Payment Income", "Income"),
    "unapplied expense": ("UnappliedCashBillPaymentExpense", "Unapplied Cash Bill Payment Expense", "Expense"),
    "Accounts Receivable": ("AccountsReceivable", "Accounts Receivable (A/R)", "Accounts Receivable"),
    "Accounts Payable": ("AccountsPayable", "Accounts Payable (A/P)", "Accounts Payable"),
}


def _value(reference: Ref | None) -> str:
    return reference.value if reference is not None else ""


def account_of(raw: bytes) -> tuple[str, str, Account]:
    """Id, name and the rest of an encoded account."""
    found = _ACCOUNT.decode(raw)
    return found.Id, found.Name, Account(found.AccountType, found.AccountSubType, _value(found.CurrencyRef))


def item_of(raw: bytes) -> tuple[str, Item]:
    found = _ITEM.decode(raw)
    refs = (found.IncomeAccountRef, found.ExpenseAccountRef, found.AssetAccountRef)
    return found.Id, Item(found.Type, *(_value(each) for each in refs))


def _preferred(raw: bytes | None) -> tuple[str, str]:
    """The home currency and the discount account of encoded preferences."""
    found = wire.decode(raw) if raw is not None else {}
    home = (found.get("CurrencyPrefs") or {}).get("HomeCurrency", {}).get("value", "USD")
    return home, str((found.get("SalesFormsPrefs") or {}).get("DefaultDiscountAccount") or "")


class Chart:
    """Accounts, items and tax accounts of one company.

    `is_complete` turns False when a stand-in was handed out, and `missing` has the Ids that were asked for in vain:
    documents posted by such a chart must be posted anew when the account or item turns up.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.accounts: dict[str, Account] = {}
        self.names: dict[str, str] = {}
        self.items: dict[str, Item] = {}
        self.stocked: set[str] = set()
        self.is_complete = True
        self.missing: set[str] = set()
        self._parts: dict[Any, str] = {}
        for raw in store.objects("Account"):
            self.add(raw)
        for raw in store.objects("Item"):
            key, item = item_of(raw)
            self.add_item(key, item)
        row = store.tables["Preferences"].rows.get("1")
        self.home, self._discount = _preferred(row.raw if row is not None else None)

    def add(self, raw: bytes) -> None:
        """Take a new account in."""
        key, name, account = account_of(raw)
        self.accounts[key], self.names[key] = account, name
        self._parts.clear()

    def add_item(self, key: str, item: Item) -> None:
        self.items[key] = item
        if item.type == "Inventory":
            self.stocked.add(key)

    def with_accounts(self, opened: list[bytes]) -> "Chart":
        """A copy that knows some more accounts."""
        other = copy(self)
        other.accounts, other.names, other._parts = dict(self.accounts), dict(self.names), {}
        for raw in opened:
            other.add(raw)
        return other

    def depends_on(self, kind: str, before: bytes | None, after: bytes | None) -> bool:
        """Whether a change of preferences or tax lists can move postings made so far."""
        if kind == "Preferences":
            return _preferred(before) != _preferred(after)
        if before is None and after is not None:
            return ("tax", _ID.decode(after).Id) in self._parts
        return True

    def finds_by_name(self, *names: str) -> bool:
        """Whether accounts of these names would be found by them."""
        wanted = {title for subtype, title, _ in PARTS.values() if not subtype}
        return len(set(names)) > 1 and any(name in wanted or name.endswith(" Payable") for name in names)

    def has(self, key: str) -> bool:
        if key and key not in self.accounts:
            self.missing.add(key)
        return key in self.accounts

    def known(self, key: str, part: str) -> str:
        """`key` if the company has that account, else the account that plays a part."""
        return key if self.has(key) else self.part(part)

    def item(self, key: str) -> Item | None:
        found = self.items.get(key)
        if found is None and key:
            self.missing.add(key)
        return found

    def part(self, name: str) -> str:
        """The account that plays a part: the first of its subtype (or name), else a stand-in."""
        if name not in self._parts:
            self._parts[name] = self._found(name)
        if self._parts[name].startswith("?"):
            self.is_complete = False
        return self._parts[name]

    def _found(self, name: str) -> str:
        subtype, title, _ = PARTS[name]
        if name == "discount" and self._discount in self.accounts:
            return self._discount
        if subtype:
            keys = [key for key, account in self.accounts.items() if account.subtype == subtype]
        else:
            keys = [key for key, own in self.names.items() if own == title]
        return min(keys, key=lambda key: (len(key), key), default=f"?{name}")

    def control(self, kind: str, currency: str) -> str:
        """The A/R or A/P account of a currency, "" when there is none."""
        known = self._parts.get((kind, currency))
        if known is None:
            keys = [
                key
                for key, account in self.accounts.items()
                if account.type == kind and account.currency in ("", currency)
            ]
            known = self._parts[(kind, currency)] = min(keys, key=lambda key: (len(key), key), default="")
        return known

    def tax(self, rate: str) -> str:
        """The liability account of a tax rate: the one named after its agency, as the published sample company has
        them, else the first one.
        """
        known = self._parts.get(("tax", rate))
        if known is None:
            found = self._store.get("TaxRate", rate) or {}
            agency = self._store.get("TaxAgency", found.get("AgencyRef", {}).get("value", "")) or {}
            title = f"{agency.get('DisplayName', '')} Payable"
            keys = [key for key, name in self.names.items() if name == title]
            known = self._parts[("tax", rate)] = keys[0] if keys else self.part("tax")
        return known

    def type_of(self, key: str) -> str:
        """The AccountType of an account or stand-in."""
        if key.startswith("?"):
            return PARTS[key[1:]][2]
        found = self.accounts.get(key)
        return found.type if found is not None else ""

    def currency_of(self, key: str) -> str:
        found = self.accounts.get(key)
        return (found.currency if found is not None else "") or self.home


CENT = Decimal("0.01")
