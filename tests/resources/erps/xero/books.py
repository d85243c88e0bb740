"""A ledger and an empty organisation of the simulator, both with their books: for what goes the whole way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.books import Books
from tests.ledger_writer import LedgerWriter

BANK = "090"


class Died(Exception):
    """The push ended in the middle."""


class BothBooks:
    """`writer` works in the ledger; `there` is what the organisation holds."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.writer = LedgerWriter(books)

    def there(self, name: str, *statuses: str) -> list[dict[str, Any]]:
        return [row for row in self.books.objects(name) if not statuses or row.get("Status") in statuses]

    def invoice(self, customer: int, amount: str, number: str) -> int:
        line = {"kind": "item", "account_code": "200", "amount": Decimal(amount), "description": "work"}
        value = Decimal(amount)
        return self.writer.insert(
            "invoices",
            [line],
            customer_id=customer,
            document_number=number,
            issue_date="2026-03-01",
            due_date="2026-04-01",
            currency="USD",
            net_amount=value,
            total_amount=value,
            open_amount=value,
        )

    def pay(self, customer: int, amount: str, applied: dict[int, str] | None = None, **values: Any) -> int:
        said = {"deposit_account_code": BANK, "reference_number": "T-1", **values}
        return self.writer.payment(customer, amount, applied, **said)

    def open_amounts(self) -> dict[str, Decimal]:
        """Document number -> what is open, by the ledger."""
        rows = self.books.rows("select document_number, open_amount from ledger.invoices where not is_deleted")
        return {row["document_number"]: row["open_amount"] for row in rows}

    def is_settled(self) -> bool:
        """Whether both books say the same, and neither has anything left to say."""
        self.books.sync()
        pushed = self.books.push().pushed
        totals = self.books.reconcile()
        return (
            pushed == {}
            and self.books.open_errors() == []
            and self.books.rows("select 1 from sync.conflicts where state = 'open'") == []
            and all(not result.breaks and not result.difference for result in totals.values())
        )
