"""What people do in the ledger: their deeds, by SQL, as any program of the company may do them.

Belongs here: nothing of an ERP. The order of the show is `show.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg

from pipelines.demo.company import Company
from resources.services import Services

CLERK = "accounting@demo"
_AMOUNTS = (Decimal("1480.00"), Decimal("620.00"))


class Found(NamedTuple):
    """A row of the ledger and its record in one company."""

    ledger_id: int
    name: str
    external_id: str


def work_in_the_ledger(house: Services, tenant: str, companies: Sequence[Company]) -> Iterator[str]:
    """What somebody does in the company's own book; yields each deed as a sentence."""
    with _as_clerk(house, tenant) as tx:
        customer = _one(
            tx,
            "insert into ledger.customers (name, currency, email) "
            "values ('Quiet Harbour Repairs', 'USD', 'desk@quiet-harbour.example') returning ledger_id",
        )
    yield "takes on a customer, Quiet Harbour Repairs"
    for number, (company, amount) in enumerate(zip(companies, _AMOUNTS, strict=True), 1):
        with _as_clerk(house, tenant) as tx:
            _bill(tx, company, customer, f"OURS-{number}", amount)
        yield f"bills it {amount:,.2f} by way of {company.title}, invoice OURS-{number}"
    thanked = untouched_invoice(house, tenant, companies[0], 0)
    note(house, tenant, thanked.ledger_id, "memo", "Thank you for your patience.")
    yield f"thanks the customer on invoice {thanked.name}"


def untouched_invoice(house: Services, tenant: str, company: Company, nth: int) -> Found:
    """An open invoice that came from this company and nobody has changed since; named by its number."""
    return _found(
        house,
        tenant,
        "select l.ledger_id, l.document_number, b.external_id from ledger.invoices l join sync.bindings b "
        "on b.entity = 'invoices' and b.ledger_id = l.ledger_id and b.connection = %s "
        "where not l.is_void and not l.is_deleted and l.open_amount > 0 and l.currency = 'USD' and l.version = 1 "
        "order by l.ledger_id desc offset %s limit 1",
        company.connection,
        nth,
    )


def first_customer(house: Services, tenant: str, company: Company) -> Found:
    """A customer of this company that is part of no other."""
    return _found(
        house,
        tenant,
        "select l.ledger_id, l.name, b.external_id from ledger.customers l join sync.bindings b "
        "on b.entity = 'customers' and b.ledger_id = l.ledger_id and b.connection = %s "
        "where l.is_active and not l.is_deleted and l.parent_id is null and l.currency = 'USD' "
        "order by l.ledger_id limit 1",
        company.connection,
    )


def note(house: Services, tenant: str, ledger_id: int, column: str, text: str) -> None:
    """Write a text on an invoice."""
    with _as_clerk(house, tenant) as tx:
        tx.execute(f"update ledger.invoices set {column} = %s where ledger_id = %s", (text, ledger_id))


def _bill(tx: psycopg.Connection[Any], company: Company, customer: int, number: str, amount: Decimal) -> None:
    """An invoice belongs to one company: the one its row names."""
    item = _one(
        tx,
        "select l.ledger_id from ledger.items l join sync.bindings b "
        "on b.entity = 'items' and b.ledger_id = l.ledger_id and b.connection = %s "
        "where l.is_active and l.kind in ('service', 'non_inventory') order by l.kind desc, 1 limit 1",
        company.connection,
    )
    invoice = _one(
        tx,
        "insert into ledger.invoices (connection, customer_id, issue_date, due_date, currency, total_amount, "
        "document_number) values (%s, %s, current_date, current_date + 30, 'USD', %s, %s) returning ledger_id",
        company.connection,
        customer,
        amount,
        number,
    )
    tx.execute(
        "insert into ledger.invoice_lines (invoice_id, position, kind, item_id, description, amount, tax_code) "
        "values (%s, 1, 'item', %s, 'Hull inspection', %s, %s)",
        (invoice, item, amount, company.untaxed),
    )


@contextmanager
def _as_clerk(house: Services, tenant: str) -> Iterator[psycopg.Connection[Any]]:
    with house.db.transaction(tenant) as tx:
        tx.execute("select set_config('tieout.actor', %s, true)", (CLERK,))
        yield tx


def _found(house: Services, tenant: str, query: str, *values: Any) -> Found:
    with house.db.transaction(tenant) as tx:
        row = tx.execute(query, values).fetchone()
    assert row is not None
    return Found(*row)


def _one(tx: psycopg.Connection[Any], statement: str, *values: Any) -> Any:
    row = tx.execute(statement, values).fetchone()
    assert row is not None
    return row[0]
