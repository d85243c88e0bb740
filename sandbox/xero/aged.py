"""Aged receivables and payables of one contact.

Belongs here: what a contact owes or is owed, document by document, as of a day. The layout is that of the published
examples; amounts are in the organisation's currency.
"""

from decimal import Decimal
from typing import Any

from sandbox.xero import wire
from sandbox.xero.ledger import control, documents, settlements
from sandbox.xero.report_rows import (
    Asked,
    Row,
    header,
    long,
    midnight,
    minus_year,
    money,
    report,
    row,
    section,
    summary,
)
from sandbox.xero.wire import NotFound
from sandbox.xero.work import amount


def build(asked: Asked, what: str, number: str, sign: int) -> dict[str, Any]:
    """What one contact owes or is owed, document by document, as of a day; credits count against it."""
    contact = asked.books.get("Contacts", asked.query.get("contactid", "").lower())
    if contact is None:
        raise NotFound("Contacts")
    account = "DEBTORS" if what == "Receivables" else "CREDITORS"
    start = asked.wanted_day("fromdate") or minus_year(minus_year(asked.day))
    end = asked.wanted_day("todate") or asked.day
    opening, sums, inner = Decimal("0.00"), [Decimal("0.00")] * 4, []
    for value in sorted(
        documents(asked.books, contact["ContactID"]), key=lambda value: wire.read_ms(value["Date"]) or 0
    ):
        own, direction = control(value)
        day = wire.day_of(value["Date"])
        if own != account or day > min(end, asked.day):
            continue
        figures = _figures(asked, value, direction * sign)
        if day < start:
            opening += figures[3]
        elif figures[3]:
            sums = [total + figure for total, figure in zip(sums, figures, strict=True)]
            inner.append(_aged_row(asked, value, figures))
    first = row([midnight(start), "Opening Balance", "", "", "", "", "", money(opening)])
    closing = [*sums[:3], sums[3] + opening]
    rows = [
        header("Date", number, "Due Date", "", "Total", "Paid", "Credited", "Due"),
        section("", [first]),
        section("", [*inner, summary("Total", "", "", "", *map(money, sums))]),
        section("", [summary("Closing Balance", "", "", "", *map(money, closing))]),
    ]
    until = long(asked.day)
    titles = ["Invoices", contact["Name"], f"From {long(start)} to {long(end)}", f"Showing payments to {until}"]
    return report(asked, f"Aged{what}ByContact", f"Aged {what} By Contact", titles, asked.day, rows)


def _figures(asked: Asked, value: dict[str, Any], sign: int) -> list[Decimal]:
    """Total, paid, credited and due of a document as of the day."""
    total = amount(value, "Total")
    uses = [use for use in settlements(value) if use.day <= asked.day]
    paid = sum((use.figure for use in uses if use.payment_id), Decimal(0))
    credited = sum((use.figure for use in uses if not use.payment_id), Decimal(0))
    figures = (total, paid, credited, total - paid - credited)
    return [sign * asked.ledger.base(value, figure) for figure in figures]


def _aged_row(asked: Asked, value: dict[str, Any], figures: list[Decimal]) -> Row:
    due = wire.day_of(value["DueDate"]) if value.get("DueDate") else None
    late = (asked.day - due).days if due is not None else 0
    number = value.get("InvoiceNumber") or value.get("CreditNoteNumber") or value.get("Reference", "")
    key = next(
        (value[name] for name in ("InvoiceID", "CreditNoteID", "PrepaymentID", "OverpaymentID") if name in value), ""
    )
    overdue = f"{late} days overdue" if late > 0 and figures[3] > 0 else ""
    texts = [midnight(wire.day_of(value["Date"])), number, midnight(due) if due else "", overdue]
    return row([*texts, *map(money, figures)], "invoiceID", key)
