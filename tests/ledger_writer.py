"""Somebody works in our ledger: rows written by SQL, as any program of the company may, saying only what matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from tests.books import Books

WRITER = "ada@books.example"


class LedgerWriter:
    """Writes as a person; each call is a transaction of its own."""

    def __init__(self, books: Books, actor: str = WRITER) -> None:
        self.books = books
        self.actor = actor

    @contextmanager
    def transaction(self):
        with self.books.services.db.transaction(self.books.tenant) as tx:
            tx.execute("select set_config('tieout.actor', %s, true)", (self.actor,))
            yield tx

    def insert(self, entity: str, lines: Sequence[Mapping[str, Any]] = (), **values: Any) -> int:
        """A new row and its parts; returns its ledger id."""
        with self.transaction() as tx:
            ledger_id = _insert(tx, f"ledger.{entity}", values, "ledger_id")
            parts = _PARTS.get(entity)
            for position, line in enumerate(lines, 1):
                assert parts is not None
                table, parent = parts
                _insert(tx, f"ledger.{table}", {parent: ledger_id, "position": position, **line}, "part_id")
        return ledger_id

    def update(self, entity: str, ledger_id: int, **values: Any) -> None:
        with self.transaction() as tx:
            _update(tx, f"ledger.{entity}", "ledger_id", ledger_id, values)

    def update_line(self, entity: str, ledger_id: int, position: int, **values: Any) -> None:
        table, parent = _PARTS[entity]
        with self.transaction() as tx:
            (part_id,) = tx.execute(
                sql.SQL("select part_id from {} where {} = %s and position = %s").format(
                    sql.Identifier("ledger", table), sql.Identifier(parent)
                ),
                (ledger_id, position),
            ).fetchone()
            _update(tx, f"ledger.{table}", "part_id", part_id, values)

    def customer(self, name: str, **values: Any) -> int:
        return self.insert("customers", name=name, **{"currency": "USD", **values})

    def vendor(self, name: str, **values: Any) -> int:
        return self.insert("vendors", name=name, **{"currency": "USD", **values})

    def invoice(self, customer_id: int, amount: str = "100.00", item_id: int | None = None, **values: Any) -> int:
        """One line over the whole amount."""
        return self.insert(
            "invoices",
            [{"kind": "item", "item_id": item_id, "amount": Decimal(amount), "description": "work"}],
            customer_id=customer_id,
            **{**_money(amount), "issue_date": "2026-03-01", **values},
        )

    def payment(self, customer_id: int, amount: str, applied: Mapping[int, str] | None = None, **values: Any) -> int:
        """`applied` is invoice ledger id -> amount."""
        settled = sum((Decimal(a) for a in (applied or {}).values()), Decimal(0))
        return self.insert(
            "payments",
            [
                {"document_entity": "invoices", "document_id": invoice, "document_key": "", "amount": Decimal(a)}
                for invoice, a in (applied or {}).items()
            ],
            customer_id=customer_id,
            **{
                "payment_date": "2026-03-02",
                "currency": "USD",
                "total_amount": Decimal(amount),
                "applied_amount": settled,
                "unapplied_amount": Decimal(amount) - settled,
                **values,
            },
        )

    def bill(self, vendor_id: int, amount: str, account_code: str, **values: Any) -> int:
        return self.insert(
            "bills",
            [{"kind": "account", "account_code": account_code, "amount": Decimal(amount), "description": "goods"}],
            vendor_id=vendor_id,
            **{**_money(amount), "issue_date": "2026-03-01", **values},
        )


def _money(amount: str) -> dict[str, Any]:
    value = Decimal(amount)
    return {"currency": "USD", "net_amount": value, "total_amount": value, "open_amount": value}


_PARTS = {
    "invoices": ("invoice_lines", "invoice_id"),
    "credit_memos": ("credit_memo_lines", "credit_memo_id"),
    "payments": ("payment_applications", "payment_id"),
    "bills": ("bill_lines", "bill_id"),
    "vendor_credits": ("vendor_credit_lines", "vendor_credit_id"),
    "bill_payments": ("bill_payment_applications", "bill_payment_id"),
    "purchase_orders": ("purchase_order_lines", "purchase_order_id"),
}


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))


def _insert(tx: psycopg.Connection[Any], table: str, values: Mapping[str, Any], key: str) -> int:
    (made,) = tx.execute(
        sql.SQL("insert into {} (tenant_id, {}) values (sync.current_tenant(), {}) returning {}").format(
            _table(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(sql.Placeholder() * len(values)),
            sql.Identifier(key),
        ),
        list(values.values()),
    ).fetchone()
    return made


def _update(tx: psycopg.Connection[Any], table: str, key: str, row: int, values: Mapping[str, Any]) -> None:
    changed = tx.execute(
        sql.SQL("update {} set {} where {} = %s").format(
            _table(table),
            sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values),
            sql.Identifier(key),
        ),
        [*values.values(), row],
    ).rowcount
    assert changed == 1, f"{table} has no row {row}"
