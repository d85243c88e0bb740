"""Builders of canonical records for tests: each says only what matters, the rest is plausible and adds up."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ledger.entities.customers import Customer
from ledger.entities.documents import Application, SalesLine
from ledger.entities.invoices import Invoice
from ledger.entities.payments import Payment


def a_line(key: str, amount: str, **other: Any) -> SalesLine:
    """A line of a sales document, known to the ERP under `key` (none if it is empty)."""
    said = {"position": 1, "kind": "item", "item": "7", "description": f"Line {key}"} | other
    return SalesLine(line_key=key, amount=Decimal(amount), **said)


def an_invoice(*lines: SalesLine, paid: str = "0", tax: str = "0", **other: Any) -> Invoice:
    """An invoice whose totals follow from its lines, its tax and what was paid, unless they are given."""
    placed = tuple(_placed(line, number) for number, line in enumerate(lines, 1))
    net = sum((line.amount for line in placed), Decimal(0))
    total = other.get("total_amount", net + Decimal(tax))
    said = {
        "customer": "1",
        "document_number": "INV-1",
        "issue_date": date(2026, 3, 1),
        "due_date": date(2026, 3, 31),
        "currency": "USD",
        "net_amount": net,
        "tax_amount": Decimal(tax),
        "total_amount": total,
        "open_amount": total - Decimal(paid),
        "lines": placed,
    }
    return Invoice(**said | other)


def _placed(line: SalesLine, number: int) -> SalesLine:
    return SalesLine(**{name: getattr(line, name) for name in line.__struct_fields__} | {"position": number})


def a_payment(total: str, /, *, settles: dict[str, str] | None = None, **other: Any) -> Payment:
    """A payment that settles invoices: external id -> amount."""
    applications = tuple(
        Application(position=number, document_entity="invoices", document=key, document_key=key, amount=Decimal(amount))
        for number, (key, amount) in enumerate((settles or {}).items(), 1)
    )
    applied = sum((a.amount for a in applications), Decimal(0))
    said = {
        "customer": "1",
        "payment_date": date(2026, 3, 10),
        "currency": "USD",
        "total_amount": Decimal(total),
        "applied_amount": applied,
        "unapplied_amount": Decimal(total) - applied,
        "applications": applications,
    }
    return Payment(**said | other)


def a_customer(name: str = "Ada's Bakery", **other: Any) -> Customer:
    return Customer(name=name, **{"currency": "USD"} | other)
