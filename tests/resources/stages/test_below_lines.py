"""Rows that hang on a line, as service periods of invoice lines will: whoever edits the line, they stay on it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from sql.guards import guard
from tests.books import Books
from tests.ledger_writer import LedgerWriter
from tests.small_company import a_company, a_line, an_invoice

PERIODS = """
create table ledger.invoice_line_periods (
  period_id bigint generated always as identity primary key,
  tenant_id text not null default sync.current_tenant(),
  part_id bigint not null references ledger.invoice_lines (part_id) on delete cascade,
  starts_on date not null,
  ends_on date not null,
  unique (part_id, starts_on)
)
"""


@pytest.fixture
def periods(books: Books) -> Books:
    """An invoice of two lines, synced; each line has two periods, in a table of their own as a migration makes it."""
    books.load(a_company(1) | {"Invoice": [an_invoice(500, Line=[a_line("60.00"), a_line("40.00", key=2)])]})
    books.sync()
    url = sa.engine.make_url(books.database.url()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args={"options": "-c role=tieout_owner"})
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        connection.execute(sa.text(PERIODS))
        guard("ledger", "invoice_line_periods")
    books.change(
        "insert into ledger.invoice_line_periods (part_id, starts_on, ends_on) "
        "select part_id, day, day + 27 from ledger.invoice_lines, (values (date '2026-01-01'), ('2026-02-01')) d (day)"
    )
    return books


def of_lines(books: Books) -> list[tuple[str, Decimal, int]]:
    """Of each line its description, its amount, and how many periods it has."""
    rows = books.rows(
        "select l.description, l.amount, count(p) as periods from ledger.invoice_lines l "
        "left join ledger.invoice_line_periods p using (part_id) group by l.part_id order by l.position"
    )
    return [(row["description"], row["amount"], row["periods"]) for row in rows]


def lines_there(books: Books) -> list[dict[str, Any]]:
    (invoice,) = books.objects("Invoice")
    return [line for line in invoice["Line"] if line["DetailType"] == "SalesItemLineDetail"]


def test_a_line_edited_in_the_erp_keeps_them(periods: Books):
    first, second = lines_there(periods)
    periods.edit("update", "Invoice", "500", Line=[second, {**first, "Amount": 70, "Description": "theirs"}])
    periods.sync()

    assert of_lines(periods) == [("", 40, 2), ("theirs", 70, 2)]


def test_a_line_edited_here_keeps_them_through_the_push(periods: Books):
    invoice = periods.ledger_row("invoices", "500")["ledger_id"]
    LedgerWriter(periods).update_line("invoices", invoice, 1, description="ours")
    periods.push()
    periods.sync()

    assert [line.get("Description") for line in lines_there(periods)] == ["ours", None]
    assert of_lines(periods) == [("ours", 60, 2), ("", 40, 2)]


def test_lines_edited_on_both_sides_keep_them(periods: Books):
    invoice = periods.ledger_row("invoices", "500")["ledger_id"]
    LedgerWriter(periods).update_line("invoices", invoice, 1, description="ours")
    first, second = lines_there(periods)
    periods.edit("update", "Invoice", "500", Line=[first, {**second, "Description": "theirs"}])
    periods.sync()
    periods.push()
    periods.sync()

    assert of_lines(periods) == [("ours", 60, 2), ("theirs", 40, 2)]


def test_lines_sent_anew_without_their_ids_keep_them_where_they_say_the_same(periods: Books):
    keys = {line["Id"] for line in lines_there(periods)}
    first, second = ({k: v for k, v in line.items() if k != "Id"} for line in lines_there(periods))
    periods.edit("update", "Invoice", "500", Line=[first, {**second, "Description": "another"}])
    assert keys.isdisjoint(line["Id"] for line in lines_there(periods))
    periods.sync()

    assert of_lines(periods) == [("", 60, 2), ("another", 40, 0)]
    held = periods.rows("select line_key, part_key from ledger.invoice_lines order by position")
    assert [(row["line_key"], row["part_key"]) for row in held] == [(line["Id"],) * 2 for line in lines_there(periods)]


def test_a_line_that_is_gone_takes_them_with_it(periods: Books):
    first, _ = lines_there(periods)
    periods.edit("update", "Invoice", "500", Line=[first])
    periods.sync()

    assert of_lines(periods) == [("", 60, 2)]
    assert periods.value("select count(*) from ledger.invoice_line_periods") == 2
