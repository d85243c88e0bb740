"""The company all parts of the demo write into: its random generator, its clock, its accounts and its reference lists.

Reference data (accounts, taxes, terms, methods, settings) is made here; people and items in parties.py, documents in
sales.py and purchases.py.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from random import Random

from sandbox.quickbooks.demo.chart import (
    CARDS,
    CHART,
    CURRENCIES,
    DEFAULT_TERM,
    FOREIGN_ACCOUNTS,
    INACTIVE_ACCOUNTS,
    KNOWN_ACCOUNT_IDS,
    METHODS,
    PLACES,
    SEASONS,
    TERMS,
)
from sandbox.quickbooks.demo.txn import Txn
from sandbox.quickbooks.settings import company_info, preferences
from sandbox.quickbooks.shapes import (
    Wire,
    account,
    address,
    head,
    payment_method,
    ref,
    stamp,
    term,
)

HOME = "USD"
FOREIGN = "EUR"
OPENING_CASH = {"Checking": Decimal("2500000.00"), "Savings": Decimal("150000.00")}


class Company:
    """Everything of the company under construction. Same seed and anchor: same company, object by object."""

    def __init__(self, seed: int, anchor: date) -> None:
        self.rng = Random(seed)
        self.anchor = anchor
        self.opened = anchor - timedelta(days=548)
        self.founded = datetime.combine(self.opened - timedelta(days=2), time(17), UTC)
        self.closing = datetime.combine(anchor, time(23), UTC)
        self.objects: dict[str, list[Wire]] = defaultdict(list)
        self.txns: list[Txn] = []
        self.taken_names: set[str] = set()
        self._address_ids = count(1001)
        self._list_seconds = count(0)
        self.touched: dict[str, datetime] = {}
        self._build_accounts()
        self._build_lists()

    # Time.

    def list_moment(self) -> datetime:
        """When the next list entry was set up: in the first days, three entries to a second."""
        return self.founded + timedelta(seconds=next(self._list_seconds) // 3)

    def day_in_period(self, *, until: date | None = None) -> date:
        return self.opened + timedelta(days=self.rng.randrange(((until or self.anchor) - self.opened).days))

    def moment_of(self, day: date) -> datetime:
        """A second of that Pacific working day. One in five comes from a batch, and those share the second."""
        if self.rng.random() < 0.2:
            return datetime.combine(day, time(19), UTC)
        return datetime.combine(day, time(17), UTC) + timedelta(seconds=self.rng.randrange(6 * 3600))

    # Lists.

    def next_address(self, *, euro: bool, towns: list[tuple[str, str, str]], streets: list[str]) -> Wire:
        town, region, code = self.rng.choice(towns)
        line = f"{self.rng.randint(1, 9999)} {self.rng.choice(streets)}"
        postal_code = f"{code}{self.rng.randint(0, 99):02d}"
        return address(str(next(self._address_ids)), line, town, region, postal_code, "DEU" if euro else None)

    def account(self, name: str) -> Wire:
        return self.accounts[name]

    def receivables(self, currency: str) -> Wire:
        return self.accounts["Accounts Receivable (A/R)" + ("" if currency == HOME else f" - {currency}")]

    def payables(self, currency: str) -> Wire:
        return self.accounts["Accounts Payable (A/P)" + ("" if currency == HOME else f" - {currency}")]

    def post(self, account_wire: Wire, amount: Decimal, at: datetime | None = None) -> None:
        """Add to a balance sheet account in its own currency; debits are positive, credits negative."""
        account_wire["CurrentBalance"] += amount
        if at is not None:
            self.touch_name(account_wire, at)

    def touch_name(self, wire: Wire, at: datetime) -> None:
        """A changed balance moves LastUpdatedTime of a name or account, and never its SyncToken."""
        known = self.touched.get(id(wire))
        if known is None or at > known:
            self.touched[id(wire)] = at

    def rate(self, currency: str, day: date) -> Decimal:
        """Home units per foreign unit: invented, one value a week, five decimals."""
        if currency == HOME:
            return Decimal(1)
        week = (day - self.opened).days // 7
        return Decimal(108000 + (week * 739) % 6000 - 1000).scaleb(-5)

    def _build_accounts(self) -> None:
        self.accounts: dict[str, Wire] = {}
        ids = count(100)
        for name, kind, subtype, classification, parent in CHART:
            account_id = KNOWN_ACCOUNT_IDS.get(name) or str(next(ids))
            self.accounts[name] = wire = account(
                head(account_id, self.list_moment(), changes=int(name in INACTIVE_ACCOUNTS)),
                name,
                account_type=kind,
                subtype=subtype,
                classification=classification,
                currency=FOREIGN if name in FOREIGN_ACCOUNTS else HOME,
                parent=self.accounts[parent] if parent else None,
                active=name not in INACTIVE_ACCOUNTS,
            )
            self.objects["Account"].append(wire)
        for name, amount in OPENING_CASH.items():
            self.post(self.account(name), amount)
            self.post(self.account("Opening Balance Equity"), -amount)

    def _build_lists(self) -> None:
        for number, (name, days) in enumerate(TERMS, start=1):
            self.objects["Term"].append(term(head(str(number), self.list_moment()), name, days))
        for number, name in enumerate(METHODS, start=1):
            wire = payment_method(head(str(number), self.list_moment()), name, is_card=name in CARDS)
            self.objects["PaymentMethod"].append(wire)
        for kind, names, flag in (("Class", SEASONS, "SubClass"), ("Department", PLACES, "SubDepartment")):
            for number, name in enumerate(names, start=1):
                base = head(f"{number}00000000000{number}", self.list_moment())
                self.objects[kind].append(
                    {"Name": name, flag: False, "FullyQualifiedName": name, "Active": True, **base}
                )
        self._build_taxes()
        self._build_currencies()
        self._build_settings()

    def _build_currencies(self) -> None:
        """The currencies that can be chosen, the home currency not among them, and the euro's rate of every week."""
        for number, (code, name) in enumerate(CURRENCIES, start=1):
            base = head(str(number), self.list_moment())
            self.objects["CompanyCurrency"].append({"Code": code, "Name": name, "Active": True, **base})
        for week in range((self.anchor - self.opened).days // 7 + 1):
            day = self.opened + timedelta(days=7 * week)
            self.objects["ExchangeRate"].append(
                {
                    "SourceCurrencyCode": FOREIGN,
                    "TargetCurrencyCode": HOME,
                    "Rate": self.rate(FOREIGN, day),
                    "AsOfDate": day.isoformat(),
                    "MetaData": {"LastUpdatedTime": stamp(datetime.combine(day, time(17), UTC))},
                    "domain": "QBO",
                    "sparse": False,
                }
            )

    def _build_taxes(self) -> None:
        """Two agencies, a state and a city rate, a code for each and one for both; TAX and NON are the pseudo codes.

        The pseudo codes have neither Active nor SyncToken (an integrator's observation, 2026); that they have no
        MetaData either is an assumption.
        """
        rates = []
        for number, (agency, rate_name, value) in enumerate(
            [("State Tax Board", "State", Decimal("7.1")), ("City Tax Office", "City", Decimal("2"))], start=1
        ):
            self.objects["TaxAgency"].append(
                {
                    "DisplayName": agency,
                    "TaxTrackedOnSales": True,
                    "TaxTrackedOnPurchases": False,
                    **head(str(number), self.list_moment()),
                }
            )
            rate = {
                "Name": rate_name,
                "Description": f"{rate_name} sales tax",
                "Active": True,
                "RateValue": value,
                "AgencyRef": ref(str(number)),
                "SpecialTaxType": "NONE",
                "DisplayType": "ReadOnly",
                **head(str(number + 2), self.list_moment()),
            }
            rates.append(rate)
        self.objects["TaxRate"] = rates
        codes = [("2", "State and City", rates), ("3", "State only", rates[:1]), ("4", "City only", rates[1:])]
        for code_id, name, applicable in codes:
            details = [
                {
                    "TaxRateRef": ref(rate["Id"], rate["Name"]),
                    "TaxTypeApplicable": "TaxOnAmount",
                    "TaxOrder": 0,
                }
                for rate in applicable
            ]
            self.objects["TaxCode"].append(
                {
                    "Name": name,
                    "Description": name,
                    "Active": True,
                    "Taxable": True,
                    "TaxGroup": True,
                    "SalesTaxRateList": {"TaxRateDetail": details},
                    "PurchaseTaxRateList": {"TaxRateDetail": []},
                    **head(code_id, self.list_moment()),
                }
            )
        for name, is_taxable in (("TAX", True), ("NON", False)):
            self.objects["TaxCode"].append(
                {
                    "Name": name,
                    "Description": "Taxable" if is_taxable else "Not taxable",
                    "Taxable": is_taxable,
                    "TaxGroup": False,
                    "Id": name,
                    "domain": "QBO",
                    "sparse": False,
                }
            )

    def _build_settings(self) -> None:
        self.objects["CompanyInfo"].append(
            company_info("Amber Otter Trading (invented)", "US", "USA", head("1", self.list_moment()), self.opened)
        )
        self.objects["Preferences"].append(
            preferences(
                head("1", self.list_moment()),
                home_currency=HOME,
                is_multicurrency=True,
                discount_account_id=self.account("Discounts given")["Id"],
                default_term_id=str(DEFAULT_TERM + 1),
                uses_sales_tax=True,
                custom_field_name="P.O. Number",
            )
        )
