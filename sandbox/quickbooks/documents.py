"""What the service fills in and computes on a transaction: lines, tax, totals, dates, numbers, addresses.

Belongs here: the transaction itself. What it does to other objects is `books.py`. Facts: reference sections 5, 7 and
8; the defaults are those of the captured creates of 2026.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.quickbooks import books, taxes, wire
from sandbox.quickbooks.books import cents, tidy
from sandbox.quickbooks.spec import Entity
from sandbox.quickbooks.switches import Switches
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
_SALE_DEFAULTS = {"ApplyTaxAfterDiscount": False, "PrintStatus": "NeedToPrint", "EmailStatus": "NotSet"}
AMOUNT_MAX = Decimal("99999999999.99")
_NO_LINE_NUMBERS = ("Payment", "BillPayment", "JournalEntry", "Purchase", "Deposit")
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
        for name in ("TotalAmt", "Amount"):
            if name in entity.required.split():
                self._check_money(value, name)
        if "CurrencyRef" in entity.properties:
            self._currency(entity, value)
        if "Line" in entity.properties:
            self._lines(entity, value, before)
        if entity.name in SALES:
            self._sale(entity, value, before)
        elif entity.name in _COSTS:
            self._cost(entity, value, before)
        elif entity.name == "Payment":
            self._payment(value)
        elif entity.name == "BillPayment":
            self._bill_payment(value, before)
        elif entity.name in ("Deposit", "JournalEntry"):
            self._ledger_lines(entity, value)
        self._balance(entity, value, before)
        self._due_date(entity, value, given)
        if entity.name in ("Invoice", "Bill", "PurchaseOrder"):
            value.setdefault("MetaData", {})["LastModifiedByRef"] = {"value": "9130357849001217"}
        for name in entity.arrays.split():
            value.setdefault(name, [])

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

    # -- lines -------------------------------------------------------------------------------------------------------

    def _lines(self, entity: Entity, value: dict[str, Any], before: dict[str, Any] | None) -> None:
        allowed = entity.lines.split()
        known = {str(line["Id"]) for line in (before or {}).get("Line", ()) if "Id" in line}
        highest = max(
            (int(each) for each in known if each.isdigit()), default=-1 if entity.name == "JournalEntry" else 0
        )
        has_ids = entity.name not in ("Payment", "BillPayment")
        lines, used = [], set()
        for given in value.get("Line", ()):
            line = dict(given)
            kind = line.get("DetailType")
            if allowed and not kind:
                raise Refusal(
                    "2020", "Required parameter Line.DetailType is missing in the request", element="Line.DetailType"
                )
            if kind == "SubTotalLineDetail":
                continue
            if allowed and kind not in allowed:
                raise Refusal("2010", f"Property Name:Line.DetailType {kind} specified is unsupported or invalid")
            self._amount(line, kind)
            if not has_ids and not line.get("Amount"):
                continue
            if has_ids:
                own = str(line.get("Id", ""))
                if own not in known or own in used:
                    highest += 1
                    own = str(highest)
                used.add(own)
                line["Id"] = own
            self._detail(entity, line, kind)
            lines.append(line)
        if entity.allows("create") and "Line" in entity.required.split() and not lines and entity.name != "BillPayment":
            raise Refusal("2020", "Required parameter Line is missing in the request", element="Line")
        if entity.name not in _NO_LINE_NUMBERS:
            for number, line in enumerate(
                (each for each in lines if each.get("DetailType") != "DiscountLineDetail"), 1
            ):
                line["LineNum"] = number
        value["Line"] = lines

    def _amount(self, line: dict[str, Any], kind: str | None) -> None:
        detail = line.get(kind or "", {})
        if "Amount" not in line and "Qty" in detail and "UnitPrice" in detail:
            line["Amount"] = cents(Decimal(detail["Qty"]) * Decimal(detail["UnitPrice"]))
        if "Amount" not in line:
            if kind in ("DescriptionOnly", "GroupLineDetail") or detail.get("PercentBased"):
                return
            raise Refusal("2020", "Required parameter Line.Amount is missing in the request", element="Line.Amount")
        self._check_money(line, "Amount")
        if not any(Decimal(detail.get(name, 0)) for name in ("Qty", "UnitPrice")) and line["Amount"]:
            # Clients that know no "unset" send 0 for both; with an amount that means neither was meant.
            detail.pop("Qty", None)
            detail.pop("UnitPrice", None)
        if "Qty" in detail and "UnitPrice" in detail:
            product = cents(Decimal(detail["Qty"]) * Decimal(detail["UnitPrice"]))
            if product != Decimal(line["Amount"]):
                raise Refusal(
                    "6070",
                    "Amount calculation incorrect in the request. Amount is not equal to UnitPrice * Qty. "
                    f"Supplied value:{line['Amount']}",
                    element="",
                )

    def _check_money(self, value: dict[str, Any], name: str) -> None:
        """An amount that was sent: whole cents, and of a size a company has. Raises Refusal 6000."""
        if Decimal(value[name]) != cents(value[name]):
            if self.options.fine_amounts == "fault":
                raise wire.business(f"{name} {value[name]} has more than two decimals")
            value[name] = cents(value[name])
        if abs(Decimal(value[name])) > AMOUNT_MAX:
            raise wire.business(f"{name} {value[name]} is too large")

    def _detail(self, entity: Entity, line: dict[str, Any], kind: str | None) -> None:
        """Defaults of one line."""
        detail = line.get(kind or "")
        if kind == "SalesItemLineDetail" and detail is None:
            detail = line[kind] = {}
        if detail is None:
            if kind in (
                "AccountBasedExpenseLineDetail",
                "ItemBasedExpenseLineDetail",
                "DepositLineDetail",
                "JournalEntryLineDetail",
            ) and not line.get("LinkedTxn"):
                raise Refusal(
                    "2020", f"Required parameter Line.{kind} is missing in the request", element=f"Line.{kind}"
                )
            detail = {}
        is_us = self.is_us
        if kind == "SalesItemLineDetail":
            item = self.work.get("Item", detail.get("ItemRef", {}).get("value", "")) or {}
            if "IncomeAccountRef" in item:
                detail["ItemAccountRef"] = dict(item["IncomeAccountRef"])
            if is_us:
                detail.setdefault("TaxCodeRef", {"value": "NON"})
        elif kind in ("AccountBasedExpenseLineDetail", "ItemBasedExpenseLineDetail"):
            needed = "AccountRef" if kind.startswith("Account") else "ItemRef"
            if needed not in detail:
                raise Refusal(
                    "2020",
                    f"Required parameter Line.{kind}.{needed} is missing in the request",
                    element=f"Line.{kind}.{needed}",
                )
            detail.setdefault("BillableStatus", "NotBillable")
            if is_us:
                detail.setdefault("TaxCodeRef", {"value": "NON"})
        if entity.name in ("Bill", "VendorCredit"):
            line.setdefault("LinkedTxn", [])
        if entity.name not in ("Payment", "BillPayment") and kind != "DiscountLineDetail":
            line.setdefault("CustomExtensions", [])

    @property
    def is_us(self) -> bool:
        return self.company.get("Country", "US") in ("US", "USA")

    # -- totals ------------------------------------------------------------------------------------------------------

    def _sale(self, entity: Entity, value: dict[str, Any], before: dict[str, Any] | None) -> None:
        items = [line for line in value["Line"] if line.get("DetailType") != "DiscountLineDetail"]
        discounts = [line for line in value["Line"] if line.get("DetailType") == "DiscountLineDetail"]
        subtotal = sum((line.get("Amount", 0) for line in items), 0)
        for line in discounts:
            detail = line["DiscountLineDetail"] = line.get("DiscountLineDetail") or {}
            if detail.get("PercentBased"):
                line["Amount"] = cents(Decimal(subtotal) * Decimal(detail.get("DiscountPercent", 0)) / 100)
        discount = sum((line["Amount"] for line in discounts), 0)
        value["Line"] = [
            *items,
            {"Amount": subtotal, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}},
            *discounts,
        ]
        if not taxes.is_as_before(value, before):
            untaxed = Decimal(discount) if value.get("ApplyTaxAfterDiscount") else Decimal()
            taxes.compute(self.work, value, items, Decimal(subtotal), untaxed, "Sales", is_us=self.is_us)
        value["TotalAmt"] = tidy(subtotal - discount + value["TxnTaxDetail"]["TotalTax"])
        self._home_total(value)
        self._addresses(entity, value, before)
        if entity.name in ("SalesReceipt", "RefundReceipt"):
            value.setdefault("Balance", 0)
            undeposited = books.find_account(self.work, "AccountSubType", "UndepositedFunds")
            if undeposited:
                value.setdefault("DepositToAccountRef", {"value": undeposited})

    def _cost(self, entity: Entity, value: dict[str, Any], before: dict[str, Any] | None) -> None:
        total = sum((line.get("Amount", 0) for line in value["Line"]), 0)
        if not self.is_us:
            if not taxes.is_as_before(value, before):
                taxes.compute(self.work, value, value["Line"], Decimal(total), Decimal(), "Purchase", is_us=False)
            total += value["TxnTaxDetail"]["TotalTax"]
        value["TotalAmt"] = tidy(total)
        self._home_total(value)
        if entity.name == "Purchase":
            return
        vendor = self.work.get("Vendor", books.party_of(value)) or {}
        if (
            "VendorAddr" in entity.properties
            and "VendorAddr" not in value
            and vendor.get("BillAddr")
            and before is None
        ):
            value["VendorAddr"] = dict(vendor["BillAddr"])
        if entity.name in ("Bill", "VendorCredit"):
            value.setdefault("APAccountRef", {"value": books.control_account(self.work, "Accounts Payable", value)})
        if entity.name == "PurchaseOrder" and not value["TotalAmt"]:
            value["POStatus"] = "Closed"

    def _home_total(self, value: dict[str, Any]) -> None:
        if "ExchangeRate" in value:
            value["HomeTotalAmt"] = tidy(cents(Decimal(value["TotalAmt"]) * Decimal(value["ExchangeRate"])))

    def _payment(self, value: dict[str, Any]) -> None:
        if Decimal(value["TotalAmt"]) < 0:
            raise wire.business("Amount must be zero or more")
        for line in value["Line"]:
            if not line.get("LinkedTxn"):
                raise Refusal(
                    "2020", "Required parameter Line.LinkedTxn is missing in the request", element="Line.LinkedTxn"
                )
        left = books.unapplied("Payment", value)
        if left < 0 or left > Decimal(value["TotalAmt"]):
            raise wire.business(
                f"The lines apply more than the payment has: {left} would be left of {value['TotalAmt']}"
            )
        value["UnappliedAmt"] = tidy(left)
        self._home_total(value)
        undeposited = books.find_account(self.work, "AccountSubType", "UndepositedFunds")
        if undeposited and Decimal(value["TotalAmt"]):
            value.setdefault("DepositToAccountRef", {"value": undeposited})

    def _bill_payment(self, value: dict[str, Any], before: dict[str, Any] | None) -> None:
        """A line on a bill that is already paid goes; when none is left the payment is voided at once."""
        detail = {"Check": ("CheckPayment", "BankAccountRef"), "CreditCard": ("CreditCardPayment", "CCAccountRef")}.get(
            value["PayType"]
        )
        if detail is None:
            raise Refusal("2010", f"Property Name:PayType {value['PayType']} specified is unsupported or invalid")
        if detail[1] not in value.get(detail[0], {}):
            raise Refusal(
                "2020",
                f"Required parameter {detail[0]}.{detail[1]} is missing in the request",
                element=f"{detail[0]}.{detail[1]}",
            )
        if value["PayType"] == "Check":
            value["CheckPayment"].setdefault("PrintStatus", "NotSet")
        was = books.allocations(before)
        kept = []
        for line in value["Line"]:
            if not line.get("LinkedTxn"):
                raise Refusal(
                    "2020", "Required parameter Line.LinkedTxn is missing in the request", element="Line.LinkedTxn"
                )
            link = line["LinkedTxn"][0]
            bill = self.work.get("Bill", str(link.get("TxnId"))) if link.get("TxnType") == "Bill" else None
            is_paid = bill is not None and not Decimal(bill.get("Balance", 0)) and ("Bill", bill["Id"]) not in was
            if not is_paid:
                kept.append(line)
        if value["Line"] and not kept and before is None:
            value["TotalAmt"], value["PrivateNote"] = 0, voided_note(value)
        value["Line"] = kept
        left = books.unapplied("BillPayment", value)
        if left < 0 or left > Decimal(value["TotalAmt"]):
            raise wire.business(
                f"The lines apply more than the payment has: {left} would be left of {value['TotalAmt']}"
            )
        self._home_total(value)

    def _ledger_lines(self, entity: Entity, value: dict[str, Any]) -> None:
        if entity.name == "Deposit":
            value["TotalAmt"] = tidy(sum((line["Amount"] for line in value["Line"]), 0))
            value.setdefault("TxnTaxDetail", {})
            return
        debits = Decimal()
        for line in value["Line"]:
            detail = line.get("JournalEntryLineDetail") or {}
            if detail.get("PostingType") not in ("Debit", "Credit") or "AccountRef" not in detail:
                raise Refusal(
                    "2020",
                    "Required parameter Line.JournalEntryLineDetail is missing in the request",
                    element="Line.JournalEntryLineDetail",
                )
            debits += Decimal(line["Amount"]) if detail["PostingType"] == "Debit" else -Decimal(line["Amount"])
        if debits:
            raise wire.business("You must fill out at least two detail lines and debits must equal credits.")
        value["TotalAmt"] = 0
        value.setdefault("TxnTaxDetail", {})

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
        if before is not None:
            return
        customer = self.work.get("Customer", books.party_of(value)) or {}
        for name, fallback in (("BillAddr", "BillAddr"), ("ShipAddr", "ShipAddr")):
            if name not in value and customer.get(fallback):
                value[name] = dict(customer[fallback])
        value.setdefault("FreeFormAddress", True)
        own = self.company.get("CompanyAddr") or {}
        if "ShipFromAddr" in entity.properties and entity.name in ("Invoice", "CreditMemo") and own.get("Line1"):
            second = f"{own.get('City', '')}, {own.get('CountrySubDivisionCode', '')}  {own.get('PostalCode', '')}"
            value.setdefault(
                "ShipFromAddr", {"Id": self.work.store.next_id("address"), "Line1": own["Line1"], "Line2": second}
            )


def voided_note(value: dict[str, Any]) -> str:
    note = value.get("PrivateNote", "")
    return f"Voided - {note}" if note and not note.startswith("Voided") else note or "Voided"
