"""Writing into the ledger by SQL: whoever is not the sync is signed, counted and noted, and cannot get round it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from decimal import Decimal

import psycopg
import pytest

from ledger.spec import entities
from resources.stores.tables import parent_column

CUSTOMER = "insert into ledger.customers (name, currency) values (%s, 'USD') returning ledger_id"
INVOICE = (
    "insert into ledger.invoices (customer_id, issue_date, currency, total_amount) "
    "values (%s, '2026-01-05', 'USD', 30) returning ledger_id"
)
LINE = "insert into ledger.invoice_lines (invoice_id, position, kind, amount) values (%s, %s, 'item', %s)"


@pytest.fixture
def sync(transaction):
    """Transactions as a run of the sync opens them."""

    @contextmanager
    def sync(tenant: str = "default"):
        with transaction(tenant) as tx:
            tx.execute("select set_config('tieout.is_sync', 'on', true)")
            yield tx

    return sync


@pytest.fixture
def writer(migrated):
    """A login of a program of the company's own."""
    with migrated.connect("writer") as db:
        yield db


@pytest.fixture
def synced(sync) -> tuple[int, int]:
    """A customer and an invoice of two lines that the sync wrote; their ledger ids."""
    with sync() as tx:
        (customer,) = tx.execute(
            "insert into ledger.customers (tenant_id, name, currency, changed_by, run_id) "
            "values ('default', 'Ann', 'USD', 'sync:qbo', 7) returning ledger_id"
        ).fetchone()
        (invoice,) = tx.execute(
            "insert into ledger.invoices (tenant_id, customer_id, issue_date, currency, net_amount, total_amount, "
            "open_amount, changed_by, run_id) "
            "values ('default', %s, '2026-01-05', 'USD', 30, 30, 30, 'sync:qbo', 7) returning ledger_id",
            (customer,),
        ).fetchone()
        for position, amount in ((1, 10), (2, 20)):
            tx.execute(
                "insert into ledger.invoice_lines (tenant_id, invoice_id, part_key, position, kind, amount) "
                "values ('default', %s, %s, %s, 'item', %s)",
                (invoice, str(position), position, amount),
            )
    return customer, invoice


@pytest.fixture
def query(transaction) -> Callable[..., list[tuple]]:
    def query(statement: str, *values) -> list[tuple]:
        with transaction() as tx:
            return tx.execute(statement, values).fetchall()

    return query


@pytest.fixture
def noted(query) -> Callable[[], dict[tuple[str, int], int]]:
    """(entity, ledger id) -> the version noted."""
    return lambda: {(e, i): v for e, i, v in query("select entity, ledger_id, version from sync.edits")}


def row(query, entity: str, ledger_id: int) -> tuple:
    ((*found,),) = query(f"select version, changed_by, run_id from ledger.{entity} where ledger_id = %s", ledger_id)
    return tuple(found)


def test_what_the_sync_writes_is_not_noted(synced, sync, noted, query):
    customer, invoice = synced
    with sync() as tx:
        tx.execute("update ledger.customers set name = 'Anne', changed_by = 'sync:qbo', run_id = 8")
        tx.execute("update ledger.invoice_lines set amount = amount + 1")
        tx.execute("delete from ledger.invoice_lines where position = 2")
    assert noted() == {}
    assert row(query, "customers", customer) == (2, "sync:qbo", 8)
    assert row(query, "invoices", invoice) == (1, "sync:qbo", 7)


def test_an_update_by_an_outsider_is_signed_counted_kept_and_noted(synced, writer, noted, query):
    customer, _ = synced
    writer.execute("update ledger.customers set name = 'Anne'")
    assert row(query, "customers", customer) == (2, "tieout_writer", None)
    assert noted() == {("customers", customer): 2}
    assert query("select name, version, changed_by, run_id from ledger.customers_history") == [
        ("Ann", 1, "sync:qbo", 7)
    ]


def test_a_person_named_by_the_transaction_signs(synced, writer, query):
    customer, _ = synced
    with writer.transaction():
        writer.execute("select set_config('tieout.actor', 'ann@example.com', true)")
        writer.execute("update ledger.customers set name = 'Anne'")
    assert row(query, "customers", customer)[1] == "ann@example.com"
    writer.execute("update ledger.customers set name = 'Ann', changed_by = 'bob'")
    assert row(query, "customers", customer)[1] == "bob"
    writer.execute("update ledger.customers set name = 'Anna'")
    assert row(query, "customers", customer)[1] == "tieout_writer"


def test_nobody_signs_as_the_sync(synced, writer, query):
    customer, _ = synced
    writer.execute("update ledger.customers set name = 'Anne', changed_by = 'sync:qbo2', run_id = 9")
    assert row(query, "customers", customer) == (2, "tieout_writer", None)
    with writer.transaction():
        writer.execute("select set_config('tieout.actor', 'sync:qbo', true)")
        writer.execute("update ledger.customers set name = 'Ann'")
    assert row(query, "customers", customer) == (3, "tieout_writer", None)
    (new,) = writer.execute(
        "insert into ledger.customers (name, currency, changed_by, run_id, version, changed_at) "
        "values ('Bob', 'USD', 'sync:qbo', 7, 99, '2020-01-01') returning ledger_id"
    ).fetchone()
    assert row(query, "customers", new) == (1, "tieout_writer", None)
    assert query("select count(*) from ledger.customers where changed_at < '2026-01-01'") == [(0,)]


def test_a_program_that_says_it_is_the_sync_is_noted_all_the_same(synced, writer, noted, query):
    customer, invoice = synced
    with writer.transaction():
        writer.execute("select set_config('tieout.is_sync', 'on', true)")
        writer.execute("update ledger.customers set name = 'Anne'")
        writer.execute("update ledger.invoice_lines set amount = 11 where position = 1")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), writer.transaction():
            writer.execute("delete from ledger.invoices")
    assert noted() == {("customers", customer): 2, ("invoices", invoice): 2}
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute("set role tieout_app")


def test_the_application_outside_a_sync_is_an_outsider_too(synced, transaction, noted):
    customer, _ = synced
    with transaction() as tx:
        tx.execute("update ledger.customers set name = 'Anne'")
    assert noted() == {("customers", customer): 2}


def test_an_invoice_with_its_lines_is_noted_as_its_first_version(synced, writer, noted, query):
    customer, _ = synced
    with writer.transaction():
        (invoice,) = writer.execute(INVOICE, (customer,)).fetchone()
        for position in (1, 2, 3):
            writer.execute(LINE, (invoice, position, 10))
    assert noted() == {("invoices", invoice): 1}
    assert row(query, "invoices", invoice) == (1, "tieout_writer", None)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param("update ledger.invoice_lines set amount = amount + 1", id="every line changed"),
        pytest.param("delete from ledger.invoice_lines where position = 2", id="a line removed"),
        pytest.param(
            "insert into ledger.invoice_lines (invoice_id, position, kind, amount) "
            "select ledger_id, 3, 'item', 5 from ledger.invoices",
            id="a line added",
        ),
    ],
)
def test_lines_count_as_their_document_once_a_transaction(synced, writer, noted, query, edit):
    _, invoice = synced
    with writer.transaction():
        writer.execute(edit)
        writer.execute("update ledger.invoice_lines set description = 'twice'")
    assert row(query, "invoices", invoice) == (2, "tieout_writer", None)
    assert noted() == {("invoices", invoice): 2}
    writer.execute("update ledger.invoice_lines set description = 'again'")
    assert row(query, "invoices", invoice)[0] == 3
    assert noted() == {("invoices", invoice): 3}


def test_a_line_moved_to_another_document_counts_as_both(synced, writer, noted, query):
    customer, invoice = synced
    (other,) = writer.execute(INVOICE, (customer,)).fetchone()
    writer.execute("update ledger.invoice_lines set invoice_id = %s where position = 2", (other,))
    assert (row(query, "invoices", invoice)[0], row(query, "invoices", other)[0]) == (2, 2)
    assert noted() == {("invoices", invoice): 2, ("invoices", other): 2}


def test_an_edit_in_the_transaction_of_another_savepoint_is_taken_back_with_it(synced, writer, noted):
    with writer.transaction():
        writer.execute("savepoint before")
        writer.execute("update ledger.customers set name = 'Anne'")
        writer.execute("rollback to before")
    assert noted() == {}


def test_a_row_is_noted_anew_after_a_plan_has_looked_at_it(synced, writer, transaction, query):
    writer.execute("update ledger.customers set name = 'Anne'")
    with transaction() as tx:
        tx.execute("update sync.edits set looked_at = now()")
    writer.execute("update ledger.customers set name = 'Anna'")
    assert query("select version, looked_at from sync.edits") == [(3, None)]


# The columns without which a row says nothing; all others may be left out.
FEWEST = {
    "customers": "name, currency",
    "vendors": "name, currency",
    "items": "name, kind",
    "invoices": "customer_id, issue_date, currency, total_amount",
    "credit_memos": "customer_id, issue_date, currency, total_amount",
    "payments": "customer_id, payment_date, currency, total_amount",
    "bills": "vendor_id, issue_date, currency, total_amount",
    "vendor_credits": "vendor_id, issue_date, currency, total_amount",
    "bill_payments": "vendor_id, payment_date, method, currency, total_amount",
    "purchase_orders": "vendor_id, issue_date, currency, total_amount",
}
FEWEST_OF_PARTS = {"lines": "position, kind, amount", "applications": "position, document_entity, document_id, amount"}
VALUES = {
    "name": "x",
    "currency": "USD",
    "kind": "item",
    "issue_date": "2026-01-05",
    "payment_date": "2026-01-05",
    "total_amount": 30,
    "method": "check",
    "position": 1,
    "amount": 30,
    "document_entity": "invoices",
}


def insert(writer, table: str, columns: str, **values) -> int:
    names = columns.split(", ")
    row = [{**VALUES, **values}[name] for name in names]
    holes = ", ".join(["%s"] * len(names))
    (key,) = writer.execute(
        f"insert into ledger.{table} ({columns}) values ({holes}) "
        f"returning {'part_id' if 'position' in names else 'ledger_id'}",
        row,
    ).fetchone()
    return key


@pytest.fixture
def one_of_each(writer) -> dict[str, int]:
    """A row of every entity with a part of each kind, written with the fewest columns; entity -> ledger id."""
    ids: dict[str, int] = {}
    with writer.transaction():
        for spec in entities():
            known = {"customer_id": ids.get("customers"), "vendor_id": ids.get("vendors")}
            ids[spec.name] = insert(writer, spec.name, FEWEST[spec.name], **known)
            for part, table in spec.part_table_names.items():
                parent = parent_column(spec)
                values = {parent: ids[spec.name], "document_id": ids.get("invoices")}
                insert(writer, table, f"{parent}, {FEWEST_OF_PARTS[part]}", **values)
    return ids


def test_the_fewest_columns_make_a_whole_row(one_of_each, query, noted):
    assert noted() == dict.fromkeys(one_of_each.items(), 1)
    for entity in ("invoices", "credit_memos", "bills", "vendor_credits"):
        assert query(f"select net_amount, tax_amount, open_amount from ledger.{entity}") == [(30, 0, 30)]
    for entity in ("payments", "bill_payments"):
        assert query(f"select applied_amount, unapplied_amount from ledger.{entity}") == [(0, 30)]
    assert query("select status, net_amount from ledger.purchase_orders") == [("open", 30)]
    assert query("select document_key from ledger.payment_applications") == [(f"#{one_of_each['invoices']}",)]
    assert query("select distinct tenant_id from ledger.invoice_lines") == [("default",)]


def test_what_is_given_is_not_filled_in(synced, writer, query):
    customer, _ = synced
    writer.execute(
        "insert into ledger.invoices (customer_id, document_number, issue_date, currency, total_amount, tax_amount, "
        "open_amount) values (%s, 'X', '2026-01-05', 'USD', 30, 5, 12)",
        (customer,),
    )
    writer.execute(
        "insert into ledger.payments (customer_id, payment_date, currency, total_amount, unapplied_amount) "
        "values (%s, '2026-01-05', 'USD', 30, 10)",
        (customer,),
    )
    assert query("select net_amount, open_amount from ledger.invoices where document_number = 'X'") == [(25, 12)]
    assert query("select applied_amount, unapplied_amount from ledger.payments") == [(20, 10)]


def test_an_application_names_its_document_as_the_erp_does_where_the_erp_has_it(synced, sync, writer, query):
    customer, invoice = synced
    with sync() as tx:
        tx.execute(
            "insert into sync.bindings (connection, entity, external_id, tenant_id, ledger_id, base, ledger_version) "
            "values ('qbo', 'invoices', '145', 'default', %s, '{}', 1)",
            (invoice,),
        )
    payment = insert(writer, "payments", FEWEST["payments"], customer_id=customer)
    columns = f"payment_id, {FEWEST_OF_PARTS['applications']}"
    insert(writer, "payment_applications", columns, payment_id=payment, document_id=invoice)
    assert query("select document_key from ledger.payment_applications") == [("145",)]


def test_lines_without_a_key_have_keys_of_their_own(one_of_each, writer, query):
    writer.execute(LINE, (one_of_each["invoices"], 2, 5))
    keys = [key for (key,) in query("select part_key from ledger.invoice_lines")]
    assert len(set(keys)) == 2
    assert all(key.startswith("~") for key in keys)


@pytest.mark.parametrize("statement", [
    "insert into ledger.customers (ledger_id, name, currency) values (1000, 'x', 'USD')",
    "update ledger.customers set ledger_id = 1000",
])  # fmt: skip
def test_nobody_chooses_the_number_of_a_row(synced, writer, statement):
    with pytest.raises(psycopg.errors.GeneratedAlways):
        writer.execute(statement)


@pytest.mark.parametrize("entity", [spec.name for spec in entities()])
def test_rows_are_not_deleted_but_marked(one_of_each, writer, transaction, noted, entity):
    says = rf"deleting ledger\.{entity}: found a delete of row {one_of_each[entity]}, expected none: set is_deleted"
    with pytest.raises(psycopg.errors.RestrictViolation, match=says), transaction() as tx:
        tx.execute(f"delete from ledger.{entity}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute(f"delete from ledger.{entity}")
    writer.execute(f"update ledger.{entity} set is_deleted = true")
    assert noted()[entity, one_of_each[entity]] == 2


def test_a_program_sees_and_writes_the_books_of_its_tenant_only(synced, transaction, writer, noted):
    with transaction("other") as tx:
        (theirs,) = tx.execute(CUSTOMER, ("Theirs",)).fetchone()
        assert tx.execute("select tenant_id from ledger.customers").fetchall() == [("other",)]
    writer.execute("select set_config('tieout.tenant', 'other', false)")
    assert writer.execute("select name from ledger.customers").fetchall() == [("Ann",)]
    assert writer.execute("update ledger.customers set name = 'x' where ledger_id = %s", (theirs,)).rowcount == 0
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute("insert into ledger.customers (tenant_id, name, currency) values ('other', 'x', 'USD')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute("update ledger.customers set tenant_id = 'other'")
    assert noted() == {}


@pytest.mark.parametrize(
    "statement",
    [
        "select * from sync.bindings",
        "select * from sync.edits",
        "delete from sync.edits",
        "select sync.append_audit('default', 'x', 'x', null, null, null, null, '{}')",
        "select * from ledger.customers_history",
        "insert into ledger.customers_history (name) values ('x')",
        "select * from mirror.invoices",
        "truncate ledger.invoice_lines",
    ],
)
def test_a_program_has_the_ledger_and_nothing_else(synced, writer, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute(statement)


def test_what_an_outsider_replaces_is_kept(synced, writer, query):
    writer.execute("update ledger.invoice_lines set amount = 99 where position = 1")
    writer.execute("delete from ledger.invoice_lines where position = 2")
    assert query("select position, amount from ledger.invoice_lines_history order by 1") == [
        (1, Decimal(10)),
        (2, Decimal(20)),
    ]
    assert query("select version, changed_by from ledger.invoices_history order by 1") == [
        (1, "sync:qbo"),
        (2, "tieout_writer"),
    ]


@pytest.fixture
def connect(transaction):
    """Enter connections of a tenant, without anybody to call."""

    def connect(*names: str, tenant: str = "default", state: str = "active") -> None:
        with transaction(tenant) as tx:
            for name in names:
                tx.execute(
                    "insert into sync.connections (connection, tenant_id, erp, settings, partition_key, "
                    "pull_interval_seconds, state) values (%s, %s, 'quickbooks', '{}', %s, 300, %s)",
                    (name, tenant, name, state),
                )

    return connect


HOME = "select connection from ledger.invoices where ledger_id = %s"


def test_a_row_of_a_company_that_is_not_connected_is_refused_at_once(writer, connect, synced):
    _, invoice = synced
    connect("qbo_in", "xero_in")
    connect("qbo_old", state="removed")
    connect("theirs", tenant="other")
    for name in ("qbo_typo", "qbo_old", "theirs"):
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match=f"found connection {name}, expected qbo_in or"):
            writer.execute("insert into ledger.customers (name, currency, connection) values ('B', 'USD', %s)", (name,))
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="found connection qbo_typo"):
        writer.execute("update ledger.invoices set connection = 'qbo_typo' where ledger_id = %s", (invoice,))


def test_a_document_names_its_company_where_there_are_several(writer, connect, synced):
    customer, _ = synced
    connect("qbo_in", "xero_in")
    with pytest.raises(psycopg.errors.NotNullViolation, match="found no connection, expected qbo_in or xero_in"):
        writer.execute(INVOICE, (customer,))
    # A customer goes where the first document needs it.
    writer.execute(CUSTOMER, ("Ben",))


def test_a_document_that_names_none_is_the_only_company_s_even_if_another_is_connected_later(writer, connect, synced):
    customer, _ = synced
    connect("qbo_in")
    (invoice,) = writer.execute(INVOICE, (customer,)).fetchone()
    connect("xero_in")
    assert writer.execute(HOME, (invoice,)).fetchone() == ("qbo_in",)


def test_a_ledger_without_any_company_takes_documents_that_name_none(writer, synced):
    customer, _ = synced
    (invoice,) = writer.execute(INVOICE, (customer,)).fetchone()
    assert writer.execute(HOME, (invoice,)).fetchone() == (None,)
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="expected none yet"):
        writer.execute("update ledger.invoices set connection = 'qbo_in' where ledger_id = %s", (invoice,))
