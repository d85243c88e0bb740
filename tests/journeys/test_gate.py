"""Bad rows stop a reconciliation that names check and rows, are kept in a table, and clear once they are mended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.reconcile import MODULES
from ledger.spec import spec_of
from resources import data_docs
from resources.stages.gate import RefusedError, check_rows
from resources.stores import verdicts
from tests.books import Books, opened_books
from tests.conftest import NewDatabase
from tests.house import Simulator
from tests.journeys.damage import World
from tests.ledger_writer import LedgerWriter


@pytest.fixture(scope="module")
def books(new_database: NewDatabase, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """The company of slots, synced and green; each test leaves it so."""
    with opened_books(new_database, simulator, tmp_path_factory.mktemp("home"), "empty") as opened:
        World.of(opened).load()
        opened.sync("full")
        yield opened


@dataclass(frozen=True)
class Bad:
    """One kind of bad row: how it comes about in the tables, and the check that has to name it."""

    entity: str
    check: str
    does: str
    key: str = "{row}"
    module: str = "ar"


def of_invoice(assignments: str) -> str:
    return f"update ledger.invoices set {assignments} where ledger_id = {{row}}"


def of_payment(assignments: str) -> str:
    return f"update ledger.payments set {assignments} where ledger_id = {{row}}"


ORPHAN = (
    "insert into ledger.invoice_lines (part_id, invoice_id, part_key, tenant_id, position, kind, amount) "
    "overriding system value values (777777, 999999, 'x', 'default', 1, 'item', 1)"
)
TWICE = (
    "insert into sync.bindings (connection, entity, external_id, tenant_id, ledger_id, ledger_version) "
    "select connection, entity, 'again', tenant_id, ledger_id, 1 from sync.bindings "
    "where entity = 'invoices' and ledger_id = {row}"
)
LOOSE = (
    "insert into sync.bindings (connection, entity, external_id, tenant_id, ledger_id, ledger_version) "
    "select connection, 'invoices', 'loose', tenant_id, 999999, 1 from sync.connections"
)
STALE = "update sync.cursors set pulled_at = now() - interval '27 hours' where entity = 'invoices'"
UNBOUND = "delete from sync.bindings where entity = 'customers' and ledger_id = {row}"
BAD = [
    Bad("invoices", "key_is_unique", TWICE),
    Bad("invoices", "customer_resolves", of_invoice("customer_id = 999999")),
    Bad("invoices", "currency_is_in_iso_4217", of_invoice("currency = 'EUX'")),
    Bad("invoices", "currency_is_known", of_invoice("currency = 'euro'")),
    Bad("invoices", "issue_date_is_not_too_far_ahead", of_invoice("issue_date = current_date + 367")),
    Bad("invoices", "net_amount_is_the_sum_of_its_lines", of_invoice("net_amount = net_amount + 1")),
    Bad("invoices", "lines_make_the_total", of_invoice("total_amount = total_amount + 1")),
    Bad("invoices", "open_within_total", of_invoice("open_amount = total_amount + 0.01")),
    Bad("invoices", "open_within_total", of_invoice("open_amount = -0.01")),
    Bad("payments", "applied_and_unapplied_make_the_total", of_payment("unapplied_amount = 1")),
    Bad(
        "payments",
        "applied_amount_is_the_sum_of_its_applications",
        of_payment("applied_amount = applied_amount - 1, unapplied_amount = unapplied_amount + 1"),
    ),
    Bad(
        "payments",
        "applications_resolve",
        "update ledger.payment_applications set document_id = 999999 where payment_id = {row}",
    ),
    Bad(
        "invoices",
        "lines_item_resolves",
        "update ledger.invoice_lines set item_id = 999999 where invoice_id = {row} and position = 1",
    ),
    Bad("invoices", "no_orphans", ORPHAN, "invoice_lines/777777"),
    Bad("invoices", "no_orphans", LOOSE, "bindings/loose"),
    Bad("invoices", "watermark_is_fresh", STALE, "cursors/invoices"),
    Bad("customers", "has_an_erp_id", UNBOUND),
    Bad("customers", "name_is_not_empty", "update ledger.customers set name = '' where ledger_id = {row}"),
    Bad(
        "bill_payments",
        "method_is_known",
        "update ledger.bill_payments set method = 'shells' where ledger_id = {row}",
        module="ap",
    ),
]
ROWS = {
    "invoices": "select ledger_id as row from ledger.invoices order by 1",
    "payments": "select payment_id as row from ledger.payment_applications order by 1",
    "customers": "select ledger_id as row from ledger.customers order by 1",
    "bill_payments": "select ledger_id as row from ledger.bill_payments order by 1",
}


def as_the_sync(books: Books, statement: str) -> None:
    with books.services.db.transaction(books.tenant) as tx:
        tx.execute("select set_config('tieout.is_sync', 'on', true), set_config('tieout.actor', 'sync', true)")
        assert tx.execute(statement).rowcount == 1


def undone(books: Books) -> Callable[[], None]:
    """Puts back what the tables of the bad rows hold now."""
    tables = {
        **{f"ledger.{name}": "ledger_id" for name in ("invoices", "payments", "customers", "bill_payments")},
        **{f"ledger.{name}": "part_id" for name in ("invoice_lines", "payment_applications")},
        "sync.bindings": "connection, entity, external_id",
        "sync.cursors": "connection, entity",
    }
    held = {table: books.rows(f"select to_jsonb(t) as row from {table} t") for table in tables}

    def put_back() -> None:
        with books.services.db.transaction(books.tenant) as tx:
            tx.execute("select set_config('tieout.is_sync', 'on', true)")
            for table, key in tables.items():
                _put_back(tx, table, key, [row["row"] for row in held[table]])

    return put_back


def _put_back(tx: psycopg.Connection[Any], table: str, key: str, rows: list[dict[str, Any]]) -> None:
    given = f"jsonb_populate_recordset(null::{table}, %s) g"
    same = " and ".join(f"g.{column} = t.{column}" for column in key.split(", "))
    columns = [name for name in rows[0] if name not in key.split(", ")]
    listed = psycopg.types.json.Jsonb(rows)
    tx.execute(f"delete from {table} t where not exists (select from {given} where {same})", (listed,))
    sets = ", ".join(f"{name} = g.{name}" for name in columns)
    differs = f"({', '.join(f't.{c}' for c in columns)})::text <> ({', '.join(f'g.{c}' for c in columns)})::text"
    tx.execute(f"update {table} t set {sets} from {given} where {same} and {differs}", (listed,))
    names = ", ".join(rows[0])
    missing = f"not exists (select from {table} t where {same})"
    tx.execute(
        f"insert into {table} ({names}) overriding system value select {names} from {given} where {missing}", (listed,)
    )


@pytest.mark.parametrize("entity", ROWS)
def test_each_bad_row_stops_reconciliation_by_check_and_row_and_clears(books: Books, entity: str):
    """Each kind on a row of its own, all of an entity at once: loading what examines them costs more than one more."""
    rows = [row["row"] for row in books.rows(ROWS[entity])]
    kinds = [one for one in BAD if one.entity == entity]
    connection = books.services.connection(books.name)
    put_back = undone(books)
    with books.database.connect() as owner:
        # What the database refuses by itself the check finds all the same.
        owner.execute("drop index if exists sync.bindings_row_idx")
    expected: dict[str, set[str]] = {}
    for bad, row in zip(kinds, rows, strict=False):
        as_the_sync(books, bad.does.format(row=row))
        expected.setdefault(bad.check, set()).add(bad.key.format(row=row))
    try:
        (checked,) = check_rows(books.services, connection, [spec_of(entity)])
        with pytest.raises(RefusedError) as refusal:
            books.reconcile(kinds[0].module)
    finally:
        put_back()
    (mended,) = check_rows(books.services, connection, [spec_of(entity)])

    red = {one.name: one for one in checked.verdicts if not one.is_passed and one.is_blocking}
    failed = {name: set(one.keys) for name, one in red.items()}
    assert {name: failed.get(name, set()) & keys for name, keys in expected.items()} == expected
    # An amount that is wrong in one way may be wrong in another, too; nothing else may fail.
    assert set().union(*failed.values()) == set().union(*expected.values())
    for check, keys in expected.items():
        assert f"check {entity}.{check} failed for {red[check].failed_count} rows" in str(refusal.value)
        assert all(re.search(rf"(ledger ids |, ){key}\b", str(refusal.value)) for key in keys)
    assert [one.name for one in mended.verdicts if not one.is_passed] == []
    kept = books.rows("select check_name, row_key, cleared_at from sync.failing_rows where entity = %s", entity)
    assert {(check, key) for check, keys in expected.items() for key in keys} <= {
        (row["check_name"], row["row_key"]) for row in kept
    }
    assert all(row["cleared_at"] is not None for row in kept)
    assert books.reconcile(kinds[0].module)


def test_a_failing_row_is_kept_with_what_the_check_looks_at_and_shown_in_data_docs(books: Books):
    row = books.ledger_row("invoices", "1010")["ledger_id"]
    connection = books.services.connection(books.name)
    put_back = undone(books)
    as_the_sync(books, f"update ledger.invoices set total_amount = 101 where ledger_id = {row}")
    try:
        (checked,) = check_rows(books.services, connection, [spec_of("invoices")])
        with books.services.db.transaction(books.tenant) as tx:
            (kept,) = verdicts.rows_of(tx, books.name, "invoices", "lines_make_the_total", limit=10)
    finally:
        put_back()
    pages = list(checked.page.parent.parent.glob("*/*.html"))
    red = checked.page.read_text()
    check_rows(books.services, connection, [spec_of("invoices")])

    assert (kept.row_key, kept.external_id, kept.called) == (str(row), "1010", "INV-1010")
    assert kept.found == {"is_void": False, "net_amount": 92, "tax_amount": 8, "total_amount": 101}
    assert pages == [checked.page]
    assert "lines and tax add up to the total" in red
    index = data_docs.index_of(books.services.settings.data_docs_folder)
    assert "ledger.invoices" in index.read_text()
    assert not checked.page.exists()
    secret = books.database.server.url("app", books.database.name).split(":")[2].split("@")[0]
    folder: Path = books.services.settings.data_docs_folder
    assert not [file for file in folder.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]


def test_what_is_not_pulled_on_purpose_need_not_be_fresh(books: Books):
    connection = books.services.connection(books.name)
    put_back = undone(books)
    as_the_sync(books, STALE)
    books.change(
        "insert into sync.switches (tenant_id, connection, module, direction, reason, switched_by) "
        "select tenant_id, connection, 'ar', 'pull', 'month end', 'ben' from sync.connections"
    )
    try:
        (checked,) = check_rows(books.services, connection, [spec_of("invoices")])
    finally:
        books.change("delete from sync.switches")
        put_back()

    assert [one.name for one in checked.verdicts if not one.is_passed] == []


def test_good_rows_pass_every_check_of_every_entity(books: Books):
    specs = [spec_of(entity) for module in MODULES.values() for entity in (module.party, *module.open_amounts)]

    checked = check_rows(books.services, books.services.connection(books.name), specs)

    assert [(one.spec.name, v.name) for one in checked for v in one.verdicts if not v.is_passed] == []
    assert all(any(v.row_count for v in one.verdicts) for one in checked)


def test_a_customer_on_its_way_to_the_erp_counts_as_known(books: Books):
    """A company of ten customers would otherwise not be reconciled while one is being pushed."""
    connection = books.services.connection(books.name)
    made = LedgerWriter(books).customer("Lund & Sons")
    try:
        (checked,) = check_rows(books.services, connection, [spec_of("customers")])
    finally:
        books.change("delete from sync.edits where entity = 'customers' and ledger_id = %s", made)
        as_the_sync(books, f"update ledger.customers set is_deleted = true where ledger_id = {made}")

    assert [one.name for one in checked.verdicts if not one.is_passed] == []
