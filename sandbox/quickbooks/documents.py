"""What the service fills in and computes on a transaction: dates, currency, balance, due date, addresses.

Belongs here: the order of it, and what is no line or total (`lines.py`, `totals.py`, `settlements.py`). What a
transaction does to other objects is `books.py`. Facts: reference sections 5, 7 and
8; the defaults are those of the captured creates of 2026.
"""

from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from sandbox.quickbooks import books, wire
from sandbox.quickbooks.books import cents, tidy
from sandbox.quickbooks.lines import Lines
from sandbox.quickbooks.settlements import Settlements
from sandbox.quickbooks.spec import Entity
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.totals import Totals
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.work import Work

SALES = ("Invoice", "CreditMemo", "Estimate", "SalesReceipt", "RefundReceipt")
_COSTS = ("Bill", "VendorCredit", "PurchaseOrder", "Purchase")

_DEFAULTS: dict[str, dict[str, Any]] = {
    "Invoice": {
        "AllowIPNPayment": False,
        "AllowOnlinePayment": False,
        "AllowOnlineCreditCardPayment": True,
        "AllowOnlineACHPayment": True,
    },
    "Payment": {"ProcessPayment": False},
    "PurchaseOrder": {"EmailStatus": "NotSet", "POStatus": "Open"},
    "JournalEntry": {"Adjustment": False},
    "Estimate": {"TxnStatus": "Pending"},
}
_ADDRESSES = ("BillAddr", "ShipAddr", "FreeFormAddress", "ShipFromAddr")
_SHIPPED = ("Invoice", "CreditMemo", "Estimate")
_SALE_DEFAULTS = {"ApplyTaxAfterDiscount": False, "PrintStatus": "NeedToPrint", "EmailStatus": "NotSet"}
_CURRENCIES = {
    "USD": "United States Dollar",
    "EUR": "Euro",
    "GBP": "British Pound Sterling",
    "CAD": "Canadian Dollar",
    "AUD": "Australian Dollar",
    "INR": "Indian Rupee",
    "JPY": "Japanese Yen",
    "CHF": "Swiss Franc",
    "MXN": "Mexican Peso",
    "NZD": "New Zealand Dollar",
    "ZAR": "South African Rand",
    "SGD": "Singapore Dollar",
}


def defaults_of(entity: Entity) -> dict[str, Any]:
    """What a transaction of this kind has in properties nobody set, as far as it is always the same."""
    return {**(_SALE_DEFAULTS if entity.name in SALES else {}), **_DEFAULTS.get(entity.name, {})}


class Documents:
    """Completes transactions within one write."""

    def __init__(self, work: Work, options: Switches, today: date) -> None:
        self.work, self.options, self.today = work, options, today
        self.preferences = work.store.get("Preferences", "1") or {}
        self.company = work.store.get("CompanyInfo", "1") or {}

    def complete(
        self, entity: Entity, value: dict[str, Any], before: dict[str, Any] | None, given: dict[str, Any]
    ) -> None:
        """Fill and compute `value` in place. `given` is what the client sent of it. Raises Refusal."""
        for name, default in defaults_of(entity).items():
            value.setdefault(name, default)
        value.setdefault("TxnDate", self.today.isoformat())
        self._check_date(value)
        lines = Lines(self.work, self.options, is_us=self.is_us)
        for name in ("TotalAmt", "Amount"):
            if name in entity.required.split():
                lines.check_money(value, name)
        if "CurrencyRef" in entity.properties:
            self._currency(entity, value)
        if "Line" in entity.properties:
            lines.complete(entity, value, before)
        if entity.name in SALES:
            Totals(self.work, is_us=self.is_us).sale(entity, value, before)
            self._addresses(entity, value, before)
        elif entity.name in _COSTS:
            Totals(self.work, is_us=self.is_us).cost(entity, value, before)
        elif entity.name == "Payment":
            Settlements(self.work).payment(value)
        elif entity.name == "BillPayment":
            Settlements(self.work).bill_payment(value, before)
        elif entity.name in ("Deposit", "JournalEntry"):
            Settlements(self.work).ledger_lines(entity, value)
        self._balance(entity, value, before)
        self._due_date(entity, value, given)
        if entity.name in ("Invoice", "Bill", "PurchaseOrder"):
            value.setdefault("MetaData", {})["LastModifiedByRef"] = {"value": "9130357849001217"}
        if entity.name in SALES:
            self._custom_fields(value, before or {})
        for name in entity.arrays.split():
            value.setdefault(name, [])

    def _custom_fields(self, value: dict[str, Any], before: dict[str, Any]) -> None:
        """Every custom field in use is shown, without a value where none is set, as captured on a new and a fully
        updated document (minimul/qbo_api, spec/vcr/create/invoice.yml and update/sales_receipt.yml, 2020-09-29).
        """
        given = {str(each.get("DefinitionId")): each for each in value.get("CustomField", ())}
        shown = {each["DefinitionId"]: each.get("Name", "") for each in before.get("CustomField", ())}
        for number, name in {**shown, **self.sales_fields}.items():
            known = {"DefinitionId": number, "Name": name, "Type": "StringType"}
            given[number] = {**known, **given.get(number, {})}
        value["CustomField"] = [given[number] for number in sorted(given)]

    @cached_property
    def sales_fields(self) -> dict[str, str]:
        """The names of the sales forms' custom fields in use, by DefinitionId (Preferences.SalesFormsPrefs)."""
        groups = (self.preferences.get("SalesFormsPrefs") or {}).get("CustomField") or ()
        entries = {each.get("Name", ""): each for group in groups for each in group.get("CustomField", ())}
        found = {}
        for number in ("1", "2", "3"):
            name = entries.get(f"SalesFormsPrefs.SalesCustomName{number}", {}).get("StringValue")
            if name and entries.get(f"SalesFormsPrefs.UseSalesCustom{number}", {}).get("BooleanValue"):
                found[number] = name
        return found

    def _check_date(self, value: dict[str, Any]) -> None:
        try:
            date.fromisoformat(value["TxnDate"][:10])
        except ValueError:
            raise Refusal(
                "2010", f"Property Name:TxnDate {value['TxnDate']} specified is unsupported or invalid"
            ) from None
        value["TxnDate"] = value["TxnDate"][:10]
        self.check_open(value)

    def check_open(self, value: dict[str, Any]) -> None:
        """Raises Refusal 6210 when the transaction's date lies in the closed books."""
        closed = (self.preferences.get("AccountingInfoPrefs") or {}).get("BookCloseDate")
        if closed and value.get("TxnDate", closed) <= closed:
            raise Refusal(
                "6210",
                "The account period has closed and the account books cannot be updated through the QBO Services API. "
                f"{closed}",
            )

    # -- currency ----------------------------------------------------------------------------------------------------

    @property
    def home(self) -> str:
        return (self.preferences.get("CurrencyPrefs") or {}).get("HomeCurrency", {}).get("value", "USD")

    def currency(self, code: str) -> dict[str, str]:
        """The reference to a currency, with its name."""
        for key in self.work.store.tables["CompanyCurrency"].equal("Code", code):
            return {"value": code, "name": str((self.work.get("CompanyCurrency", key) or {}).get("Name", code))}
        return {"value": code, "name": _CURRENCIES.get(code, code)}

    def _currency(self, entity: Entity, value: dict[str, Any]) -> None:
        party = (
            self.work.get("Customer" if entity.party == "CustomerRef" else "Vendor", books.party_of(value))
            if entity.party
            else None
        )
        expected = ((party or {}).get("CurrencyRef") or {}).get("value")
        code = value.get("CurrencyRef", {}).get("value") or expected or self.home
        is_multi = (self.preferences.get("CurrencyPrefs") or {}).get("MultiCurrencyEnabled", False)
        if expected and code != expected:
            raise wire.business(
                "The currency of the transaction is invalid for customer / vendor / account: "
                f"{code} instead of {expected}."
            )
        if code != self.home and not is_multi:
            raise wire.business(f"Multicurrency is not enabled, the transaction is in {code}.")
        value["CurrencyRef"] = self.currency(code)
        if is_multi:
            value.setdefault("ExchangeRate", self.rate(code, value["TxnDate"]))

    def rate(self, code: str, day: str) -> Decimal | int:
        """Home units per unit of `code` on a day: the newest known rate not after it, else the oldest, else 1."""
        if code == self.home:
            return 1
        known = sorted(
            (found.get("AsOfDate", ""), found["Rate"])
            for found in map(wire.decode, self.work.store.objects("ExchangeRate"))
            if found.get("SourceCurrencyCode") == code
        )
        until = [rate for as_of, rate in known if as_of <= day]
        return until[-1] if until else known[0][1] if known else 1

    @property
    def is_us(self) -> bool:
        return self.company.get("Country", "US") in ("US", "USA")

    def _balance(self, entity: Entity, value: dict[str, Any], before: dict[str, Any] | None) -> None:
        """Open balance of a new or changed document:
        what was paid of it before stays paid, as far as the new total allows.
        """
        if entity.name not in ("Invoice", "CreditMemo", "Bill", "VendorCredit"):
            return
        paid = Decimal()
        if before is not None:
            paid = Decimal(before.get("TotalAmt", 0)) - books.open_balance(entity.name, before)
        balance = value["TotalAmt"] - paid if paid else value["TotalAmt"]
        books.set_balance(entity.name, value, balance)
        if "ExchangeRate" in value and entity.name in ("Invoice", "Bill"):
            value["HomeBalance"] = tidy(cents(Decimal(balance) * Decimal(value["ExchangeRate"])))

    def _due_date(self, entity: Entity, value: dict[str, Any], given: dict[str, Any]) -> None:
        if entity.name not in ("Invoice", "Bill") or "DueDate" in given:
            return
        if "DueDate" in value and not {"SalesTermRef", "TxnDate"} & set(given):
            return
        term = value.get("SalesTermRef")
        if term is None and entity.name == "Invoice":
            term = (self.preferences.get("SalesFormsPrefs") or {}).get("DefaultTerms")
        found = self.work.get("Term", term["value"]) if term else None
        days = int((found or {}).get("DueDays", 0))
        value["DueDate"] = (date.fromisoformat(value["TxnDate"]) + timedelta(days=days)).isoformat()

    def _addresses(self, entity: Entity, value: dict[str, Any], before: dict[str, Any] | None) -> None:
        """Addresses nobody sent; a full update that leaves them out gets them anew, as NangoHQ/integration-templates
        captured it (update-credit-memo, 2026-05-05), an update of a document without them none.
        """
        missing = [name for name in _ADDRESSES if name not in value and (before is None or name in before)]
        customer = self.work.get("Customer", books.party_of(value)) or {}
        for name in ("BillAddr", "ShipAddr"):
            if name in missing and customer.get(name):
                value[name] = dict(customer[name])
        if "FreeFormAddress" in missing:
            value["FreeFormAddress"] = True
        own = self.company.get("CompanyAddr") or {}
        if "ShipFromAddr" in missing and entity.name in _SHIPPED and own.get("Line1"):
            second = f"{own.get('City', '')}, {own.get('CountrySubDivisionCode', '')}  {own.get('PostalCode', '')}"
            value.setdefault(
                "ShipFromAddr", {"Id": self.work.store.next_id("address"), "Line1": own["Line1"], "Line2": second}
            )
