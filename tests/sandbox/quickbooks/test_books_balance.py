"""The books of the simulated company balance after any sequence of operations.

Random people create, change, pay, void and delete; afterwards every invariant of the published sample company must
hold, computed here anew from the documents.
"""

import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.quickbooks import wire
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
)
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


class Bookkeeper:
    """Carries out operations; one that the service refuses must leave everything as it was."""

    def __init__(self) -> None:
        self.company = Company()
        self.item = self.company.item()
        self.customers = [self.company.customer(f"Customer {n}") for n in range(2)]
        parent = {"ParentRef": {"value": self.customers[0]}, "Job": True}
        self.customers.append(self.company.customer("Job", **parent))
        self.vendors = [self.company.vendor(f"Vendor {n}") for n in range(2)]

    def all(self, entity: str) -> list[dict[str, Any]]:
        return [wire.decode(raw) for raw in self.company.erp.store.objects(entity)]

    def pick(self, entity: str, choice: int) -> dict[str, Any] | None:
        found = self.all(entity)
        return found[choice % len(found)] if found else None

    def attempt(self, entity: str, body: dict[str, Any], query: str = "") -> None:
        before = b"".join(self.company.erp.state(None))
        status, answer = self.company.call("POST", f"/{entity.lower()}{query}", body)
        assert status == 200 or b"".join(self.company.erp.state(None)) == before, answer

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

    def do(self, operation: str, first: int, second: int, amount: Decimal) -> None:
        customer = {"value": self.customers[first % len(self.customers)]}
        vendor = {"value": self.vendors[first % len(self.vendors)]}
        tax = {"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "2"}}}
        invoice, bill = self.pick("Invoice", second), self.pick("Bill", second)
        if operation in ("invoice", "credit memo"):
            entity = "Invoice" if operation == "invoice" else "CreditMemo"
            lines = [self.sale_line(amount, first % 2 == 0), self.sale_line(Decimal("10.00"), True)]
            self.attempt(entity, {"CustomerRef": customer, "Line": lines, **(tax if second % 2 else {})})
        elif operation == "payment" and invoice:
            part = min(amount, Decimal(invoice["Balance"])) if first % 3 else amount
            line = {"Amount": part, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
            body = {"CustomerRef": invoice["CustomerRef"], "TotalAmt": amount, "Line": [line] if first % 4 else []}
            self.attempt("Payment", body)
        elif operation == "apply credit" and invoice and (memo := self.pick("CreditMemo", first)):
            links = (("Invoice", invoice["Id"]), ("CreditMemo", memo["Id"]))
            part = min(amount, Decimal(invoice["Balance"]), Decimal(memo["RemainingCredit"]))
            lines = [{"Amount": part, "LinkedTxn": [{"TxnId": key, "TxnType": kind}]} for kind, key in links]
            self.attempt("Payment", {"CustomerRef": memo["CustomerRef"], "TotalAmt": 0, "Line": lines})
        elif operation in ("bill", "vendor credit"):
            entity = "Bill" if operation == "bill" else "VendorCredit"
            self.attempt(entity, {"VendorRef": vendor, "Line": [self.cost_line(amount)]})
        elif operation == "bill payment" and bill:
            part = min(amount, Decimal(bill["Balance"])) if first % 3 else amount
            line = {"Amount": part, "LinkedTxn": [{"TxnId": bill["Id"], "TxnType": "Bill"}]}
            bank = {"PayType": "Check", "CheckPayment": {"BankAccountRef": {"value": "35"}}}
            body = {"VendorRef": bill["VendorRef"], "TotalAmt": amount, "Line": [line], **bank}
            self.attempt("BillPayment", body)
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
            entity = ("Invoice", "Payment", "Bill", "BillPayment", "CreditMemo", "PurchaseOrder")[first % 6]
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

    def changes(self, entity: str, present: dict[str, Any], amount: Decimal) -> dict[str, Any]:
        if entity == "Payment":
            return {"TotalAmt": amount}
        if entity == "Bill":
            return {"VendorRef": present["VendorRef"], "Line": [self.cost_line(amount)]}
        return {"Line": [self.sale_line(amount, True)]}


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
    check_parties(books, customers, vendors)
    check_links(books)


def check_parties(books: Bookkeeper, customers: dict[str, Decimal], vendors: dict[str, Decimal]) -> None:
    accounts = {account["Id"]: account for account in books.all("Account")}
    for customer in books.all("Customer"):
        assert Decimal(customer["Balance"]) == customers[customer["Id"]], customer["DisplayName"]
        jobs = [key for key in books.customers[2:] if customer["Id"] == books.customers[0]]
        total = customers[customer["Id"]] + sum(customers[key] for key in jobs)
        assert Decimal(customer["BalanceWithJobs"]) == total, customer["DisplayName"]
        assert customer["SyncToken"] == "0"
    for vendor in books.all("Vendor"):
        assert Decimal(vendor["Balance"]) == vendors[vendor["Id"]], vendor["DisplayName"]
        assert vendor["SyncToken"] == "0"
    assert Decimal(accounts["84"]["CurrentBalance"]) == sum(customers.values())
    assert Decimal(accounts["33"]["CurrentBalance"]) == -sum(vendors.values())
    deposits = sum((Decimal(each["TotalAmt"]) for each in books.all("Deposit")), Decimal())
    paid_in = sum((Decimal(each["TotalAmt"]) for each in books.all("Payment")), Decimal())
    paid_out = sum((Decimal(each["TotalAmt"]) for each in books.all("BillPayment")), Decimal())
    assert Decimal(accounts["4"]["CurrentBalance"]) == paid_in - deposits
    assert Decimal(accounts["35"]["CurrentBalance"]) == deposits - paid_out


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
