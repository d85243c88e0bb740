"""A small company of many equal slots, and forty-odd ways to damage one, each with the breaks it has to be found as.

Belongs here: the company, what "behind the mirror's back" means in it, and the damages. The table of them is in
docs/reconciliation.md; holding reconciliation to it is `test_damage.py`.

A slot is one customer and one vendor with documents of every kind. Damage on our side is done as the sync writes, so
that nothing notes it as somebody's edit. Damage over there leaves MetaData as it was, so that no feed tells of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ledger.reconcile import Cause
from resources.stores import switches
from tests.books import Books
from tests.ledger_writer import LedgerWriter
from tests.small_company import a_customer, a_line, a_vendor, an_invoice, an_item, stamped

SLOTS = 11
RATE = Decimal("1.10")
Expected = dict[tuple[str, str], tuple[Cause, Decimal]]
"""(identity, currency) -> cause and amount, the ERP's figure less the ledger's."""

_AR = {"USD": ("84", "Accounts Receivable (A/R)"), "EUR": ("85", "Accounts Receivable (A/R) - EUR")}
_AP = {"USD": ("33", "Accounts Payable (A/P)"), "EUR": ("34", "Accounts Payable (A/P) - EUR")}
_SIGNED = {
    "Invoice": ("CustomerRef", "Balance", 1),
    "CreditMemo": ("CustomerRef", "RemainingCredit", -1),
    "Payment": ("CustomerRef", "UnappliedAmt", -1),
    "Bill": ("VendorRef", "Balance", 1),
    "VendorCredit": ("VendorRef", "Balance", -1),
}


def dec(text: str | int) -> Decimal:
    return Decimal(text)


@dataclass(frozen=True, slots=True)
class Slot:
    """The ids of one slot's records over there; odd slots are in EUR."""

    number: int

    @property
    def currency(self) -> str:
        return "EUR" if self.number % 2 else "USD"

    def id(self, place: int) -> str:
        return str(1000 + 100 * self.number + place)

    customer = property(lambda self: self.id(1))
    vendor = property(lambda self: self.id(2))
    invoice = property(lambda self: self.id(10))  # 100.00 open, of which 8.00 tax
    paid = property(lambda self: self.id(11))  # 216.00, paid by `payment`
    payment = property(lambda self: self.id(12))
    unapplied = property(lambda self: self.id(13))  # 50.00
    credit = property(lambda self: self.id(14))  # 30.00
    bill = property(lambda self: self.id(20))  # 80.00 open
    paid_bill = property(lambda self: self.id(21))  # 60.00, paid by `bill_payment`
    bill_payment = property(lambda self: self.id(22))
    vendor_credit = property(lambda self: self.id(23))  # 25.00


def records_of(slot: Slot) -> dict[str, list[dict[str, Any]]]:
    money: dict[str, Any] = {"CurrencyRef": {"value": slot.currency}}
    if slot.currency != "USD":
        money["ExchangeRate"] = RATE
    party = {"CustomerRef": {"value": slot.customer}}
    seller = {"VendorRef": {"value": slot.vendor}}
    taxed = {"TxnTaxDetail": {"TotalTax": dec("8.00")}, "Line": [a_line("52.00"), a_line("40.00", key=2)]}
    line = {
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": {"AccountRef": {"value": "7"}},
    }
    own = {"CurrencyRef": {"value": slot.currency}}

    def expense(amount: str) -> dict[str, Any]:
        return {"Id": "1", "LineNum": 1, "Amount": dec(amount), **line}

    def settles(amount: str, kind: str, key: str) -> dict[str, Any]:
        return {"Amount": dec(amount), "LinkedTxn": [{"TxnId": key, "TxnType": kind}]}

    day = {"TxnDate": "2026-01-20"}
    return {
        "Customer": [a_customer(slot.customer, **own)],
        "Vendor": [a_vendor(slot.vendor, **own)],
        "Invoice": [
            an_invoice(slot.invoice, slot.customer, "100.00", **money, **taxed),
            an_invoice(slot.paid, slot.customer, "216.00", **money, Balance=dec(0)),
        ],
        "Payment": [
            stamped(
                slot.payment,
                **party,
                **day,
                **money,
                PaymentRefNum=f"P-{slot.payment}",
                TotalAmt=dec("216.00"),
                UnappliedAmt=dec(0),
                Line=[settles("216.00", "Invoice", slot.paid)],
            ),
            stamped(
                slot.unapplied,
                **party,
                **day,
                **money,
                PaymentRefNum=f"P-{slot.unapplied}",
                TotalAmt=dec("50.00"),
                UnappliedAmt=dec("50.00"),
                Line=[],
            ),
        ],
        "CreditMemo": [
            stamped(
                slot.credit,
                **party,
                **day,
                **money,
                DocNumber=f"CM-{slot.credit}",
                Line=[a_line("30.00")],
                TotalAmt=dec("30.00"),
                Balance=dec("30.00"),
                RemainingCredit=dec("30.00"),
            )
        ],
        "Bill": [
            stamped(
                key,
                **seller,
                **money,
                TxnDate="2026-01-08",
                DueDate="2026-02-07",
                DocNumber=f"B-{key}",
                Line=[expense(amount)],
                TotalAmt=dec(amount),
                Balance=dec(still),
            )
            for key, amount, still in ((slot.bill, "80.00", "80.00"), (slot.paid_bill, "60.00", "0"))
        ],
        "BillPayment": [
            stamped(
                slot.bill_payment,
                **seller,
                **day,
                **money,
                PayType="Check",
                DocNumber=f"BP-{slot.bill_payment}",
                CheckPayment={"BankAccountRef": {"value": "35"}},
                TotalAmt=dec("60.00"),
                Line=[settles("60.00", "Bill", slot.paid_bill)],
            )
        ],
        "VendorCredit": [
            stamped(
                slot.vendor_credit,
                **seller,
                **day,
                **money,
                DocNumber=f"VC-{slot.vendor_credit}",
                Line=[expense("25.00")],
                TotalAmt=dec("25.00"),
                Balance=dec("25.00"),
            )
        ],
    }


@dataclass
class World:
    """The company over there as a test keeps it, and the books here."""

    books: Books
    held: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    extra: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    """What a party or account shows beyond its documents."""

    @classmethod
    def of(cls, books: Books) -> World:
        world = cls(books)
        world.held["Item"] = {"90": an_item(90)}
        for number in range(SLOTS):
            for kind, rows in records_of(Slot(number)).items():
                world.held.setdefault(kind, {}).update({row["Id"]: row for row in rows})
        return world

    def load(self) -> None:
        """Send the whole company, every balance as its documents have it."""
        self.books.load({kind: list(rows.values()) for kind, rows in self._in_balance().items()})

    def _in_balance(self) -> dict[str, dict[str, dict[str, Any]]]:
        held = copy.deepcopy(self.held)
        balances: dict[str, Decimal] = {}
        for kind, (party, amount, sign) in _SIGNED.items():
            for row in held.get(kind, {}).values():
                key = row[party]["value"]
                balances[key] = balances.get(key, dec(0)) + sign * row[amount]
        sums: dict[str, Decimal] = {}
        for kind, accounts, sign in (("Customer", _AR, 1), ("Vendor", _AP, -1)):
            for key, row in held[kind].items():
                own = balances.pop(key, dec(0))
                row["Balance"] = own + self.extra.get((kind, key), dec(0))
                account = accounts[row["CurrencyRef"]["value"]][0]
                sums[account] = sums.get(account, dec(0)) + sign * row["Balance"]
        for key, left in balances.items():
            # Documents of somebody who is gone stay on the account.
            account = _AR["EUR" if int(key) // 100 % 2 else "USD"][0]
            sums[account] = sums.get(account, dec(0)) + left
        held["Account"] = {
            key: stamped(
                key,
                Name=name,
                AccountType=account_type,
                CurrentBalance=sums.get(key, dec(0)) + self.extra.get(("Account", key), dec(0)),
                CurrencyRef={"value": currency},
                Active=True,
            )
            for accounts, account_type in ((_AR, "Accounts Receivable"), (_AP, "Accounts Payable"))
            for currency, (key, name) in accounts.items()
        }
        return held

    def there(self, kind: str, key: str, **changes: Any) -> None:
        """Change a record over there so that no feed tells of it."""
        self.held[kind][key] = {**self.held[kind][key], **changes}

    def gone(self, kind: str, key: str) -> None:
        """Delete a record over there so that no feed tells of it."""
        row = self.held[kind].pop(key)
        self.books.load({kind: [{"Id": key, "status": "Deleted", "MetaData": row["MetaData"]}]})

    def made(self, kind: str, row: dict[str, Any]) -> None:
        self.held[kind][row["Id"]] = row

    def here(self, statement: str, *values: Any) -> None:
        """Write into the ledger as the sync does: nobody is noted to have edited anything."""
        with self.books.services.db.transaction(self.books.tenant) as tx:
            tx.execute("select set_config('tieout.is_sync', 'on', true), set_config('tieout.actor', 'sync', true)")
            assert tx.execute(statement, values).rowcount == 1

    def row(self, entity: str, key: str) -> int:
        return self.books.ledger_row(entity, key)["ledger_id"]

    def set(self, entity: str, key: str, assignments: str, *values: Any) -> None:
        """`assignments` as in SQL; `values` for its placeholders."""
        self.here(f"update ledger.{entity} set {assignments} where ledger_id = %s", *values, self.row(entity, key))

    def doubled(self, entity: str, key: str) -> int:
        """The same row once more, bound to nothing; its ledger id."""
        columns = [
            row["column_name"]
            for row in self.books.rows(
                "select column_name from information_schema.columns where table_schema = 'ledger' and table_name = %s "
                "and column_name not in ('ledger_id', 'version')",
                entity,
            )
        ]
        names = ", ".join(columns)
        self.here(
            f"insert into ledger.{entity} ({names}) select {names} from ledger.{entity} where ledger_id = %s",
            self.row(entity, key),
        )
        return self.books.value(f"select max(ledger_id) from ledger.{entity}")


Damage = Callable[[World, Slot], Expected]
DAMAGES: dict[str, Damage] = {}


def damage(function: Damage) -> Damage:
    DAMAGES[function.__name__] = function
    return function


def one(slot: Slot, identity: str, cause: Cause, amount: str | int) -> Expected:
    return {(identity, slot.currency): (cause, dec(amount))}


# -- ours: something went wrong in the ledger --------------------------------------------------------------------------


@damage
def invoice_lost_here(world: World, slot: Slot) -> Expected:
    world.set("invoices", slot.invoice, "is_deleted = true")
    return one(slot, f"invoices/{slot.invoice}", Cause.MISSING_IN_LEDGER, 100)


@damage
def bill_lost_here(world: World, slot: Slot) -> Expected:
    world.set("bills", slot.bill, "is_deleted = true")
    return one(slot, f"bills/{slot.bill}", Cause.MISSING_IN_LEDGER, 80)


@damage
def credit_lost_here(world: World, slot: Slot) -> Expected:
    world.set("credit_memos", slot.credit, "is_deleted = true")
    return one(slot, f"credit_memos/{slot.credit}", Cause.MISSING_IN_LEDGER, -30)


@damage
def vendor_credit_lost_here(world: World, slot: Slot) -> Expected:
    world.set("vendor_credits", slot.vendor_credit, "is_deleted = true")
    return one(slot, f"vendor_credits/{slot.vendor_credit}", Cause.MISSING_IN_LEDGER, -25)


@damage
def unapplied_payment_lost_here(world: World, slot: Slot) -> Expected:
    world.set("payments", slot.unapplied, "is_deleted = true")
    return one(slot, f"payments/{slot.unapplied}", Cause.MISSING_IN_LEDGER, -50)


@damage
def payment_lost_here(world: World, slot: Slot) -> Expected:
    world.set("payments", slot.payment, "is_deleted = true")
    world.set("invoices", slot.paid, "open_amount = 216")
    return {
        **one(slot, f"payments/{slot.payment}", Cause.MISSING_IN_LEDGER, 0),
        **one(slot, f"invoices/{slot.paid}", Cause.MISSING_IN_LEDGER, -216),
    }


@damage
def bill_payment_lost_here(world: World, slot: Slot) -> Expected:
    world.set("bill_payments", slot.bill_payment, "is_deleted = true")
    world.set("bills", slot.paid_bill, "open_amount = 60")
    return {
        **one(slot, f"bill_payments/{slot.bill_payment}", Cause.MISSING_IN_LEDGER, 0),
        **one(slot, f"bills/{slot.paid_bill}", Cause.MISSING_IN_LEDGER, -60),
    }


@damage
def bill_doubled_here(world: World, slot: Slot) -> Expected:
    return one(slot, f"bills/#{world.doubled('bills', slot.bill)}", Cause.DUPLICATE, -80)


@damage
def invoice_doubled_here(world: World, slot: Slot) -> Expected:
    return one(slot, f"invoices/#{world.doubled('invoices', slot.invoice)}", Cause.DUPLICATE, -100)


@damage
def payment_doubled_here(world: World, slot: Slot) -> Expected:
    return one(slot, f"payments/#{world.doubled('payments', slot.unapplied)}", Cause.DUPLICATE, 50)


@damage
def invoice_only_here(world: World, slot: Slot) -> Expected:
    copied = world.doubled("invoices", slot.invoice)
    world.here("update ledger.invoices set document_number = 'OURS' where ledger_id = %s", copied)
    return one(slot, f"invoices/#{copied}", Cause.MISSING_IN_ERP, -100)


@damage
def invoice_amount_changed_here(world: World, slot: Slot) -> Expected:
    world.set("invoices", slot.invoice, "net_amount = 102, total_amount = 110, open_amount = 110")
    return one(slot, f"invoices/{slot.invoice}", Cause.AMOUNT, -10)


@damage
def bill_amount_changed_here(world: World, slot: Slot) -> Expected:
    world.set("bills", slot.bill, "net_amount = 72, total_amount = 72, open_amount = 72")
    return one(slot, f"bills/{slot.bill}", Cause.AMOUNT, 8)


@damage
def cent_of_tax_rounding(world: World, slot: Slot) -> Expected:
    world.set("invoices", slot.invoice, "tax_amount = 8.01, total_amount = 100.01, open_amount = 100.01")
    return one(slot, f"invoices/{slot.invoice}", Cause.TAX_ROUNDING, "-0.01")


@damage
def tax_wrong_here(world: World, slot: Slot) -> Expected:
    world.set("invoices", slot.invoice, "tax_amount = 18, total_amount = 110, open_amount = 110")
    return one(slot, f"invoices/{slot.invoice}", Cause.AMOUNT, -10)


@damage
def tax_and_net_exchanged_here(world: World, slot: Slot) -> Expected:
    world.set("invoices", slot.invoice, "net_amount = 90, tax_amount = 10")
    return one(slot, f"invoices/{slot.invoice}", Cause.AMOUNT, 0)


@damage
def currency_swapped_here(world: World, slot: Slot) -> Expected:
    other = "USD" if slot.currency == "EUR" else "EUR"
    world.set("invoices", slot.invoice, "currency = %s", other)
    identity = f"invoices/{slot.invoice}"
    return {(identity, slot.currency): (Cause.AMOUNT, dec(100)), (identity, other): (Cause.AMOUNT, dec(-100))}


@damage
def rate_changed_here(world: World, slot: Slot) -> Expected:
    world.set("invoices", slot.invoice, "exchange_rate = 1.25")
    return one(slot, f"invoices/{slot.invoice}", Cause.EXCHANGE_RATE, 0)


@damage
def party_exchanged_here(world: World, slot: Slot) -> Expected:
    other = Slot(slot.number + 2 if slot.number + 2 < SLOTS else slot.number - 2)
    world.set("invoices", slot.invoice, "customer_id = %s", world.row("customers", other.customer))
    return one(slot, f"invoices/{slot.invoice}", Cause.AMOUNT, 0)


@damage
def date_across_month_end(world: World, slot: Slot) -> Expected:
    world.set("invoices", slot.invoice, "issue_date = '2025-12-31'")
    return one(slot, f"invoices/{slot.invoice}", Cause.TIMING, 0)


@damage
def due_date_moved_here(world: World, slot: Slot) -> Expected:
    world.set("bills", slot.bill, "due_date = '2026-09-30'")
    return one(slot, f"bills/{slot.bill}", Cause.TIMING, 0)


@damage
def number_changed_here(world: World, slot: Slot) -> Expected:
    world.set("bills", slot.bill, "document_number = 'another'")
    return one(slot, f"bills/{slot.bill}", Cause.AMOUNT, 0)


@damage
def line_amount_changed_here(world: World, slot: Slot) -> Expected:
    row = world.row("invoices", slot.invoice)
    world.here("update ledger.invoice_lines set amount = 41 where invoice_id = %s and position = 2", row)
    return one(slot, f"invoices/{slot.invoice}", Cause.AMOUNT, 0)


@damage
def line_lost_here(world: World, slot: Slot) -> Expected:
    row = world.row("invoices", slot.invoice)
    world.here("delete from ledger.invoice_lines where invoice_id = %s and position = 1", row)
    return one(slot, f"invoices/{slot.invoice}", Cause.AMOUNT, 0)


@damage
def payment_applied_here_only(world: World, slot: Slot) -> Expected:
    world.set("payments", slot.unapplied, "applied_amount = 50, unapplied_amount = 0")
    world.set("invoices", slot.invoice, "open_amount = 50")
    return {
        **one(slot, f"payments/{slot.unapplied}", Cause.UNAPPLIED, -50),
        **one(slot, f"invoices/{slot.invoice}", Cause.UNAPPLIED, 50),
    }


@damage
def credit_applied_here_only(world: World, slot: Slot) -> Expected:
    world.set("credit_memos", slot.credit, "open_amount = 0")
    world.set("invoices", slot.invoice, "open_amount = 70")
    return {
        **one(slot, f"credit_memos/{slot.credit}", Cause.UNAPPLIED, -30),
        **one(slot, f"invoices/{slot.invoice}", Cause.UNAPPLIED, 30),
    }


@damage
def balance_lost_here(world: World, slot: Slot) -> Expected:
    world.set("invoices", slot.invoice, "open_amount = 0")
    return one(slot, f"invoices/{slot.invoice}", Cause.UNAPPLIED, 100)


@damage
def void_here_only(world: World, slot: Slot) -> Expected:
    world.set(
        "invoices", slot.invoice, "is_void = true, net_amount = 0, tax_amount = 0, total_amount = 0, open_amount = 0"
    )
    return one(slot, f"invoices/{slot.invoice}", Cause.AMOUNT, 100)


# -- theirs: something changed over there and no feed tells of it ------------------------------------------------------


@damage
def void_missed(world: World, slot: Slot) -> Expected:
    nothing = {"TotalAmt": dec(0), "Balance": dec(0), "PrivateNote": "Voided", "TxnTaxDetail": {"TotalTax": dec(0)}}
    lines = [{**line, "Amount": dec(0)} for line in world.held["Invoice"][slot.invoice]["Line"]]
    world.there("Invoice", slot.invoice, **nothing, Line=lines)
    return one(slot, f"invoices/{slot.invoice}", Cause.DELETED_THERE, -100)


@damage
def deletion_missed(world: World, slot: Slot) -> Expected:
    world.gone("Invoice", slot.invoice)
    return one(slot, f"invoices/{slot.invoice}", Cause.DELETED_THERE, -100)


@damage
def bill_deletion_missed(world: World, slot: Slot) -> Expected:
    world.gone("Bill", slot.bill)
    return one(slot, f"bills/{slot.bill}", Cause.DELETED_THERE, -80)


@damage
def payment_deletion_missed(world: World, slot: Slot) -> Expected:
    world.gone("Payment", slot.payment)
    world.there("Invoice", slot.paid, Balance=dec(216))
    return {
        **one(slot, f"payments/{slot.payment}", Cause.DELETED_THERE, 0),
        **one(slot, f"invoices/{slot.paid}", Cause.DELETED_THERE, 216),
    }


@damage
def changed_behind_the_mirrors_back(world: World, slot: Slot) -> Expected:
    changes = {"TotalAmt": dec("130.00"), "Balance": dec("130.00"), "Line": [a_line("122.00")]}
    world.there("Invoice", slot.invoice, **changes)
    return one(slot, f"invoices/{slot.invoice}", Cause.AMOUNT, 30)


@damage
def invoice_never_told(world: World, slot: Slot) -> Expected:
    row = {**world.held["Invoice"][slot.paid], "Id": slot.id(60), "DocNumber": "NEW", "Balance": dec(216)}
    world.made("Invoice", row)
    return one(slot, f"invoices/{slot.id(60)}", Cause.MISSING_IN_LEDGER, 216)


@damage
def payment_never_told(world: World, slot: Slot) -> Expected:
    settles = {"Amount": dec(100), "LinkedTxn": [{"TxnId": slot.invoice, "TxnType": "Invoice"}]}
    row = {**world.held["Payment"][slot.payment], "Id": slot.id(61), "TotalAmt": dec(100), "Line": [settles]}
    world.made("Payment", {**row, "PaymentRefNum": "NEW"})
    world.there("Invoice", slot.invoice, Balance=dec(0))
    return {
        **one(slot, f"payments/{slot.id(61)}", Cause.MISSING_IN_LEDGER, 0),
        **one(slot, f"invoices/{slot.invoice}", Cause.MISSING_IN_LEDGER, -100),
    }


@damage
def bill_doubled_there(world: World, slot: Slot) -> Expected:
    world.made("Bill", {**world.held["Bill"][slot.bill], "Id": slot.id(62)})
    return one(slot, f"bills/{slot.id(62)}", Cause.DUPLICATE, 80)


@damage
def due_date_moved_there(world: World, slot: Slot) -> Expected:
    world.there("Invoice", slot.invoice, DueDate="2026-10-15")
    return one(slot, f"invoices/{slot.invoice}", Cause.TIMING, 0)


@damage
def party_merged_there(world: World, slot: Slot) -> Expected:
    other = Slot(slot.number + 2 if slot.number + 2 < SLOTS else slot.number - 2)
    world.there("Invoice", slot.invoice, CustomerRef={"value": other.customer})
    return one(slot, f"invoices/{slot.invoice}", Cause.AMOUNT, 0)


@damage
def payment_unapplied_there(world: World, slot: Slot) -> Expected:
    world.there("Payment", slot.payment, UnappliedAmt=dec(216), Line=[])
    world.there("Invoice", slot.paid, Balance=dec(216))
    return {
        **one(slot, f"payments/{slot.payment}", Cause.UNAPPLIED, -216),
        **one(slot, f"invoices/{slot.paid}", Cause.UNAPPLIED, 216),
    }


# -- totals that no document explains ----------------------------------------------------------------------------------


@damage
def balance_without_a_document(world: World, slot: Slot) -> Expected:
    world.extra["Customer", slot.customer] = dec(45)
    return one(slot, f"party/{slot.customer}", Cause.MISSING_IN_LEDGER, 45)


@damage
def documents_beyond_the_balance(world: World, slot: Slot) -> Expected:
    world.extra["Vendor", slot.vendor] = dec(-15)
    return one(slot, f"party/{slot.vendor}", Cause.MISSING_IN_ERP, -15)


@damage
def customer_deleted_with_an_open_balance(world: World, slot: Slot) -> Expected:
    world.gone("Customer", slot.customer)
    return {
        **one(slot, f"party/{slot.customer}", Cause.MISSING_IN_ERP, -20),
        **one(slot, "account", Cause.UNEXPLAINED, 20),
    }


# -- under way: nothing is wrong, and both books differ ----------------------------------------------------------------


@damage
def edit_not_pushed(world: World, slot: Slot) -> Expected:
    writer = LedgerWriter(world.books)
    writer.update("bills", world.row("bills", slot.bill), due_date="2026-08-31")
    return one(slot, f"bills/{slot.bill}", Cause.IN_FLIGHT, 0)


@damage
def invoice_not_pushed(world: World, slot: Slot) -> Expected:
    writer = LedgerWriter(world.books)
    made = writer.invoice(world.row("customers", slot.customer), "70.00", currency=slot.currency)
    return one(slot, f"invoices/#{made}", Cause.IN_FLIGHT, -70)


@damage
def both_sides_edited(world: World, slot: Slot) -> Expected:
    writer = LedgerWriter(world.books)
    writer.update("bills", world.row("bills", slot.bill), private_note="ours", document_number="B-OURS")
    later = {"CreateTime": "2026-01-05T09:00:00-08:00", "LastUpdatedTime": "2099-01-01T00:00:00-08:00"}
    there = {
        **world.held["Bill"][slot.bill],
        "PrivateNote": "theirs",
        "TotalAmt": dec("81.00"),
        "Balance": dec("81.00"),
    }
    line = {**there["Line"][0], "Amount": dec("81.00")}
    world.held["Bill"][slot.bill] = {**there, "SyncToken": "1", "Line": [line], "MetaData": later}
    return one(slot, f"bills/{slot.bill}", Cause.CONFLICT_OPEN, 1)


@damage
def change_not_read_yet(world: World, slot: Slot) -> Expected:
    with world.books.services.db.transaction(world.books.tenant) as tx:
        switches.switch(
            tx,
            tenant=world.books.tenant,
            connection=world.books.name,
            module="ap",
            direction="pull",
            is_on=False,
            actor="somebody",
            reason="month end",
        )
    world.there("VendorCredit", slot.vendor_credit, TotalAmt=dec(35), Balance=dec(35))
    row = world.held["VendorCredit"][slot.vendor_credit]
    row["Line"] = [{**row["Line"][0], "Amount": dec(35)}]
    row["SyncToken"] = "1"
    row["MetaData"] = {"CreateTime": row["MetaData"]["CreateTime"], "LastUpdatedTime": "2099-01-01T00:00:00-08:00"}
    return one(slot, f"vendor_credits/{slot.vendor_credit}", Cause.TIMING, -10)


@damage
def record_held(world: World, slot: Slot) -> Expected:
    row = {**world.held["Invoice"][slot.paid], "Id": slot.id(63), "DocNumber": "ODD", "Balance": dec(216)}
    later = {"CreateTime": "2026-01-05T09:00:00-08:00", "LastUpdatedTime": "2099-01-01T00:00:00-08:00"}
    world.made("Invoice", {**row, "TxnDate": "someday", "MetaData": later})
    return one(slot, f"invoices/{slot.id(63)}", Cause.MISSING_IN_LEDGER, 216)


def apply(world: World, chosen: Mapping[int, str]) -> Expected:
    """Do these damages, slot -> name, and send the company; what has to be found."""
    expected: Expected = {}
    for number, name in chosen.items():
        for key, (cause, amount) in DAMAGES[name](world, Slot(number)).items():
            before = expected.get(key)
            expected[key] = (cause, amount if before is None else before[1] + amount)
    world.load()
    return expected
