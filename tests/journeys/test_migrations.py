"""A company's books in use, taken down to earlier migrations and up again: what is lost is what had no place there.

Belongs here: migrations over books as work leaves them. Over an empty database, and what one migration makes of rows
of its own: `tests/resources/stores/test_migrate.py`.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from psycopg import sql

from ledger.reconcile import MODULES
from resources.stages import as_of
from resources.stores import webhooks
from resources.stores.migrate import downgrade, migrate
from tests.books import Books, changed
from tests.journeys.damage import Slot, World, apply
from tests.ledger_writer import LedgerWriter
from tests.small_company import stamped

# How far down, and what is lost there: tables that a migration above it makes and whose rows nothing below can hold.
TURNS = {
    # Who is told of what (0027).
    "0026": {"sync.deliveries", "sync.events", "sync.webhooks"},
    # What lasts from one reconciliation to the next (0016), closed months (0022), totals by run (0025).
    "0015": {
        "reconciliation.aged_totals",
        "reconciliation.ageing",
        "reconciliation.breaks",
        "reconciliation.closing_figures",
        "reconciliation.closings",
        "reconciliation.documents",
        "reconciliation.statements",
    },
    # Books that are only read (0010): nothing waits to be written or decided. There is no audit (0011).
    "0001": {"sync.audit", "sync.audit_heads", "sync.conflicts", "sync.edits", "sync.outbox"},
}
# Where rows lose columns: no row of the ledger said whose it is, or which run wrote it, before 0010.
LATER_COLUMNS = ["connection", "run_id"]


@pytest.fixture
def in_use(books: Books, monkeypatch: pytest.MonkeyPatch) -> Books:
    """Every entity on both sides, breaks, a closed month, and each kind of work under way."""
    with books.services.db.transaction(books.tenant) as tx:
        events = list(webhooks.EVENTS)
        webhooks.make(tx, tenant=books.tenant, url="https://books.example/told", events=events, by="ada")
    world = World.of(books)
    order = {"TxnDate": "2026-01-09", "DocNumber": "PO-900", "TotalAmt": Decimal("80.00"), "POStatus": "Open"}
    refers = {"VendorRef": {"value": Slot(0).vendor}, "CurrencyRef": {"value": "USD"}}
    line = world.held["Bill"][Slot(0).bill]["Line"]
    world.held["PurchaseOrder"] = {"900": stamped(900, **order, **refers, APAccountRef={"value": "33"}, Line=line)}
    world.load()
    books.sync()
    month = as_of.parse_month("2026-02")
    instant = books.value("select clock_timestamp()")
    as_of.closed_month(books.services, books.name, list(MODULES.values()), month, closed_at=instant, by="ben")
    apply(world, {1: "both_sides_edited", 2: "record_held", 3: "invoice_amount_changed_here", 4: "edit_not_pushed"})
    books.reconcile()
    writer = LedgerWriter(books)
    writer.update("customers", world.row("customers", Slot(6).customer), note="arrives")
    books.push(entities=["customers"])
    books.sync()
    writer.update("customers", world.row("customers", Slot(8).customer), note="on its way")
    books.push_and_die(monkeypatch, "before_send")
    return books


def held(books: Books) -> dict[str, tuple[int, str]]:
    """Each table that has rows: how many, and for the two books a checksum of what they say."""
    tables = books.rows(
        "select table_schema as schema, table_name as name from information_schema.tables "
        "where table_schema = any(%s) and table_type = 'BASE TABLE'",
        ["ledger", "mirror", "reconciliation", "sync"],
    )
    found = {}
    with books.services.db.transaction(books.tenant) as tx:
        for table in tables:
            schema, name = table["schema"], table["name"]
            says = "to_jsonb(t) - %s::text[]" if schema in ("ledger", "mirror") else "null::jsonb"
            count, checksum = tx.execute(
                sql.SQL(
                    "select count(*), coalesce(md5(string_agg(said::text, ' ' order by said)), '') "
                    f"from (select {says} as said from {{}} t) s"
                ).format(sql.Identifier(schema, name)),
                [LATER_COLUMNS] if "%s" in says else [],
            ).fetchone()
            if count:
                found[f"{schema}.{name}"] = (count, checksum)
    return found


def breaks(books: Books) -> dict[tuple[str, str], object]:
    return {
        key: (result.ledger_amount, result.erp_amount, [(b.identity, b.amount) for b in result.breaks])
        for key, result in books.reconcile().items()
    }


def test_books_in_use_go_down_and_up_again(in_use: Books):
    url = in_use.database.url()
    differing = breaks(in_use)
    whole = held(in_use)
    assert {row["state"] for row in in_use.rows("select state from sync.outbox")} == {"done", "sent"}
    assert {table for lost in TURNS.values() for table in lost} <= whole.keys()
    owners = in_use.rows("select connection from ledger.bills order by ledger_id")

    for revision, lost in TURNS.items():
        downgrade(url, revision)
        migrate(url)
        assert held(in_use) == {table: rows for table, rows in whole.items() if table not in lost}
        whole = held(in_use)

    assert in_use.rows("select connection from ledger.bills order by ledger_id") == owners
    assert changed(in_use.sync()) == {}
    # The conflict and the edits that nothing holds any more are still differences, for whoever reconciles.
    assert breaks(in_use) == differing
    # What both sides agreed on is known as before: an edit is merged with what was done over there meanwhile.
    customer = Slot(10).customer
    LedgerWriter(in_use).update("customers", in_use.ledger_row("customers", customer)["ledger_id"], note="ours")
    in_use.edit("update", "Customer", customer, CompanyName="theirs")
    in_use.sync()
    in_use.push()
    (there,) = (one for one in in_use.objects("Customer") if one["Id"] == customer)
    here = in_use.ledger_row("customers", customer)
    assert (there["CompanyName"], there["Notes"]) == (here["company_name"], here["note"]) == ("theirs", "ours")
