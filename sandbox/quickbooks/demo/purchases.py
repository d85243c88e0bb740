"""The payables side of the demo: purchase orders, bills, vendor credits, payments; drafted first, rendered last."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.demo.books import HOME, Company
from sandbox.quickbooks.demo.chart import TERMS
from sandbox.quickbooks.demo.txn import Txn, apply
from sandbox.quickbooks.shapes import (
    ZERO,
    Wire,
    account_expense_line,
    bill,
    bill_payment,
    cents,
    foreign,
    head,
    item_expense_line,
    link,
    purchase_order,
    user_head,
    vendor_credit,
)

BILLS, ORDERS, ORDERS_CLOSED, CREDITS, CREDITS_APPLIED = 400, 60, 34, 24, 11


def draft_purchases(company: Company) -> None:
    """Draft the whole side: orders with their bills, other bills, payments, credits."""
    rng = company.rng
    bills = _draft_orders(company)
    while len(bills) < BILLS:
        party = rng.choice(company.objects["Vendor"])
        day = company.day_in_period(until=None if party["Active"] else company.opened + timedelta(days=270))
        bills.append(_purchase(company, "Bill", party, day, _draft_lines(company, rng.randint(1, 5), items_only=False)))
    _draft_payments(company, bills)
    _draft_credits(company, [txn for txn in bills if txn.party["Active"]])


def _draft_lines(company: Company, count: int, *, items_only: bool) -> list[dict[str, Any]]:
    rng = company.rng
    items = [
        wire for wire in company.objects["Item"] if wire["Type"] in ("Inventory", "NonInventory") and wire["Active"]
    ]
    accounts = [wire for wire in company.objects["Account"] if wire["AccountType"] == "Expense" and wire["Active"]]
    lines: list[dict[str, Any]] = []
    for _ in range(count):
        if items_only or rng.random() < 0.5:
            thing, quantity = rng.choice(items), rng.randint(1, 20)
            amount = thing["PurchaseCost"] * quantity
            lines.append({"thing": thing, "quantity": quantity, "amount": amount})
        else:
            amount = Decimal(rng.randint(500, 90000)).scaleb(-2)
            lines.append({"account": rng.choice(accounts), "amount": amount, "note": rng.random() < 0.5})
    return lines


def _purchase(company: Company, kind: str, party: Wire, day: date, lines: list[dict[str, Any]]) -> Txn:
    rng = company.rng
    total = sum((line["amount"] for line in lines), ZERO)
    txn = Txn(kind, party, day, company.moment_of(day), total, details={"lines": lines})
    txn.details["term"] = rng.choice([0, 1, 2, 2, 3]) if rng.random() < 0.7 else None
    if kind != "PurchaseOrder" and rng.random() < 0.6:
        txn.number = f"{rng.choice('ABCDEFGH')}-{rng.randint(10000, 999999)}"
    company.txns.append(txn)
    return txn


def _draft_orders(company: Company) -> list[Txn]:
    """Purchase orders, and a bill with the same lines for each that is closed."""
    rng = company.rng
    parties = [wire for wire in company.objects["Vendor"] if wire["Active"]]
    bills = []
    for index in range(ORDERS):
        party = rng.choice(parties)
        day = company.day_in_period(until=company.anchor - timedelta(days=40))
        lines = _draft_lines(company, rng.randint(1, 4), items_only=True)
        order = _purchase(company, "PurchaseOrder", party, day, lines)
        if index < ORDERS_CLOSED:
            billed = _purchase(company, "Bill", party, day + timedelta(days=rng.randint(2, 30)), lines)
            order.details["bill"] = billed
            order.touch(billed.created)
            bills.append(billed)
    return bills


def _draft_payments(company: Company, bills: list[Txn]) -> None:
    """Pay about two in three bills: by check or card, whole or in part, sometimes two bills of a vendor at once."""
    rng = company.rng
    by_party: dict[str, list[Txn]] = defaultdict(list)
    for txn in sorted(bills, key=lambda txn: txn.created):
        by_party[txn.party["Id"]].append(txn)
    for txns in by_party.values():
        waiting: list[Txn] = []
        for txn in txns:
            is_active = txn.party["Active"]
            chance = rng.random() if is_active else 0.5
            day = txn.day + timedelta(days=rng.randint(1, 60))
            if day > company.anchor or chance >= 0.72:
                continue
            if chance < 0.1:
                waiting.append(txn)
                if len(waiting) < 2:
                    continue
                paid = _draft_payment(company, txn.party, day, sum((each.total for each in waiting), ZERO))
                for each in waiting:
                    apply(paid, each, each.total)
                waiting = []
            elif chance < 0.2:
                part = cents(txn.total * rng.randint(20, 80) / 100)
                apply(_draft_payment(company, txn.party, day, part), txn, part)
            else:
                apply(_draft_payment(company, txn.party, day, txn.total), txn, txn.total)


def _draft_payment(company: Company, party: Wire, day: date, total: Decimal) -> Txn:
    is_card = party["CurrencyRef"]["value"] == HOME and company.rng.random() < 0.25
    card = company.rng.choice(["Company Card", "Travel Card"]) if is_card else None
    txn = Txn("BillPayment", party, day, company.moment_of(day), total, details={"card": card})
    company.txns.append(txn)
    return txn


def _draft_credits(company: Company, bills: list[Txn]) -> None:
    """Vendor credits; some are used by a bill payment that pays the bill less the credit, the rest stay open."""
    rng = company.rng
    owing = [txn for txn in bills if not txn.applied and txn.day < company.anchor - timedelta(days=30)]
    for index, owed in enumerate(rng.sample(owing, CREDITS)):
        credit = _purchase(
            company,
            "VendorCredit",
            owed.party,
            owed.day + timedelta(days=rng.randint(1, 9)),
            _draft_lines(company, 1, items_only=False),
        )
        if index < CREDITS_APPLIED:
            used = min(credit.total, owed.total)
            paid = _draft_payment(company, owed.party, credit.day + timedelta(days=5), owed.total - used)
            apply(paid, owed, owed.total)
            apply(paid, credit, used)


def _lines_of(txn: Txn) -> list[Wire]:
    lines = []
    for number, line in enumerate(txn.details["lines"], start=1):
        if "thing" in line:
            thing = line["thing"]
            lines.append(
                item_expense_line(
                    number,
                    thing,
                    line["amount"],
                    quantity=line["quantity"],
                    unit_price=thing["PurchaseCost"],
                    description=thing.get("Description"),
                )
            )
        else:
            name = line["account"]["Name"]
            note = f"{name} of {txn.day:%B %Y}" if line["note"] else None
            lines.append(account_expense_line(number, line["account"], line["amount"], description=note))
    return lines


def _rate(company: Company, txn: Txn) -> Decimal:
    return company.rate(txn.currency, txn.day)


def render_bill(company: Company, txn: Txn) -> Wire:
    index = txn.details["term"]
    return bill(
        user_head(txn.id, txn.created, txn.updated, changes=txn.changes),
        party=txn.party,
        txn_date=txn.day,
        due_date=txn.day + timedelta(days=0 if index is None else TERMS[index][1]),
        lines=_lines_of(txn),
        total=txn.total,
        balance=txn.open,
        payables_account=company.payables(txn.currency),
        number=txn.number or None,
        links=[link(paid.id, "BillPaymentCheck") for paid, _ in reversed(txn.applied)],
        term_id=None if index is None else str(index + 1),
        extra=foreign(txn.currency, HOME, _rate(company, txn), HomeBalance=txn.open),
    )


def render_vendor_credit(company: Company, txn: Txn) -> Wire:
    return vendor_credit(
        head(txn.id, txn.created, txn.updated, changes=txn.changes),
        party=txn.party,
        txn_date=txn.day,
        lines=_lines_of(txn),
        total=txn.total,
        balance=txn.open,
        payables_account=company.payables(txn.currency),
        number=txn.number or None,
        extra=foreign(txn.currency, HOME, _rate(company, txn)),
    )


def _paying_account(company: Company, txn: Txn) -> Wire:
    return company.account(txn.details["card"] or ("Checking" if txn.currency == HOME else "Euro Checking"))


def render_bill_payment(company: Company, txn: Txn) -> Wire:
    paying = _paying_account(company, txn)
    is_card = txn.details["card"] is not None
    return bill_payment(
        head(txn.id, txn.created, txn.updated, changes=txn.changes),
        party=txn.party,
        txn_date=txn.day,
        number=txn.number,
        total=txn.total,
        lines=[{"Amount": amount, "LinkedTxn": [link(doc.id, doc.kind)]} for doc, amount in txn.applied],
        bank_account=None if is_card else paying,
        card_account=paying if is_card else None,
        extra=foreign(txn.currency, HOME, _rate(company, txn)),
    )


def render_purchase_order(company: Company, txn: Txn) -> Wire:
    billed = txn.details.get("bill")
    return purchase_order(
        user_head(txn.id, txn.created, txn.updated, changes=txn.changes),
        party=txn.party,
        number=txn.number,
        txn_date=txn.day,
        lines=_lines_of(txn),
        total=txn.total,
        payables_account=company.payables(txn.currency),
        links=[link(billed.id, "Bill")] if billed else [],
        is_closed=billed is not None,
        memo="Please confirm the delivery date" if int(txn.number) % 3 == 0 else None,
        extra=foreign(txn.currency, HOME, _rate(company, txn)),
    )


def post_purchases(company: Company) -> None:
    """Carry the payables side into balances: vendors, A/P by currency (negative), bank and cards."""
    own: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for txn in company.txns:
        if txn.kind not in ("Bill", "VendorCredit", "BillPayment"):
            continue
        at = txn.updated or txn.created
        if txn.kind == "BillPayment":
            company.post(_paying_account(company, txn), -txn.total, txn.created)
        else:
            own[txn.party["Id"]] += txn.open if txn.kind == "Bill" else -txn.open
        if txn.party["Active"]:
            company.touch_name(txn.party, at)
        company.touch_name(company.payables(txn.currency), at)
    for party in company.objects["Vendor"]:
        party["Balance"] = own[party["Id"]]
        company.post(company.payables(party["CurrencyRef"]["value"]), -own[party["Id"]])
