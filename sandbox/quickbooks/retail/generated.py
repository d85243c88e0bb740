"""What the source does not have and is made up: terms and payments, drawn from the document number alone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from sandbox.quickbooks.retail.survey import Document
from sandbox.quickbooks.shapes import ZERO, cents

TERMS = [("1", "Due on receipt", 0), ("2", "Net 15", 15), ("3", "Net 30", 30)]


def term_of(document: Document) -> tuple[str, str, int]:
    """Walk-ins and adjustments are due at once, named customers by draw: a fifth in 15 days, the rest in 30."""
    if document.is_walk_in or document.number.startswith("A"):
        return TERMS[0]
    return TERMS[1 if document.draw % 5 == 0 else 2]


def money_half(amount: Decimal) -> Decimal:
    return cents(amount / 2) if amount > Decimal("0.02") else ZERO


def draw_payment(document: Document, closing: datetime) -> tuple[Decimal, datetime]:
    """How much of a document is paid and when; (0.00, its own time) if nothing is by the end of the file.

    Named customers pay 70 % of their invoices in full and 10 % by half, a week before to two weeks after the due
    date; walk-ins pay 95 % at once. Credit memos, adjustments and zero totals are left alone.
    """
    if document.is_credit or not document.total or document.number.startswith("A"):
        return ZERO, document.at
    chance, days = (document.draw >> 8) % 100, (document.draw >> 16) % 22 - 7
    if document.is_walk_in:
        return (document.total if chance < 95 else ZERO), document.at
    day = max(document.day, document.day + timedelta(days=term_of(document)[2] + days))
    at = max(document.at, datetime.combine(day, time(12), UTC) + timedelta(seconds=(document.draw >> 24) % 14_400))
    if at > closing or chance >= 80:
        return ZERO, document.at
    return (document.total if chance < 70 else money_half(document.total)), at
