"""The receivables side of the demo, drafted: invoices, payments, credit memos, voids. receivables.py renders them."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.demo.books import Company
from sandbox.quickbooks.demo.txn import Txn, apply
from sandbox.quickbooks.shapes import (
    ZERO,
    Wire,
    cents,
    ref,
    tax_line,
)

INVOICES, VOIDS, CREDITS, CREDITS_APPLIED, DEPOSITS = 1500, 22, 60, 28, 14
CREDIT_LINK_NOTE = "Created by QB Online to link credits to charges."


def draft_sales(company: Company) -> None:
    """Draft the whole side: invoices, then voids among them, payments, credits and money received in advance."""
    invoices = [_draft_invoice(company) for _ in range(INVOICES)]
    invoices.sort(key=lambda txn: txn.created)
    active = [txn for txn in invoices if txn.party["Active"]]
    voided = company.rng.sample(active, VOIDS)
    for txn in voided:
        txn.is_void = True
        txn.touch(min(txn.created + timedelta(days=company.rng.randint(0, 20), minutes=7), company.closing))
    _draft_payments(company, [txn for txn in invoices if not txn.is_void])
    _draft_credits(company, [txn for txn in active if not txn.is_void])
    _draft_deposits(company)
    for txn in company.rng.sample(active, 25):
        txn.details["private_note"] = "Customer called about delivery"
        txn.touch(min((txn.updated or txn.created) + timedelta(hours=5), company.closing))


def _draft_lines(company: Company, count: int, *, is_taxable: bool) -> list[dict[str, Any]]:
    """Lines as plain values: item, quantity, price, amount (their exact product), tax code."""
    rng = company.rng
    items = [wire for wire in company.objects["Item"] if wire["Type"] != "Category" and wire["Active"]]
    lines = []
    for _ in range(count):
        thing = rng.choice(items)
        is_service = thing["Type"] == "Service"
        quantity = Decimal(rng.randint(1, 32)) / 4 if is_service else rng.randint(1, 12)
        price = thing["UnitPrice"] if rng.random() < 0.8 else (thing["UnitPrice"] * 9 / 10).quantize(Decimal("1.00"))
        if is_service:
            price = price.quantize(Decimal(1)).quantize(Decimal("0.01"))
        lines.append(
            {
                "thing": thing,
                "quantity": quantity,
                "unit_price": price,
                "amount": cents(quantity * price),
                "tax_code": "TAX" if is_taxable and thing["Taxable"] else "NON",
                "description": thing.get("Description") if rng.random() < 0.9 else None,
                "class_ref": ref(*_class_of(company)) if rng.random() < 0.2 else None,
            }
        )
    return lines


def _class_of(company: Company) -> tuple[str, str]:
    chosen = company.rng.choice(company.objects["Class"])
    return chosen["Id"], chosen["Name"]


def _tax(company: Company, lines: list[dict[str, Any]], party: Wire) -> tuple[Decimal, Wire]:
    """Total tax and TxnTaxDetail: each rate of the customer's code on the taxed lines, rounded by itself."""
    taxable = sum((line["amount"] for line in lines if line["tax_code"] == "TAX"), ZERO)
    if not taxable:
        return ZERO, {"TotalTax": ZERO}
    code_id = party["DefaultTaxCodeRef"]["value"]
    code = next(code for code in company.objects["TaxCode"] if code["Id"] == code_id)
    by_id = {rate["Id"]: rate for rate in company.objects["TaxRate"]}
    rates = [by_id[detail["TaxRateRef"]["value"]] for detail in code["SalesTaxRateList"]["TaxRateDetail"]]
    tax_lines = [tax_line(cents(taxable * rate["RateValue"] / 100), rate, taxable) for rate in rates]
    total = sum((line["Amount"] for line in tax_lines), ZERO)
    return total, {"TxnTaxCodeRef": ref(code_id), "TotalTax": total, "TaxLine": tax_lines}


def _discount(company: Company, subtotal: Decimal) -> tuple[int | None, Decimal]:
    """A percentage or None, and the amount: about one invoice in twelve by percent, one in thirty a fixed amount."""
    chance = company.rng.random()
    if chance < 0.08:
        percent = company.rng.choice([5, 10])
        return percent, cents(subtotal * percent / 100)
    return None, min(Decimal("15.00"), subtotal) if chance < 0.11 else ZERO


def _sales_txn(company: Company, kind: str, party: Wire, day: date, lines: list[dict[str, Any]]) -> Txn:
    """An invoice or credit memo; its total is lines less discount plus the tax on the undiscounted lines."""
    subtotal = sum((line["amount"] for line in lines), ZERO)
    percent, discount = _discount(company, subtotal) if kind == "Invoice" else (None, ZERO)
    tax, tax_detail = _tax(company, lines, party)
    txn = Txn(kind, party, day, company.moment_of(day), subtotal - discount + tax)
    txn.details = {"lines": lines, "subtotal": subtotal, "discount": (percent, discount), "tax_detail": tax_detail}
    return txn


def _draft_invoice(company: Company) -> Txn:
    rng = company.rng
    party = rng.choice(company.objects["Customer"])
    day = company.day_in_period(until=None if party["Active"] else company.opened + timedelta(days=270))
    is_run = rng.random() < 0.15
    if is_run and day.replace(day=1) >= company.opened:
        day = day.replace(day=1)
    lines = _draft_lines(company, rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 6, 8]), is_taxable=party["Taxable"])
    txn = _sales_txn(company, "Invoice", party, day, lines)
    if is_run:
        # The monthly invoice run writes them all within the same three seconds.
        txn.created = datetime.combine(day, time(16), UTC) + timedelta(seconds=rng.randrange(3))
    txn.details["term"] = rng.choice([0, 1, 2, 2, 2, 3]) if rng.random() < 0.85 else None
    txn.details["purchase_order"] = f"PO-{rng.randint(1000, 99999)}" if rng.random() < 0.25 else None
    txn.details["department"] = rng.choice(company.objects["Department"]) if rng.random() < 0.2 else None
    company.txns.append(txn)
    return txn


def _draft_payment(company: Company, party: Wire, day: date, total: Decimal) -> Txn:
    method = company.rng.choice(company.objects["PaymentMethod"])
    reference = str(company.rng.randint(1000, 9999999)) if method["Name"] in ("Check", "Bank transfer") else None
    txn = Txn("Payment", party, day, company.moment_of(day), total, details={"method": method, "reference": reference})
    company.txns.append(txn)
    return txn


def _draft_payments(company: Company, invoices: list[Txn]) -> None:
    """Pay about three in four: whole, in part (some twice), several at once, some with a rest left over.

    Inactive customers have paid everything, or they could not have been made inactive with a zero balance.
    """
    rng = company.rng
    by_party: dict[str, list[Txn]] = defaultdict(list)
    for txn in invoices:
        by_party[txn.party["Id"]].append(txn)
    for txns in by_party.values():
        waiting: list[Txn] = []
        for txn in txns:
            is_active = txn.party["Active"]
            chance = rng.random() if is_active else 0.0
            day = txn.day + timedelta(days=rng.randint(3, 70))
            if day > company.anchor or chance >= 0.82:
                continue
            if chance < 0.12 and is_active:
                waiting.append(txn)
                if len(waiting) < rng.randint(2, 4):
                    continue
                total = sum((each.total for each in waiting), ZERO)
                paid = _draft_payment(company, txn.party, day, total)
                for each in waiting:
                    apply(paid, each, each.total)
                waiting = []
            elif chance < 0.24 and is_active:
                _pay_in_parts(company, txn, day)
            else:
                rest = Decimal(rng.randint(1, 9000)).scaleb(-2) if is_active and rng.random() < 0.03 else ZERO
                paid = _draft_payment(company, txn.party, day, txn.total + rest)
                apply(paid, txn, txn.total)


def _pay_in_parts(company: Company, txn: Txn, day: date) -> None:
    rng = company.rng
    first = cents(txn.total * rng.randint(20, 80) / 100)
    apply(_draft_payment(company, txn.party, day, first), txn, first)
    later = day + timedelta(days=rng.randint(1, 40))
    if rng.random() < 0.4 and later <= company.anchor:
        apply(_draft_payment(company, txn.party, later, txn.open), txn, txn.open)


def _draft_credits(company: Company, invoices: list[Txn]) -> None:
    """Credit memos; some are applied by a payment of 0.00 that links them to an open invoice, the rest stay open."""
    rng = company.rng
    owing = [txn for txn in invoices if txn.open > 0 and txn.day < company.anchor - timedelta(days=10)]
    chosen = rng.sample(owing, CREDITS)
    for index, owed in enumerate(chosen):
        day = owed.day + timedelta(days=rng.randint(1, 9))
        lines = _draft_lines(company, rng.randint(1, 2), is_taxable=owed.party["Taxable"])
        credit = _sales_txn(company, "CreditMemo", owed.party, day, lines)
        company.txns.append(credit)
        if index < CREDITS_APPLIED:
            amount = min(credit.total, owed.open)
            latest = max([credit.created, *(paid.created for paid, _ in owed.applied)])
            linking = Txn("Payment", owed.party, latest.date(), latest + timedelta(seconds=rng.randint(0, 90)))
            linking.day = max(day, *(paid.day for paid, _ in owed.applied)) if owed.applied else day
            linking.details["private_note"] = CREDIT_LINK_NOTE
            company.txns.append(linking)
            apply(linking, owed, amount)
            apply(linking, credit, amount)


def _draft_deposits(company: Company) -> None:
    """Money received before there is anything to pay: payments without lines."""
    rng = company.rng
    parties = [wire for wire in company.objects["Customer"] if wire["Active"]]
    for party in rng.sample(parties, DEPOSITS):
        _draft_payment(company, party, company.day_in_period(), Decimal(rng.randint(5000, 250000)).scaleb(-2))
