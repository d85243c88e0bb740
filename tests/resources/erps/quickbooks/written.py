"""A simulated company that a test writes into, and builders of canonical records that say only what matters.

Belongs here: what the tests of writing, sending and probing share. The simulator is a process of its own, reached over
HTTP; tokens are minted by it and never renewed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

from ledger.entities.bill_payments import BillPayment
from ledger.entities.bills import Bill
from ledger.entities.credit_memos import CreditMemo
from ledger.entities.customers import Customer
from ledger.entities.documents import Application, PurchaseLine, SalesLine
from ledger.entities.invoices import Invoice
from ledger.entities.items import Item
from ledger.entities.payments import Payment
from ledger.entities.purchase_orders import PurchaseOrder
from ledger.entities.vendor_credits import VendorCredit
from ledger.entities.vendors import Vendor
from ledger.spec import Record
from resources.connector import Answer, Wanted, WireRecord, Write, Written
from resources.erps.quickbooks.client import QuickBooksConnector
from resources.erps.quickbooks.mappings import MAPPINGS
from resources.erps.quickbooks.writing import QuickBooksComposer
from tests.house import Simulator

REFERENCE = ("preferences", "company_info", "accounts", "tax_codes", "tax_rates", "terms", "payment_methods")
DAY = date(2026, 11, 2)
INCOME, EXPENSE, PAYABLE, CHECKING, CARD = "79", "7", "33", "35", "41"


class SteadyToken:
    """One access token, for as long as a test lasts."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.renewed = 0

    def access_token(self) -> str:
        return self.token

    def renew(self, rejected: str) -> str:
        self.renewed += 1
        return self.token

    def granted_until(self) -> datetime | None:
        return None


class WrittenCompany:
    """An empty company with a customer, a vendor and an item, and ways to write into it as the push stage does."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.numbers = count(1)
        simulator.reset()
        simulator.post("switches", {"rate_limits": False})
        self._connect()
        self.reload()
        self.customer = self.made("customers", a_customer(name="Usual Customer")).external_id
        self.vendor = self.made("vendors", a_vendor(name="Usual Vendor")).external_id
        self.item = self.made("items", an_item(name="Usual Item")).external_id

    def _connect(self) -> None:
        minted = self.simulator.post("tokens")
        self.tokens = SteadyToken(minted["access_token"])
        self.connector = QuickBooksConnector.open(
            connection="qbo",
            settings={"realm_id": str(minted["realm_id"])},
            tokens=self.tokens,
            base_url=self.simulator.base_url,
            sleep=lambda seconds: None,
        )

    def reload(self) -> None:
        """Read the company's settings and lists again, as a sync would."""
        reference = {
            entity: {
                record.external_id: record.payload for page in self.connector.pull(entity) for record in page.records
            }
            for entity in REFERENCE
        }
        self.composer = QuickBooksComposer(reference)

    def set_up(self, entity: str, **changes: Any) -> None:
        """Somebody changes the company's settings: `set_up("preferences", CurrencyPrefs={...})`."""
        (present,) = [r for page in self.connector.pull(entity) for r in page.records]
        path = {"preferences": "/preferences", "company_info": "/companyinfo"}[entity]
        self.simulator.edit(path, {"Id": "1", "SyncToken": present.version_token, "sparse": True, **changes})
        self.reload()

    def wanted(self, entity: str, record: Record, *, marker: str | None = None) -> Wanted:
        number = next(self.numbers)
        return Wanted(entity, "create", record, marker=f"test-{number}" if marker is None else marker)

    def write_of(self, wanted: Wanted, *, key: str | None = None, batch_key: str | None = None) -> Write:
        return Write(
            wanted.entity,
            wanted.operation,
            key or f"key-{next(self.numbers)}",
            self.composer.body(wanted),
            batch_key=batch_key,
            external_id=wanted.external_id,
            version_token=wanted.version_token,
        )

    def send(self, wanted: Wanted) -> Answer:
        (answer,) = self.connector.send([self.write_of(wanted)])
        return answer

    def made(self, entity: str, record: Record) -> WireRecord:
        """The record as QuickBooks holds it after it was made; it must not be refused."""
        wanted = self.wanted(entity, record)
        assert self.composer.refusals(wanted) == []
        answer = self.send(wanted)
        assert isinstance(answer, Written), answer
        return answer.record

    def held(self, entity: str, external_id: str) -> WireRecord:
        (record,) = [r for page in self.connector.pull_ids(entity, [external_id]) for r in page.records]
        return record

    def change_of(self, entity: str, held: WireRecord, operation: str = "update", **changes: Any) -> Wanted:
        """What it takes to change a held record, or to void or delete it."""
        base = MAPPINGS[entity].from_wire(held.payload)
        return Wanted(
            entity,
            operation,
            msgspec.structs.replace(base, **changes),
            base=base,
            held=held.payload,
            external_id=held.external_id,
            version_token=held.version_token,
        )

    def changed(self, entity: str, held: WireRecord, **changes: Any) -> WireRecord:
        wanted = self.change_of(entity, held, **changes)
        assert self.composer.refusals(wanted) == []
        answer = self.send(wanted)
        assert isinstance(answer, Written), answer
        return answer.record

    def ended(self, entity: str, held: WireRecord, operation: str) -> WireRecord:
        answer = self.send(self.change_of(entity, held, operation))
        assert isinstance(answer, Written), answer
        return answer.record

    # Documents for the company's own customer, vendor and item.

    def an_invoice(self, *amounts: str, **fields: Any) -> Invoice:
        return an_invoice(self.customer, sales_lines(self.item, amounts or ("100.00",)), **fields)

    def a_payment(self, amount: str, *settled: tuple[str, str, str], **fields: Any) -> Payment:
        return a_payment(self.customer, amount, applications(settled), **fields)

    def a_bill(self, *amounts: str, **fields: Any) -> Bill:
        lines = cost_lines(amounts or ("100.00",))
        return Bill(vendor=self.vendor, issue_date=DAY, open_amount=total(lines), **money(lines, fields))

    def a_bill_payment(self, amount: str, *settled: tuple[str, str, str], **fields: Any) -> BillPayment:
        return BillPayment(
            **{
                "vendor": self.vendor,
                "payment_date": DAY,
                "method": "check",
                "paid_from_account_code": CHECKING,
                "currency": "USD",
                "total_amount": Decimal(amount),
                "applied_amount": Decimal(amount),
                "unapplied_amount": Decimal(0),
                "applications": applications(settled),
                **fields,
            }
        )

    def a_credit_memo(self, *amounts: str, **fields: Any) -> CreditMemo:
        lines = sales_lines(self.item, amounts or ("100.00",))
        return CreditMemo(customer=self.customer, issue_date=DAY, open_amount=total(lines), **money(lines, fields))

    def a_vendor_credit(self, *amounts: str, **fields: Any) -> VendorCredit:
        lines = cost_lines(amounts or ("100.00",))
        return VendorCredit(vendor=self.vendor, issue_date=DAY, open_amount=total(lines), **money(lines, fields))

    def a_purchase_order(self, *amounts: str, **fields: Any) -> PurchaseOrder:
        lines = cost_lines(amounts or ("100.00",))
        return PurchaseOrder(vendor=self.vendor, issue_date=DAY, status="open", **money(lines, fields))

    def one_of_each(self) -> dict[str, Record]:
        """A record of every entity, ready to be made."""
        number = next(self.numbers)
        invoice = self.made("invoices", self.an_invoice("50.00")).external_id
        bill = self.made("bills", self.a_bill("50.00")).external_id
        return {
            "customers": a_customer(name=f"Customer {number}"),
            "vendors": a_vendor(name=f"Vendor {number}"),
            "items": an_item(name=f"Item {number}"),
            "invoices": self.an_invoice(document_number=f"INV-{number}"),
            "credit_memos": self.a_credit_memo(document_number=f"CM-{number}"),
            "payments": self.a_payment("50.00", ("invoices", invoice, "50.00")),
            "purchase_orders": self.a_purchase_order(),
            "bills": self.a_bill(document_number=f"B-{number}"),
            "vendor_credits": self.a_vendor_credit(),
            "bill_payments": self.a_bill_payment("50.00", ("bills", bill, "50.00")),
        }


def a_customer(**fields: Any) -> Customer:
    return Customer(**{"name": "A Customer", "currency": "USD", **fields})


def a_vendor(**fields: Any) -> Vendor:
    return Vendor(**{"name": "A Vendor", "currency": "USD", **fields})


def an_item(**fields: Any) -> Item:
    return Item(**{"name": "An Item", "kind": "service", "income_account_code": INCOME, **fields})


def sales_lines(item: str, amounts: tuple[str, ...]) -> tuple[SalesLine, ...]:
    return tuple(
        SalesLine(position=n, kind="item", item=item, quantity=Decimal(1), unit_price=Decimal(a), amount=Decimal(a))
        for n, a in enumerate(amounts, 1)
    )


def cost_lines(amounts: tuple[str, ...]) -> tuple[PurchaseLine, ...]:
    return tuple(
        PurchaseLine(position=n, kind="account", account_code=EXPENSE, amount=Decimal(a))
        for n, a in enumerate(amounts, 1)
    )


def applications(settled: tuple[tuple[str, str, str], ...]) -> tuple[Application, ...]:
    """Each settled document as entity, id and amount."""
    return tuple(
        Application(position=n, document_entity=entity, document=key, document_key="", amount=Decimal(amount))
        for n, (entity, key, amount) in enumerate(settled, 1)
    )


def total(lines: tuple[Any, ...]) -> Decimal:
    return sum((line.amount for line in lines), Decimal(0))


def money(lines: tuple[Any, ...], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Net, tax and total that fit the lines, unless `fields` says otherwise."""
    lines = fields.get("lines", lines)
    net = total(lines)
    tax = fields.get("tax_amount", Decimal(0))
    return {"currency": "USD", "net_amount": net, "total_amount": net + tax, "lines": lines, **fields}


def an_invoice(usual_customer: str, usual_lines: tuple[SalesLine, ...], **fields: Any) -> Invoice:
    sums = money(usual_lines, fields)
    return Invoice(**{"customer": usual_customer, "issue_date": DAY, "open_amount": sums["total_amount"], **sums})


def a_payment(customer: str, amount: str, settled: tuple[Application, ...], **fields: Any) -> Payment:
    applied = sum(
        ((-part.amount if part.document_entity == "credit_memos" else part.amount) for part in settled), Decimal(0)
    )
    return Payment(
        **{
            "customer": customer,
            "payment_date": DAY,
            "currency": "USD",
            "total_amount": Decimal(amount),
            "applied_amount": applied,
            "unapplied_amount": Decimal(amount) - applied,
            "applications": settled,
            **fields,
        }
    )


def now() -> datetime:
    return datetime.now(UTC)


def unlike(wanted: Any, found: Any) -> dict[str, tuple[Any, Any]]:
    """What `wanted` says and `found` does not; what it leaves unsaid QuickBooks may fill in."""
    differences: dict[str, tuple[Any, Any]] = {}
    for name in wanted.__struct_fields__:
        ours, theirs = getattr(wanted, name), getattr(found, name)
        if isinstance(ours, tuple):
            if len(ours) != len(theirs):
                differences[name] = (ours, theirs)
            for number, (one, other) in enumerate(zip(ours, theirs, strict=False), 1):
                differences |= {f"{name}[{number}].{key}": pair for key, pair in unlike(one, other).items()}
        elif ours not in (None, "") and ours != theirs:
            differences[name] = (ours, theirs)
    return differences
