"""A plain big QuickBooks company for benchmarks: many invoices of a few lines, no taxes, nothing paid, balances right.

Made for speed and flat memory, not for variety: the demo company has that. Chunks come out one at a time and hold no
more than INVOICES_PER_CHUNK invoices; customers and accounts come last, because only then are their balances known.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random

from sandbox.quickbooks.defaults import build_empty
from sandbox.quickbooks.settings import company_info, preferences
from sandbox.quickbooks.shapes import (
    Wire,
    customer,
    head,
    invoice,
    item,
    money,
    sales_line,
    stamp,
    subtotal_line,
    term,
    user_head,
)

CUSTOMERS, ITEMS, INVOICES_PER_CHUNK = 2000, 500, 1000
CLOSING = datetime(2026, 10, 31, 23, tzinfo=UTC)
PERIOD = timedelta(days=540)
FOUNDED = CLOSING - PERIOD - timedelta(days=1)
SAME_SECOND = 4
FIRST_INVOICE_ID = 1001


def build_volume(invoices: int, lines: int = 5, seed: int = 2026) -> Iterator[dict[str, list[Wire]]]:
    """Yield the company in chunks of objects by entity name. Same arguments: same company.

    Modification times run evenly over 18 months, four invoices to a second, ids in the same order. Raises ValueError
    at the first chunk if a count is not positive.
    """
    if invoices < 1 or lines < 1:
        raise ValueError(
            f"building a company: found {invoices} invoices of {lines} lines, expected at least one of each"
        )
    rng = Random(seed)
    accounts = build_empty(stamp(FOUNDED))["Account"]
    by_id = {account["Id"]: account for account in accounts}
    receivable, income = by_id["84"], by_id["79"]
    net_30 = term(head("3", FOUNDED), "Net 30", 30)
    items = [
        item(
            head(str(number), FOUNDED),
            f"Article {number:04d}",
            kind="NonInventory",
            income_account=income,
            description=f"Article number {number} of the catalogue",
            unit_price=money(rng.randint(100, 50000)),
        )
        for number in range(1, ITEMS + 1)
    ]
    parties = [
        customer(
            head(str(number), FOUNDED),
            f"Customer {number:05d}",
            currency="USD",
            email=f"customer{number}@example.com",
            taxable=False,
        )
        for number in range(1, CUSTOMERS + 1)
    ]
    yield {
        "CompanyInfo": [company_info("Volume Company (invented)", "US", "USA", head("1", FOUNDED), FOUNDED.date())],
        "Preferences": [
            preferences(head("1", FOUNDED), home_currency="USD", is_multicurrency=False, default_term_id="3")
        ],
        "Term": [net_30],
        "Item": items,
    }
    owed_cents = [0] * CUSTOMERS
    seconds = -(-invoices // SAME_SECOND)
    step = max(1, int(PERIOD.total_seconds()) // seconds)
    chunk: list[Wire] = []
    for index in range(invoices):
        party = rng.randrange(CUSTOMERS)
        created = CLOSING - timedelta(seconds=step * (seconds - 1 - index // SAME_SECOND))
        wire, total_cents = _invoice(rng, index, parties[party], items, net_30, created, lines)
        owed_cents[party] += total_cents
        chunk.append(wire)
        if len(chunk) == INVOICES_PER_CHUNK:
            yield {"Invoice": chunk}
            chunk = []
    if chunk:
        yield {"Invoice": chunk}
    for party, owed in zip(parties, owed_cents, strict=True):
        party["Balance"] = party["BalanceWithJobs"] = money(owed)
        party["MetaData"]["LastUpdatedTime"] = stamp(CLOSING)
    receivable["CurrentBalance"] = receivable["CurrentBalanceWithSubAccounts"] = money(sum(owed_cents))
    yield {"Customer": parties, "Account": accounts}


def _invoice(
    rng: Random, index: int, party: Wire, items: list[Wire], net_30: Wire, created: datetime, line_count: int
) -> tuple[Wire, int]:
    """One open invoice and its total in cents."""
    lines, total_cents = [], 0
    for number in range(1, line_count + 1):
        thing = items[int(rng.random() * ITEMS)]
        quantity = 1 + int(rng.random() * 12)
        amount = thing["UnitPrice"] * quantity
        total_cents += int(amount.scaleb(2))
        lines.append(
            sales_line(
                number,
                thing,
                amount,
                quantity=quantity,
                unit_price=thing["UnitPrice"],
                description=thing["Description"],
            )
        )
    total = money(total_cents)
    lines.append(subtotal_line(total))
    day = date.fromisoformat(stamp(created)[:10])
    wire = invoice(
        user_head(str(FIRST_INVOICE_ID + index), created),
        party=party,
        number=str(FIRST_INVOICE_ID + index),
        txn_date=day,
        due_date=day + timedelta(days=30),
        lines=lines,
        total=total,
        balance=total,
        term_ref={"value": net_30["Id"], "name": net_30["Name"]},
    )
    return wire, total_cents
