"""The ledger's rows: inserted once, changed only where they differ, parts too, every version kept by trigger."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from ledger.entities.customers import Customer
from ledger.entities.documents import SalesLine
from ledger.entities.invoices import Invoice
from resources.stores.ledger import Incoming, Taken, ledger_store


def a_line(key: str, amount: str, position: int = 1) -> SalesLine:
    return SalesLine(line_key=key, position=position, kind="item", amount=Decimal(amount))


def an_invoice(*lines: SalesLine, customer: str = "1", **fields) -> Invoice:
    total = sum((line.amount for line in lines), Decimal(0))
    amounts = {"net_amount": total, "total_amount": total, "open_amount": total}
    day = {"issue_date": date(2026, 1, 5), "currency": "USD"}
    return Invoice(customer=customer, lines=lines, **{**amounts, **day, **fields})


@pytest.fixture
def take(transaction):
    def take(entity: str, *records: tuple[str, object], token: str = "0") -> Taken:
        with transaction() as tx:
            page = [Incoming(external_id, token, record) for external_id, record in records]
            return ledger_store(entity).take(tx, tenant="default", connection="qbo", page=page)

    with transaction() as tx:
        tx.execute(
            "insert into sync.connections (connection, tenant_id, erp, settings, partition_key, pull_interval_seconds) "
            "values ('qbo', 'default', 'quickbooks', '{}', 'qbo', 300) on conflict do nothing"
        )
    take("customers", ("1", Customer(name="Ann", currency="USD")))
    return take


@pytest.fixture
def query(transaction):
    def query(statement: str, *values) -> list[tuple]:
        with transaction() as tx:
            return tx.execute(statement, values).fetchall()

    return query


def test_a_record_is_inserted_once_and_the_same_again_writes_nothing(take, query):
    invoice = an_invoice(a_line("1", "10.00"), a_line("2", "20.00", 2))
    assert take("invoices", ("7", invoice)).inserted == 1
    before = query("select xmin::text, version from ledger.invoices")

    again = take("invoices", ("7", invoice))

    assert (again.inserted, again.updated, again.held) == (0, 0, [])
    assert query("select xmin::text, version from ledger.invoices") == before
    assert query("select count(*) from ledger.invoices_history") == [(0,)]


def test_lines_under_other_ids_are_the_rows_they_were_where_they_say_the_same(take, query):
    """Whatever the ids do, the table holds the lines that came; QuickBooks never gives an id again, but nothing here
    relies on it.
    """
    before = "select line_key, part_id from ledger.invoice_lines order by position"
    take("invoices", ("7", an_invoice(a_line("1", "10.00"), a_line("2", "10.00", 2), a_line("3", "30.00", 3))))
    first, second, _ = (part_id for _, part_id in query(before))
    cases = [
        # All anew, alike and not.
        ([("4", "10.00"), ("5", "10.00"), ("6", "31.00")], [first, second, None]),
        # Shifted by one: an id that is another's already stays with that one's row.
        ([("5", "10.00"), ("6", "10.00"), ("7", "31.00")], [second, None, None]),
        ([("6", "10.00"), ("", "10.00"), ("", "31.00")], None),
        ([("8", "31.00"), ("9", "10.00")], None),
    ]
    for version, (lines, kept) in enumerate(cases, 2):
        given = [a_line(key, amount, place) for place, (key, amount) in enumerate(lines, 1)]
        take("invoices", ("7", an_invoice(*given)))

        assert query("select line_key, amount::text from ledger.invoice_lines order by position") == lines
        assert query("select version from ledger.invoices") == [(version,)]
        if kept is not None:
            held = [part_id for _, part_id in query(before)]
            assert [now if had else None for had, now in zip(kept, held, strict=True)] == kept


def test_a_changed_line_is_the_only_line_written_and_a_removed_one_goes_to_history(take, query):
    kept, changed, removed = a_line("1", "10.00"), a_line("2", "20.00", 2), a_line("3", "30.00", 3)
    take("invoices", ("7", an_invoice(kept, changed, removed)))
    lines = dict(query("select line_key, xmin::text from ledger.invoice_lines"))

    done = take("invoices", ("7", an_invoice(kept, msgspec.structs.replace(changed, amount=Decimal("25.00")))))

    assert done.updated == 1
    now = dict(query("select line_key, xmin::text from ledger.invoice_lines"))
    assert set(now) == {"1", "2"}
    assert (now["1"] == lines["1"], now["2"] == lines["2"]) == (True, False)
    old = query("select line_key, amount from ledger.invoice_lines_history order by 1")
    assert old == [("2", Decimal("20.00")), ("3", Decimal("30.00"))]
    assert query("select version from ledger.invoices") == [(2,)]


def test_a_reference_the_ledger_lacks_holds_its_record_whole_and_no_other(take, query):
    done = take(
        "invoices", ("7", an_invoice(a_line("1", "1.00"), customer="404")), ("8", an_invoice(a_line("1", "2.00")))
    )

    (held,) = done.held
    assert (held.external_id, held.field, held.found) == ("7", "customer", "a reference to customers/404")
    assert done.inserted == 1
    assert query("select amount from ledger.invoice_lines") == [(Decimal("2.00"),)]
    take("customers", ("404", Customer(name="Late", currency="USD")))
    assert take("invoices", ("7", an_invoice(a_line("1", "1.00"), customer="404"))).inserted == 1


def test_a_buried_record_stays_and_lives_again_when_it_comes_again(take, query, transaction):
    invoice = an_invoice(a_line("1", "1.00"))
    take("invoices", ("7", invoice))
    with transaction() as tx:
        assert ledger_store("invoices").bury(tx, connection="qbo", external_ids=["7", "404"]) == 1
    with transaction() as tx:
        assert ledger_store("invoices").bury(tx, connection="qbo", external_ids=["7"]) == 0
    assert query("select is_deleted, version, total_amount from ledger.invoices") == [(True, 2, Decimal("1.00"))]
    assert take("invoices", ("7", invoice)).updated == 1
    assert query("select is_deleted, version from ledger.invoices") == [(False, 3)]


def test_the_book_can_be_read_as_of_any_instant(take, query):
    take("invoices", ("7", an_invoice(a_line("1", "10.00"))))
    ((instant,),) = query("select clock_timestamp()")
    take("invoices", ("7", an_invoice(a_line("1", "99.00"))))

    as_of = (
        "select total_amount from ledger.invoices where changed_at <= %s union all "
        "select total_amount from ledger.invoices_history where changed_at <= %s and replaced_at > %s"
    )
    assert query(as_of, instant, instant, instant) == [(Decimal("10.00"),)]
    assert query("select total_amount from ledger.invoices") == [(Decimal("99.00"),)]


def test_a_plan_made_before_the_first_record_finds_bindings_by_the_whole_key(transaction):
    """It is kept while a first sync fills the table: one that reads an entity to find a record takes its square."""
    with transaction() as tx:
        plans = {
            key: "\n".join(
                line
                for (line,) in tx.execute(
                    f"explain select 1 from sync.bindings where connection = 'qbo' and entity = 'invoices' and {key}"
                )
            )
            for key in ("external_id = '7'", "ledger_id = 7")
        }

    for key, plan in plans.items():
        (condition,) = [line for line in plan.splitlines() if "Index Cond" in line]
        assert key.partition("'")[0] in condition, plan
