"""The books of the simulated company balance after any sequence of operations.

Random people create, change, pay, void and delete; afterwards every invariant of the published sample company must
hold, computed here anew from the documents.
"""

import random
from collections import defaultdict
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.quickbooks import reports, wire
from sandbox.quickbooks.entries import cents
from sandbox.quickbooks.reports.position import Company as Position
from sandbox.quickbooks.spec import BY_NAME
from tests.sandbox.quickbooks.company import Company

AMOUNTS = st.decimals(min_value="0.01", max_value="999.99", places=2)
CHOICES = st.integers(min_value=0, max_value=50)
KINDS = (
    "invoice",
    "credit memo",
    "payment",
    "apply credit",
    "bill",
    "vendor credit",
    "bill payment",
    "purchase order",
    "bill from order",
    "change invoice",
    "change bill",
    "change payment",
    "change credit memo",
    "void",
    "delete",
    "note",
    "deposit",
    "sales receipt",
    "refund",
    "purchase",
    "stock bill",
    "stock invoice",
    "journal entry",
    "receivable by journal",
    "transfer",
    "card payment",
    "income banked",
    "invoice from estimate",
)
DAYS = ("2026-11-21", "2026-11-21", "2026-11-02", "2026-10-15", "2025-12-30")
"""Documents are dated on a few days of two fiscal years; the clock stands on the first."""
OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        CHOICES,
        CHOICES,
        AMOUNTS,
    ),
    min_size=1,
    max_size=25,
)


EUROS = {"Id": "1", "sparse": True, "CurrencyPrefs": {"MultiCurrencyEnabled": True}}
START = 5
STOCK = {
    "Name": "Pump",
    "Type": "Inventory",
    "TrackQtyOnHand": True,
    "QtyOnHand": START,
    "PurchaseCost": Decimal("2.50"),
    "InvStartDate": "2025-01-01",
    "IncomeAccountRef": {"value": "79"},
    "ExpenseAccountRef": {"value": "80"},
    "AssetAccountRef": {"value": "81"},
}


@cache
def beginning() -> dict[str, list[msgspec.Raw]]:
    """The company every sequence begins with, made once through the API."""
    company = Company()
    company.post("Preferences", EUROS | {"SyncToken": "0"})
    company.item()
    company.post("Item", STOCK)
    first, _ = (company.customer(f"Customer {n}") for n in range(2))
    company.customer("Job", ParentRef={"value": first}, Job=True)
    company.customer("Kunde", CurrencyRef={"value": "EUR"})
    for n in range(2):
        company.vendor(f"Vendor {n}")
    company.vendor("Lieferant", CurrencyRef={"value": "EUR"})
    return msgspec.json.decode(b"".join(company.erp.state(None)), type=dict[str, list[msgspec.Raw]])


class Bookkeeper:
    """Carries out operations; one that the service refuses must leave everything as it was."""

    def __init__(self) -> None:
        self.company = Company()
        self.company.erp.load(beginning())
        self.item, self.stock = (self.key("Item", name) for name in ("Design", "Pump"))
        self.customers = [self.key("Customer", name) for name in ("Customer 0", "Customer 1", "Job", "Kunde")]
        self.vendors = [self.key("Vendor", name) for name in ("Vendor 0", "Vendor 1", "Lieferant")]
        self.day = DAYS[0]

    def key(self, entity: str, name: str) -> str:
        (found,) = [each["Id"] for each in self.all(entity) if name in (each.get("Name"), each.get("DisplayName"))]
        return found

    def all(self, entity: str) -> list[dict[str, Any]]:
        return [wire.decode(raw) for raw in self.company.erp.store.objects(entity)]

    def pick(self, entity: str, choice: int) -> dict[str, Any] | None:
        found = self.all(entity)
        return found[choice % len(found)] if found else None

    def attempt(self, entity: str, body: dict[str, Any], query: str = "") -> None:
        if not query and "Id" not in body:
            body = {"TxnDate": self.day, **body}
        before = self.versions()
        status, answer = self.company.call("POST", f"/{BY_NAME[entity].path}{query}", body)
        assert status == 200 or self.versions() == before, answer

    def versions(self) -> list[int]:
        """What no refused write may move: every change of a table has a number of its own."""
        return [table.version for table in self.company.erp.store.tables.values()]

    def sale_line(self, amount: Decimal, taxed: bool) -> dict[str, Any]:
        code = {"TaxCodeRef": {"value": "TAX"}} if taxed else {}
        detail = {"ItemRef": {"value": self.item}, **code}
        return {"Amount": amount, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}

    def cost_line(self, amount: Decimal) -> dict[str, Any]:
        detail = {"AccountRef": {"value": "7"}}
        return {
            "Amount": amount,
            "DetailType": "AccountBasedExpenseLineDetail",
            "AccountBasedExpenseLineDetail": detail,
        }

    def stock_line(self, kind: str, quantity: int) -> dict[str, Any]:
        detail = {"ItemRef": {"value": self.stock}, "Qty": quantity, "UnitPrice": Decimal("3.10")}
        return {"Amount": quantity * Decimal("3.10"), "DetailType": kind, kind: detail}

    def rate(self, party: dict[str, str], second: int) -> dict[str, Any]:
        """A document with the last customer or vendor is in euros, at one of a few rates."""
        is_euro = party["value"] in (self.customers[-1], self.vendors[-1])
        return {"ExchangeRate": Decimal("1.05") + Decimal(second % 5) / 100} if is_euro else {}

    def do(self, operation: str, first: int, second: int, amount: Decimal) -> None:
        self.day = DAYS[(first + second) % len(DAYS)]
        if self.do_more(operation, first, second, amount):
            return
        customer = {"value": self.customers[first % len(self.customers)]}
        vendor = {"value": self.vendors[first % len(self.vendors)]}
        tax = {"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}}}
        invoice, bill = self.pick("Invoice", second), self.pick("Bill", second)
        if operation in ("invoice", "credit memo"):
            entity = "Invoice" if operation == "invoice" else "CreditMemo"
            lines = [self.sale_line(amount, first % 2 == 0), self.sale_line(Decimal("10.00"), True)]
            body = {"CustomerRef": customer, "Line": lines, **(tax if second % 2 else {})}
            self.attempt(entity, {**body, **self.rate(customer, second)})
        elif operation == "payment" and invoice:
            part = min(amount, Decimal(invoice["Balance"])) if first % 3 else amount
            line = {"Amount": part, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
            body = {"CustomerRef": invoice["CustomerRef"], "TotalAmt": amount, "Line": [line] if first % 4 else []}
            self.attempt("Payment", {**body, **self.rate(invoice["CustomerRef"], first)})
        elif operation == "apply credit" and invoice and (memo := self.pick("CreditMemo", first)):
            links = (("Invoice", invoice["Id"]), ("CreditMemo", memo["Id"]))
            part = min(amount, Decimal(invoice["Balance"]), Decimal(memo["RemainingCredit"]))
            lines = [{"Amount": part, "LinkedTxn": [{"TxnId": key, "TxnType": kind}]} for kind, key in links]
            self.attempt("Payment", {"CustomerRef": memo["CustomerRef"], "TotalAmt": 0, "Line": lines})
        elif operation in ("bill", "vendor credit"):
            entity = "Bill" if operation == "bill" else "VendorCredit"
            self.attempt(entity, {"VendorRef": vendor, "Line": [self.cost_line(amount)], **self.rate(vendor, second)})
        elif operation == "bill payment" and bill:
            part = min(amount, Decimal(bill["Balance"])) if first % 3 else amount
            line = {"Amount": part, "LinkedTxn": [{"TxnId": bill["Id"], "TxnType": "Bill"}]}
            bank = {"PayType": "Check", "CheckPayment": {"BankAccountRef": {"value": "35"}}}
            body = {"VendorRef": bill["VendorRef"], "TotalAmt": amount, "Line": [line], **bank}
            self.attempt("BillPayment", {**body, **self.rate(bill["VendorRef"], first)})
        elif operation == "purchase order":
            lines = [self.cost_line(amount), self.cost_line(Decimal("5.00"))]
            self.attempt("PurchaseOrder", {"VendorRef": vendor, "APAccountRef": {"value": "33"}, "Line": lines})
        elif operation == "bill from order" and (order := self.pick("PurchaseOrder", first)):
            numbers = [line["Id"] for line in order["Line"]][: 1 + second % 2]
            lines = [
                {**self.cost_line(line["Amount"]), "LinkedTxn": [_order_link(order, line)]}
                for line in order["Line"]
                if line["Id"] in numbers
            ]
            self.attempt("Bill", {"VendorRef": order["VendorRef"], "Line": lines})
        elif operation.startswith("change "):
            entity = {"invoice": "Invoice", "bill": "Bill", "payment": "Payment", "credit memo": "CreditMemo"}[
                operation[7:]
            ]
            if present := self.pick(entity, second):
                self.attempt(entity, {**address(present), "sparse": True, **self.changes(entity, present, amount)})
        elif operation in ("void", "delete", "note"):
            entity = TOUCHED[first % len(TOUCHED)]
            present = self.pick(entity, second)
            if present and operation == "note":
                self.attempt(
                    entity, {**address(present), "sparse": True, "PrivateNote": f"{amount}", **vendor_of(present)}
                )
            elif present:
                self.attempt(entity, address(present), f"?operation={operation}")
        elif operation == "deposit" and (payment := self.pick("Payment", first)):
            line = {
                "Amount": payment["TotalAmt"],
                "LinkedTxn": [{"TxnId": payment["Id"], "TxnType": "Payment", "TxnLineId": "0"}],
            }
            self.attempt("Deposit", {"DepositToAccountRef": {"value": "35"}, "Line": [line]})

    def do_more(self, operation: str, first: int, second: int, amount: Decimal) -> bool:
        """The operations on everything that is neither receivable nor payable; False for the others."""
        customer = {"value": self.customers[first % 3]}
        tax = {"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}}} if second % 2 else {}
        quantity = 1 + second % 7
        if operation in ("sales receipt", "refund"):
            entity = "SalesReceipt" if operation == "sales receipt" else "RefundReceipt"
            lines = [self.sale_line(amount, True), self.stock_line("SalesItemLineDetail", quantity)]
            into = {"DepositToAccountRef": {"value": "4" if entity == "SalesReceipt" else "35"}}
            self.attempt(entity, {"CustomerRef": customer, "Line": lines, **into, **tax})
        elif operation == "purchase":
            lines = [self.cost_line(amount), self.stock_line("ItemBasedExpenseLineDetail", quantity)]
            body = {"AccountRef": {"value": "41"}, "PaymentType": "CreditCard", "Credit": second % 4 == 3}
            self.attempt("Purchase", {**body, "Line": lines})
        elif operation == "stock bill":
            lines = [self.stock_line("ItemBasedExpenseLineDetail", quantity)]
            entity = "VendorCredit" if first % 5 == 4 else "Bill"
            self.attempt(entity, {"VendorRef": {"value": self.vendors[first % 2]}, "Line": lines})
        elif operation == "stock invoice":
            entity = "CreditMemo" if first % 5 == 4 else "Invoice"
            lines = [self.stock_line("SalesItemLineDetail", quantity)]
            self.attempt(entity, {"CustomerRef": customer, "Line": lines, **tax})
        elif operation in ("journal entry", "receivable by journal"):
            other = {"Type": "Customer", "EntityRef": customer} if operation != "journal entry" else None
            lines = [journal_line("Debit", "84" if other else "7", amount, other if second % 6 else None)]
            self.attempt("JournalEntry", {"Line": [*lines, journal_line("Credit", "35", amount)]})
        elif operation == "transfer":
            accounts = {"FromAccountRef": {"value": "35"}, "ToAccountRef": {"value": "36"}}
            self.attempt("Transfer", {"Amount": amount, **accounts})
        elif operation == "card payment":
            accounts = {"BankAccountRef": {"value": "35"}, "CreditCardAccountRef": {"value": "41"}}
            self.attempt("CreditCardPaymentTxn", {"Amount": amount, **accounts})
        elif operation == "income banked":
            detail = {"AccountRef": {"value": "79"}}
            line = {"Amount": amount + 1, "DetailType": "DepositLineDetail", "DepositLineDetail": detail}
            body = {"DepositToAccountRef": {"value": "35"}, "Line": [line]}
            self.attempt("Deposit", {**body, "CashBack": {"AccountRef": {"value": "36"}, "Amount": amount}})
        elif operation == "invoice from estimate":
            lines = [self.sale_line(amount, False)]
            self.attempt("Estimate", {"CustomerRef": customer, "Line": lines})
            estimate = self.pick("Estimate", second)
            if estimate:
                link = {"LinkedTxn": [{"TxnId": estimate["Id"], "TxnType": "Estimate"}]}
                self.attempt("Invoice", {"CustomerRef": estimate["CustomerRef"], "Line": lines, **link})
        else:
            return False
        return True

    def changes(self, entity: str, present: dict[str, Any], amount: Decimal) -> dict[str, Any]:
        if entity == "Payment":
            return {"TotalAmt": amount}
        if entity == "Bill":
            return {"VendorRef": present["VendorRef"], "Line": [self.cost_line(amount)]}
        return {"Line": [self.sale_line(amount, True)]}


TOUCHED = (
    "Invoice",
    "Payment",
    "Bill",
    "BillPayment",
    "CreditMemo",
    "PurchaseOrder",
    "SalesReceipt",
    "Purchase",
    "JournalEntry",
    "CreditCardPaymentTxn",
)


def journal_line(side: str, account: str, amount: Decimal, who: dict[str, Any] | None = None) -> dict[str, Any]:
    detail = {"PostingType": side, "AccountRef": {"value": account}, **({"Entity": who} if who else {})}
    return {"Amount": amount, "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": detail}


def _order_link(order: dict[str, Any], line: dict[str, Any]) -> dict[str, str]:
    return {"TxnId": order["Id"], "TxnType": "PurchaseOrder", "TxnLineId": line["Id"]}


def address(present: dict[str, Any]) -> dict[str, str]:
    return {"Id": present["Id"], "SyncToken": present["SyncToken"]}


def vendor_of(present: dict[str, Any]) -> dict[str, Any]:
    return {name: present[name] for name in ("VendorRef", "CustomerRef") if name in present}


def applied(payments: list[dict[str, Any]]) -> dict[tuple[str, str], Decimal]:
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for payment in payments:
        for line in payment["Line"]:
            link = line["LinkedTxn"][0]
            found[(link["TxnType"], link["TxnId"])] += Decimal(line["Amount"])
    return found


def check(books: Bookkeeper) -> None:
    """All invariants, from the documents alone."""
    payments, bill_payments = books.all("Payment"), books.all("BillPayment")
    paid = {**applied(payments), **applied(bill_payments)}
    customers: dict[str, Decimal] = defaultdict(Decimal)
    vendors: dict[str, Decimal] = defaultdict(Decimal)
    for entity, sign in (("Invoice", 1), ("CreditMemo", -1), ("Bill", 1), ("VendorCredit", -1)):
        for each in books.all(entity):
            balance = Decimal(each["Balance"])
            assert balance == Decimal(each["TotalAmt"]) - paid.pop((entity, each["Id"]), Decimal()), each
            assert 0 <= balance <= Decimal(each["TotalAmt"])
            assert entity != "CreditMemo" or balance == each["RemainingCredit"]
            lines = [line for line in each["Line"] if line["DetailType"] != "SubTotalLineDetail"]
            tax = Decimal(each.get("TxnTaxDetail", {}).get("TotalTax", 0))
            assert Decimal(each["TotalAmt"]) == sum(Decimal(line["Amount"]) for line in lines) + tax
            if "CustomerRef" in each:
                customers[each["CustomerRef"]["value"]] += sign * balance
            else:
                vendors[each["VendorRef"]["value"]] += sign * balance
    assert not any(paid.values()), f"paid, but not there: {paid}"
    for payment in payments:
        left = Decimal(payment["TotalAmt"])
        for line in payment["Line"]:
            kind = line["LinkedTxn"][0]["TxnType"]
            left += Decimal(line["Amount"]) * (1 if kind == "CreditMemo" else -1)
        assert left == payment["UnappliedAmt"] and left >= 0
        customers[payment["CustomerRef"]["value"]] -= left
    for payment in bill_payments:
        pays = sum((Decimal(line["Amount"]) for line in payment["Line"]), Decimal())
        vendors[payment["VendorRef"]["value"]] -= Decimal(payment["TotalAmt"]) - pays
    for entry in books.all("JournalEntry"):
        for line in entry["Line"]:
            detail = line["JournalEntryLineDetail"]
            if "Entity" in detail:
                customers[detail["Entity"]["EntityRef"]["value"]] += Decimal(line["Amount"])
    check_parties(books, customers, vendors)
    check_accounts(books)
    check_links(books)
    check_stock(books)
    # Today and one day in between, another one after another number of operations.
    for day in {DAYS[0], DAYS[1 + len(books.all("Invoice")) % 4]}:
        check_reports(books, day)


def check_parties(books: Bookkeeper, customers: dict[str, Decimal], vendors: dict[str, Decimal]) -> None:
    accounts = {account["Id"]: account for account in books.all("Account")}
    for customer in books.all("Customer"):
        assert Decimal(customer["Balance"]) == customers[customer["Id"]], customer["DisplayName"]
        jobs = [key for key in books.customers[2:3] if customer["Id"] == books.customers[0]]
        total = customers[customer["Id"]] + sum(customers[key] for key in jobs)
        assert Decimal(customer["BalanceWithJobs"]) == total, customer["DisplayName"]
        assert customer["SyncToken"] == "0"
    for vendor in books.all("Vendor"):
        assert Decimal(vendor["Balance"]) == vendors[vendor["Id"]], vendor["DisplayName"]
        assert vendor["SyncToken"] == "0"
    for kind, parties, sign in (("Receivable", customers, 1), ("Payable", vendors, -1)):
        for euro in (False, True):
            held = [each for each in accounts.values() if each["AccountType"] == f"Accounts {kind}"]
            held = [each for each in held if (each["CurrencyRef"]["value"] == "EUR") == euro]
            owed = [left for key, left in parties.items() if (key in (books.customers[-1], books.vendors[-1])) == euro]
            assert sum(Decimal(each["CurrentBalance"]) for each in held) == sign * sum(owed)


def check_accounts(books: Bookkeeper) -> None:
    """Bank, card and undeposited funds, added up here by hand."""
    accounts = {account["Id"]: Decimal(account["CurrentBalance"]) for account in books.all("Account")}

    def home(entity: str) -> Decimal:
        kinds = {"Transfer": "Amount", "CreditCardPaymentTxn": "Amount"}
        found = [(each, Decimal(each[kinds.get(entity, "TotalAmt")])) for each in books.all(entity)]
        return sum((cents(amount * Decimal(each.get("ExchangeRate", 1))) for each, amount in found), Decimal())

    banked = sum(
        (Decimal(line["Amount"]) for each in books.all("Deposit") for line in each["Line"] if "LinkedTxn" in line),
        Decimal(),
    )
    assert accounts["4"] == home("Payment") + home("SalesReceipt") - banked
    journal = sum((Decimal(each["Line"][1]["Amount"]) for each in books.all("JournalEntry")), Decimal())
    out = home("BillPayment") + home("RefundReceipt") + home("Transfer") + home("CreditCardPaymentTxn") + journal
    assert accounts["35"] == home("Deposit") - out
    back = sum((Decimal(each.get("CashBack", {}).get("Amount", 0)) for each in books.all("Deposit")), Decimal())
    assert accounts["36"] == home("Transfer") + back
    charged = sum(
        (Decimal(each["TotalAmt"]) * (1 if each["Credit"] else -1) for each in books.all("Purchase")), Decimal()
    )
    assert accounts["41"] == home("CreditCardPaymentTxn") + charged


def check_stock(books: Bookkeeper) -> None:
    signs = {"Invoice": -1, "SalesReceipt": -1, "CreditMemo": 1, "RefundReceipt": 1, "Bill": 1, "VendorCredit": -1}
    moved = Decimal(START)
    for entity in (*signs, "Purchase"):
        for each in books.all(entity):
            sign = signs.get(entity, -1 if each.get("Credit") else 1)
            for line in each["Line"]:
                detail = line.get(line["DetailType"], {})
                if detail.get("ItemRef", {}).get("value") == books.stock:
                    moved += sign * Decimal(detail.get("Qty", 0))
    (item,) = [each for each in books.all("Item") if each["Id"] == books.stock]
    assert Decimal(item["QtyOnHand"]) == moved
    assert item["SyncToken"] == "0"


def check_reports(books: Bookkeeper, day: str) -> None:
    """What the reports of one day say agrees with itself and with what is stored."""
    balances = trial_balance(books, day)
    assert sum(balances.values()) == 0
    sheet = rows_of(books, "BalanceSheet", end_date=day)
    assert sheet["TOTAL ASSETS"] == sheet["TOTAL LIABILITIES AND EQUITY"]
    profit = rows_of(books, "ProfitAndLoss", end_date=day)
    assert profit.get("Net Income", 0) == sheet.get("Net Income", 0)
    accounts = {account["Id"]: account for account in books.all("Account")}
    for kind, report, sign in (("Receivable", "AgedReceivables", 1), ("Payable", "AgedPayables", -1)):
        control = sum(
            left for key, left in balances.items() if accounts.get(key, {}).get("AccountType") == f"Accounts {kind}"
        )
        assert rows_of(books, report, report_date=day).get("TOTAL", 0) == sign * control, (day, kind)
    if day == DAYS[0]:
        check_today(books, balances, accounts)


def check_today(books: Bookkeeper, balances: dict[str, Decimal], accounts: dict[str, dict[str, Any]]) -> None:
    """Today's balances are the stored ones, parties' rows their balances, and only the opening stock is unexplained."""
    for key, account in accounts.items():
        if account["Classification"] in ("Asset", "Liability") and account["CurrencyRef"]["value"] == "USD":
            assert balances.get(key, 0) == Decimal(account["CurrentBalance"]), account["Name"]
    erp = books.company.erp
    position = Position(erp.store, erp.writer.ledger.now(), date.fromisoformat(DAYS[0]))
    assert position.openings() == {"81": Decimal("12.50"), "34": Decimal("-12.50")}
    for report, entity in (("AgedReceivables", "Customer"), ("AgedPayables", "Vendor")):
        found = rows_of(books, report)
        for party in books.all(entity):
            if party["CurrencyRef"]["value"] == "USD":
                name = party.get("FullyQualifiedName", party["DisplayName"])
                assert found.get(name, 0) == Decimal(party["Balance"]), name
        detail = rows_of(books, report.removesuffix("s") + "Detail")
        assert detail.get("TOTAL", 0) == found.get("TOTAL", 0)


def report(books: Bookkeeper, name: str, **parameters: str) -> dict[str, Any]:
    erp = books.company.erp
    return reports.run(name, parameters, erp.store, erp.writer.ledger, erp.options, date.fromisoformat(DAYS[0]), "")


def trial_balance(books: Bookkeeper, day: str) -> dict[str, Decimal]:
    found = report(books, "TrialBalance", end_date=day)["Rows"].get("Row", [])
    cells = [row["ColData"] for row in found if row["type"] == "Data"]
    return {
        account.get("id", account["value"]): Decimal(debit["value"] or 0) - Decimal(credit["value"] or 0)
        for account, debit, credit in cells
    }


def rows_of(books: Bookkeeper, name: str, **parameters: str) -> dict[str, Decimal]:
    """The last amount of every row and sum of a report, by its title."""
    found: dict[str, Decimal] = {}

    def walk(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            walk(row.get("Rows", {}).get("Row", []))
            for cells in (row.get("ColData"), row.get("Summary", {}).get("ColData")):
                if cells:
                    found[cells[0]["value"]] = Decimal(cells[-1]["value"] or 0)

    walk(report(books, name, **parameters)["Rows"].get("Row", []))
    return {"TOTAL ASSETS": Decimal(), "TOTAL LIABILITIES AND EQUITY": Decimal(), **found}


def check_links(books: Bookkeeper) -> None:
    for entity, payer, kind in (("Invoice", "Payment", "Payment"), ("Bill", "BillPayment", "BillPaymentCheck")):
        expected: dict[str, set[str]] = defaultdict(set)
        for payment in books.all(payer):
            for line in payment["Line"]:
                link = line["LinkedTxn"][0]
                if link["TxnType"] == entity:
                    expected[link["TxnId"]].add(payment["Id"])
        for each in books.all(entity):
            found = {link["TxnId"] for link in each.get("LinkedTxn", []) if link["TxnType"] == kind}
            assert found == expected[each["Id"]], each["Id"]
    invoices = {each["Id"]: each for each in books.all("Invoice")}
    for payment in books.all("Payment"):
        for line in payment["Line"]:
            if line["LinkedTxn"][0]["TxnType"] == "Invoice":
                shown = {each["value"]["Name"]: each["value"]["Value"] for each in line["LineEx"]["any"]}
                balance = Decimal(invoices[line["LinkedTxn"][0]["TxnId"]]["Balance"])
                assert Decimal(shown["txnOpenBalance"]) == balance + Decimal(line["Amount"])
    for order in books.all("PurchaseOrder"):
        linked = [
            line
            for bill in books.all("Bill")
            for line in bill["Line"]
            for link in line["LinkedTxn"]
            if link["TxnId"] == order["Id"]
        ]
        received = sum((Decimal(line["Amount"]) for line in linked), Decimal())
        assert sum((Decimal(line.get("Received", 0)) for line in order["Line"]), Decimal()) == received
        assert bool(order["LinkedTxn"]) == bool(linked)


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(OPERATIONS)
def test_the_books_balance_after_any_sequence_of_operations(operations: list[tuple[str, int, int, Decimal]]):
    books = Bookkeeper()

    for operation in operations:
        books.do(*operation)

    check(books)


@pytest.mark.parametrize("seed", range(12))
def test_the_books_balance_after_a_long_working_day(seed: int):
    chance = random.Random(seed)
    books = Bookkeeper()

    for _ in range(120):
        amount = Decimal(chance.randrange(1, 99_999)) / 100
        books.do(chance.choice(KINDS), chance.randrange(50), chance.randrange(50), amount)

    check(books)
