"""A transaction of the demo before it has an id.

QuickBooks gives ids in order of creation while links point both ways, so transactions are drafted with links to each
other and are numbered and rendered once all are known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sandbox.quickbooks.shapes import ZERO, Wire


@dataclass(eq=False)
class Txn:
    """A transaction before it has an id: its amounts are final, its links are objects.

    `applied` holds, on a payment, the documents it pays, and on a document, the payments that pay it, with the amount
    each. `number` is DocNumber; "" until numbered, or for good where the kind has none.
    """

    kind: str
    party: Wire
    day: date
    created: datetime
    total: Decimal = ZERO
    number: str = ""
    id: str = ""
    changes: int = 0
    updated: datetime | None = None
    is_void: bool = False
    applied: list[tuple[Txn, Decimal]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def currency(self) -> str:
        return self.party["CurrencyRef"]["value"]

    @property
    def open(self) -> Decimal:
        """What is still owed on a document, or not yet used of a credit or payment."""
        return ZERO if self.is_void else self.total - sum((amount for _, amount in self.applied), ZERO)

    def touch(self, at: datetime) -> None:
        """One effective change: SyncToken +1, LastUpdatedTime not before what it was."""
        self.changes += 1
        self.updated = max(at, self.updated or self.created)


def apply(payment: Txn, document: Txn, amount: Decimal) -> None:
    """Let a payment settle a part of a document; that changes the document, as QuickBooks counts it."""
    payment.applied.append((document, amount))
    document.applied.append((payment, amount))
    document.touch(payment.created)
