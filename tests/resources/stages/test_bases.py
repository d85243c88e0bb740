"""A base is what both sides last agreed on, also when the mirror has moved on, or the ledger was never told."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from ledger.spec import Record
from resources.connector import WireRecord
from resources.erps.quickbooks.mappings import MAPPINGS
from resources.stores import mirror
from resources.stores.bases import bases_of, encode_base
from tests.books import Books
from tests.small_company import a_company, an_invoice


@pytest.fixture
def synced(books: Books) -> Books:
    books.load(a_company())
    books.sync()
    return books


def base_of(books: Books, external_id: str = "101") -> Record | None:
    with books.services.db.transaction(books.tenant) as tx:
        found = bases_of(tx, books.name, "invoices", [external_id], MAPPINGS["invoices"].from_wire)
    return found.get(external_id)


def test_a_base_is_the_version_that_was_merged_and_takes_no_room_of_its_own(synced: Books):
    payload = synced.mirror_version("invoices", "101")["payload"]
    base = base_of(synced)
    assert base is not None
    assert (base.document_number, str(base.total_amount)) == (payload["DocNumber"], str(base.open_amount))
    assert synced.value("select count(*) from sync.bindings where base is not null") == 0
    assert base_of(synced, "404") is None


def test_a_base_stays_when_the_mirror_moves_on_and_when_the_record_is_buried(synced: Books):
    before = base_of(synced)
    newer = an_invoice(101, amount="999.00")
    with synced.services.db.transaction(synced.tenant) as tx:
        record = WireRecord("101", "5", None, newer)
        keys = {"tenant": synced.tenant, "connection": synced.name, "entity": "invoices", "run_id": None}
        assert mirror.store(tx, records=[record], **keys).updated == 1
    assert base_of(synced) == before

    synced.sync()

    after = base_of(synced)
    assert after is not None
    assert after.total_amount == Decimal("999.00")
    with synced.services.db.transaction(synced.tenant) as tx:
        assert mirror.bury(tx, synced.name, "invoices", ["101"], None) == 1
    assert base_of(synced) == after


def test_a_base_that_the_erp_never_sent_is_kept_as_a_document(synced: Books):
    base = base_of(synced)
    document = encode_base(base).decode().replace('"INV-101"', '"OURS"')
    synced.change("update sync.bindings set base = %s where entity = 'invoices' and external_id = '101'", document)
    assert base_of(synced).document_number == "OURS"


def test_a_line_of_no_document_is_refused_whoever_writes_it(synced: Books):
    line = (
        "insert into ledger.invoice_lines (invoice_id, tenant_id, position, kind, amount) values (%s, %s, 9, 'item', 1)"
    )
    invoice = synced.ledger_row("invoices", "101")["ledger_id"]
    with synced.services.db.transaction(synced.tenant) as tx:
        tx.execute(line, (invoice, synced.tenant))
    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation, match=r"expected one that ledger\.invoices has"),
        synced.services.db.transaction(synced.tenant) as tx,
    ):
        tx.execute(line, (invoice + 1000, synced.tenant))


def test_a_document_of_nobody_is_refused_and_no_row_gets_another_id(synced: Books):
    row = synced.ledger_row("invoices", "101")
    invoice, customer = row["ledger_id"], row["customer_id"]
    for statement, expected in (
        ("update ledger.invoices set customer_id = customer_id + 1000 where ledger_id = %s", "ForeignKeyViolation"),
        ("update ledger.invoices set ledger_id = default where ledger_id = %s", "RestrictViolation"),
    ):
        with (
            pytest.raises(
                getattr(psycopg.errors, expected), match=r"expected one that ledger\.customers|the one it has"
            ),
            synced.services.db.transaction(synced.tenant) as tx,
        ):
            tx.execute(statement, (invoice,))
    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation, match=r"expected one that ledger\.customers has"),
        synced.services.db.transaction(synced.tenant) as tx,
    ):
        tx.execute(
            "insert into ledger.invoices (customer_id, issue_date, currency, net_amount, total_amount, open_amount) "
            "select customer_id + 1000, issue_date, currency, 0, 0, 0 from ledger.invoices where ledger_id = %s",
            (invoice,),
        )
    with (
        pytest.raises(psycopg.errors.RestrictViolation, match="found a new ledger_id"),
        synced.services.db.transaction(synced.tenant) as tx,
    ):
        tx.execute("update ledger.customers set ledger_id = default where ledger_id = %s", (customer,))
