"""A plain big Xero organisation for benchmarks: many invoices of a few lines, no taxes, nothing paid, balances right.

Made for speed and flat memory, not for variety: the demo organisation has that. Chunks come out one at a time and hold
no more than INVOICES_PER_CHUNK invoices; contacts come last, because only then are their balances known.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from sandbox.xero.defaults import guid
from sandbox.xero.plug import TENANT_ID
from sandbox.xero.shapes import Wire, contact, invoice, item, sales_line

CONTACTS, ITEMS, INVOICES_PER_CHUNK = 2000, 500, 1000
CLOSING = datetime(2026, 10, 31, 23, tzinfo=UTC)
PERIOD = timedelta(days=540)
FOUNDED = CLOSING - PERIOD - timedelta(days=1)
SAME_SECOND = 4


def build_volume(invoices: int, lines: int = 5, seed: int = 2026) -> Iterator[dict[str, list[Wire]]]:
    """Yield the organisation in chunks of records by resource. Same arguments: same organisation.

    Modification times run evenly over 18 months, four invoices to a second. Raises ValueError at the first chunk if a
    count is not positive.
    """
    if invoices < 1 or lines < 1:
        raise ValueError(
            f"building a company: found {invoices} invoices of {lines} lines, expected one of each at least"
        )
    chance = Random(seed)

    def new() -> str:
        # Cut by hand: a UUID object for each of a million lines would be most of the work.
        digits = f"{chance.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"

    items = [
        item(new(), f"A{number:04d}", f"Article {number:04d}", Decimal(chance.randint(100, 50000)).scaleb(-2), FOUNDED)
        for number in range(1, ITEMS + 1)
    ]
    parties = [
        contact(new(), f"Customer {number:05d}", FOUNDED, EmailAddress=f"customer{number}@example.com")
        for number in range(1, CONTACTS + 1)
    ]
    yield {"Items": items}
    owed = [Decimal("0.00")] * CONTACTS
    seconds = -(-invoices // SAME_SECOND)
    step, account_id = max(1, int(PERIOD.total_seconds()) // seconds), guid(TENANT_ID, "account 200")
    chunk: list[Wire] = []
    for index in range(invoices):
        party = chance.randrange(CONTACTS)
        changed = CLOSING - timedelta(seconds=step * (seconds - 1 - index // SAME_SECOND))
        sold = [
            sales_line(new(), items[int(chance.random() * ITEMS)], 1 + int(chance.random() * 12), account_id)
            for _ in range(lines)
        ]
        total = sum((line["LineAmount"] for line in sold), Decimal("0.00"))
        owed[party] += total
        day = changed.date()
        number = f"INV-{index + 1:06d}"
        chunk.append(invoice(new(), parties[party], number, day, day + timedelta(days=30), sold, total, changed))
        if len(chunk) == INVOICES_PER_CHUNK:
            yield {"Invoices": chunk}
            chunk = []
    if chunk:
        yield {"Invoices": chunk}
    zero = {"Outstanding": Decimal("0.00"), "Overdue": Decimal("0.00")}
    for party, figure in zip(parties, owed, strict=True):
        if figure:
            receivable = {"Outstanding": figure, "Overdue": Decimal("0.00")}
            party |= {"IsCustomer": True, "Balances": {"AccountsReceivable": receivable, "AccountsPayable": zero}}
    yield {"Contacts": parties}
