"""Eighteen months of one organisation: who buys and sells what, and what becomes of each document.

Belongs here: the events and their chances. Each is carried out by the simulator's own writers (`diary.py`), so
the books balance by the same rules as everywhere.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from sandbox.xero import allocations, lists
from sandbox.xero.demo import names
from sandbox.xero.demo.diary import Diary, Wire, present
from sandbox.xero.store import Books

CUSTOMERS, SUPPLIERS, ITEMS = 90, 45, 60
INVOICES, BILLS, ORDERS, OVERPAID = 620, 220, 36, 12
REGIONS = ("North", "South", "Harbour")


class Story:
    """All that happens, decided by one source of chance."""

    def __init__(self, books: Books, chance: Random, first: date, last: date) -> None:
        self.diary, self.chance = Diary(books, chance), chance
        self.first, self.last = first, last
        self.customers: list[str] = []
        self.suppliers: list[str] = []
        self.foreign: set[str] = set()
        self.idle: list[str] = []
        self.codes: list[str] = []

    def tell(self) -> None:
        begin = datetime(self.first.year, self.first.month, self.first.day, 8, tzinfo=UTC)
        self.diary.now = begin
        self._settings()
        self._parties()
        self._items()
        for count, do in (
            (INVOICES, self._invoice),
            (BILLS, self._bill),
            (ORDERS, self._order),
            (OVERPAID, self._overpaid),
        ):
            for _ in range(count):
                days = 1 + self.chance.randrange((self.last - self.first).days - 1)
                at = begin + timedelta(days=days, seconds=self.chance.randrange(36_000))
                self.diary.plan(at, do)
        self.diary.live(datetime(self.last.year, self.last.month, self.last.day, 20, tzinfo=UTC))
        self._archive()

    # -- what is there from the beginning ----------------------------------------------------------------------------

    def _settings(self) -> None:
        self.diary.create("Currencies", {"Code": "EUR"})
        category = self.diary.create("TrackingCategories", {"Name": "Region"})
        for name in REGIONS:
            self.diary.run(
                lambda work, name=name: lists.save_option(
                    work, present(work, "TrackingCategories", category["TrackingCategoryID"]), None, {"Name": name}
                )
            )

    def _parties(self) -> None:
        for number, name in enumerate(names.parties(self.chance, CUSTOMERS + SUPPLIERS)):
            more: Wire = {}
            if number % 3:
                more["EmailAddress"] = f"accounts{number}@example.com"
            if number % 4 == 0:
                more["ContactNumber"] = f"C{number:04d}"
            if number % 5 == 0:
                more["Addresses"] = [
                    {"AddressType": "POBOX", "AddressLine1": f"{number} Sample Street", "City": "Testburg"}
                ]
            self.diary.now += timedelta(minutes=3)
            key = self.diary.create("Contacts", {"Name": name, **more})["ContactID"]
            if number % 33 == 32:
                self.idle.append(key)
                continue
            (self.customers if number % 3 else self.suppliers).append(key)
            if number % 7 == 3:
                self.foreign.add(key)

    def _items(self) -> None:
        for number, name in enumerate(names.goods(self.chance, ITEMS), 1):
            price = Decimal(self.chance.randrange(300, 45_000)) / 100
            cost = (price * Decimal("0.55")).quantize(Decimal("0.01"))
            body = {
                "Code": f"P-{number:03d}",
                "Name": name,
                "Description": f"{name}, hand finished",
                "PurchaseDescription": name,
                "SalesDetails": {"UnitPrice": price, "AccountCode": "200", "TaxType": "OUTPUT"},
                "PurchaseDetails": {"UnitPrice": cost, "AccountCode": "300", "TaxType": "INPUT"},
            }
            self.diary.now += timedelta(minutes=2)
            self.codes.append(self.diary.create("Items", body)["Code"])

    # -- documents ---------------------------------------------------------------------------------------------------

    def _lines(self, account: str) -> list[Wire]:
        found = []
        for _ in range(self.chance.choice((1, 1, 2, 3, 4, 6))):
            line: Wire = {"ItemCode": self.chance.choice(self.codes), "Quantity": Decimal(self.chance.randrange(1, 13))}
            if account == "200" and self.chance.random() < 0.1:
                line["DiscountRate"] = Decimal(self.chance.choice((5, 10, 15)))
            if self.chance.random() < 0.3:
                line["Tracking"] = [{"Name": "Region", "Option": self.chance.choice(REGIONS)}]
            found.append(line)
        if account != "200" and self.chance.random() < 0.4:
            amount = Decimal(self.chance.randrange(1500, 90_000)) / 100
            code = self.chance.choice(("400", "425", "429", "445", "453", "469"))
            found = [{"Description": "As agreed", "UnitAmount": amount, "AccountCode": code, "TaxType": "INPUT"}]
        return found

    def _body(self, party: str, account: str, kind: str) -> Wire:
        day = self.diary.now.date()
        body: Wire = {
            "Type": kind,
            "Contact": {"ContactID": party},
            "Date": day,
            "DueDate": day + timedelta(days=self.chance.choice((14, 20, 30, 30, 60))),
            "Status": "AUTHORISED",
            "LineAmountTypes": self.chance.choice(("Exclusive", "Exclusive", "Inclusive")),
            "LineItems": self._lines(account),
        }
        if party in self.foreign:
            rate = Decimal("0.92") + Decimal(self.chance.randrange(-400, 401)) / 10_000
            body |= {"CurrencyCode": "EUR", "CurrencyRate": rate}
        return body

    def _invoice(self) -> None:
        body = self._body(self.chance.choice(self.customers), "200", "ACCREC")
        fate = self.chance.random()
        if fate < 0.06:
            body["Status"] = self.chance.choice(("DRAFT", "SUBMITTED"))
        made = self.diary.create("Invoices", {**body, "Reference": f"Order {self.chance.randrange(1000, 9999)}"})
        key = made["InvoiceID"]
        if fate < 0.06:
            if fate < 0.02:
                self.diary.later(3, lambda: self._end(key, "DELETED"))
        elif fate < 0.09:
            self.diary.later(2, lambda: self._end(key, "VOIDED"))
        elif fate < 0.15:
            self.diary.later(9, lambda: self._credit(key, "ACCRECCREDIT"))
        elif fate < 0.80:
            self.diary.later(self.chance.randrange(5, 55), lambda: self._pay(key, self.chance.random() < 0.15))

    def _bill(self) -> None:
        body = self._body(self.chance.choice(self.suppliers), "429", "ACCPAY")
        key = self.diary.create("Invoices", {**body, "InvoiceNumber": f"S{self.chance.randrange(10_000, 99_999)}"})[
            "InvoiceID"
        ]
        fate = self.chance.random()
        if fate < 0.08:
            self.diary.later(9, lambda: self._credit(key, "ACCPAYCREDIT"))
        elif fate < 0.55:
            self.diary.later(self.chance.randrange(10, 45), lambda: self._pay(key, False))
        elif fate < 0.80:
            self.diary.later(self.chance.randrange(20, 30), lambda: self._pay_all(key))

    def _of(self, party: str) -> list[Wire]:
        """The invoices and bills of one contact."""
        keys = self.diary.books.tables["Invoices"].equal("Contact.ContactID", party)
        return [self.diary.get("Invoices", key) for key in sorted(keys)]

    def _end(self, key: str, status: str) -> None:
        if self.diary.get("Invoices", key)["Status"] in ("DRAFT", "SUBMITTED", "AUTHORISED"):
            self.diary.change("Invoices", key, {"Status": status})

    def _pay(self, key: str, in_part: bool) -> None:
        found = self.diary.get("Invoices", key)
        if found["Status"] != "AUTHORISED" or not found["AmountDue"]:
            return
        amount = (found["AmountDue"] / 2).quantize(Decimal("0.01")) if in_part else found["AmountDue"]
        body: Wire = {
            "Invoice": {"InvoiceID": key},
            "Account": {"Code": "090"},
            "Date": self.diary.now.date(),
            "Amount": amount,
            "Reference": f"Transfer {self.chance.randrange(100_000, 999_999)}",
        }
        if found["CurrencyCode"] == "EUR":
            body["CurrencyRate"] = found["CurrencyRate"] + Decimal(self.chance.randrange(-150, 151)) / 10_000
        self.diary.create("Payments", body)
        if in_part and self.chance.random() < 0.5:
            self.diary.later(20, lambda: self._pay(key, False))

    def _pay_all(self, key: str) -> None:
        """One line at the bank for all open bills in the organisation's currency of one supplier."""
        found = self._of(self.diary.get("Invoices", key)["Contact"]["ContactID"])
        parts = [
            {"Invoice": {"InvoiceID": each["InvoiceID"]}, "Amount": each["AmountDue"]}
            for each in found
            if (each["Type"], each["Status"], each["CurrencyCode"]) == ("ACCPAY", "AUTHORISED", "USD")
            and each["AmountDue"]
        ]
        if parts:
            self.diary.create(
                "BatchPayments", {"Account": {"Code": "090"}, "Date": self.diary.now.date(), "Payments": parts}
            )

    def _credit(self, key: str, kind: str) -> None:
        """Part of an invoice is credited, and used on it at once or never."""
        found = self.diary.get("Invoices", key)
        if found["Status"] != "AUTHORISED":
            return
        account = "200" if kind == "ACCRECCREDIT" else "429"
        amount = (found["SubTotal"] / self.chance.choice((2, 3, 4))).quantize(Decimal("0.01"))
        line = {"Description": "Returned", "UnitAmount": amount, "AccountCode": account}
        body = {**self._body(found["Contact"]["ContactID"], account, kind), "LineAmountTypes": "Exclusive"}
        body["LineItems"] = [{**line, "TaxType": "OUTPUT" if account == "200" else "INPUT"}]
        credit = self.diary.create("CreditNotes", {**body, "Reference": found.get("InvoiceNumber", "")})
        if self.chance.random() < 0.7:
            self._use("CreditNotes", credit["CreditNoteID"], key)

    def _use(self, resource: str, credit: str, key: str) -> None:
        left = self.diary.get(resource, credit)["RemainingCredit"]
        amount = min(left, self.diary.get("Invoices", key)["AmountDue"])
        body = {"Amount": amount, "Date": self.diary.now.date(), "Invoice": {"InvoiceID": key}}
        self.diary.run(lambda work: allocations.create(work, resource, present(work, resource, credit), body))

    def _use_somewhere(self, resource: str, credit: str) -> None:
        """A credit is used on an open invoice of its contact, if there is one."""
        party = self.diary.get(resource, credit)["Contact"]["ContactID"]
        for found in self._of(party):
            if (found["Type"], found["Status"]) == ("ACCREC", "AUTHORISED") and found["AmountDue"]:
                self._use(resource, credit, found["InvoiceID"])
                return

    def _overpaid(self) -> None:
        party = self.chance.choice([each for each in self.customers if each not in self.foreign])
        amount = Decimal(self.chance.randrange(1000, 30_000)) / 100
        kind = self.chance.choice(("RECEIVE-OVERPAYMENT", "RECEIVE-PREPAYMENT", "SPEND", "RECEIVE"))
        body = {
            "Type": kind,
            "Contact": {"ContactID": party},
            "BankAccount": {"Code": "090"},
            "Date": self.diary.now.date(),
        }
        line = {"Description": "Paid in", "UnitAmount": amount, "AccountCode": "260", "TaxType": "NONE"}
        made = self.diary.create("BankTransactions", {**body, "LineItems": [line]})
        for resource, key in (("Overpayments", "OverpaymentID"), ("Prepayments", "PrepaymentID")):
            if key in made and self.chance.random() < 0.7:
                self.diary.later(6, lambda resource=resource, credit=made[key]: self._use_somewhere(resource, credit))

    def _order(self) -> None:
        body = self._body(self.chance.choice(self.suppliers), "300", "PURCHASEORDER")
        del body["DueDate"]
        body["Status"] = self.chance.choice(("DRAFT", "SUBMITTED", "AUTHORISED", "AUTHORISED", "AUTHORISED"))
        body["DeliveryDate"] = self.diary.now.date() + timedelta(days=14)
        made = self.diary.create("PurchaseOrders", body)
        ends = {"AUTHORISED": "BILLED", "DRAFT": "DELETED"}
        if made["Status"] in ends and self.chance.random() < 0.5:
            key, status = made["PurchaseOrderID"], ends[made["Status"]]
            self.diary.later(12, lambda: self.diary.change("PurchaseOrders", key, {"Status": status}))

    def _archive(self) -> None:
        """Contacts nothing was ever written to are archived."""
        for key in self.idle:
            self.diary.change("Contacts", key, {"ContactStatus": "ARCHIVED"})
