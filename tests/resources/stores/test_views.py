"""The views that analysts read: every column is explained and says where it comes from, and nobody sees another's rows.

The figures are checked on a book that SQL made (`bench/million.py`), whose rows are those a sync leaves.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import psycopg
import pytest

from bench.million import CONNECTION, Sizes, load
from ledger.reconcile import MODULES
from ledger.spec import entities
from resources.stores import documents, documents_compared
from resources.stores.views import SCHEMA, View, ViewError, _read, views
from tests.conftest import NewDatabase, ScratchDatabase
from tests.house import ROOT, prepare_database

INVOICES = 300
TENTH = Decimal("0.1")
WANTED = (
    "customers vendors items invoices invoice_lines payments bills purchase_orders ar_aging ap_aging open_documents "
    "cash_collected days_to_pay sync_health error_summary data_quality reconciliation_history delta_savings"
)


@pytest.fixture(scope="module")
def book(new_database: NewDatabase) -> ScratchDatabase:
    database = new_database(prepare_database)
    load(database.url("superuser"), Sizes(INVOICES))
    with database.connect("superuser") as db:
        db.execute("set session_replication_role = replica")
        db.execute("insert into sync.tenants (tenant_id) values ('other')")
        db.execute(
            "insert into ledger.customers (ledger_id, tenant_id, name, currency, changed_by) "
            "overriding system value values (1000000, 'other', 'Theirs', 'USD', 'somebody')"
        )
    return database


@pytest.fixture
def analyst(book):
    with book.connect("analyst") as db:
        yield db


def test_every_view_that_was_asked_for_is_there_and_every_entity_has_one():
    names = {view.name for view in views()}

    assert set(WANTED.split()) <= names
    assert {spec.name for spec in entities()} <= names


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_a_view_says_of_each_column_what_it_is_its_type_and_where_it_comes_from(view: View, book):
    with book.connect("owner") as db:
        there = db.execute(
            "select a.attname, format_type(a.atttypid, null), col_description(a.attrelid, a.attnum) "
            "from pg_attribute a where a.attrelid = %s::regclass and a.attnum > 0 order by a.attnum",
            (f"{SCHEMA}.{view.name}",),
        ).fetchall()
        read = {
            ".".join(row)
            for row in db.execute(
                "select n.nspname, c.relname, a.attname from pg_rewrite r "
                "join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refobjsubid > 0 "
                "join pg_class c on c.oid = d.refobjid join pg_namespace n on n.oid = c.relnamespace "
                "join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid "
                "where r.ev_class = %s::regclass",
                (f"{SCHEMA}.{view.name}",),
            )
        }

    assert [(c.name, c.type, c.says) for c in view.columns] == there
    assert {source for c in view.columns for source in c.sources} - read == set()
    # What is read only to join or to choose rows is no column's origin; each table read is some column's.
    assert {one.rpartition(".")[0] for one in read} == set(view.relations)


def test_a_text_that_leaves_a_column_unexplained_is_refused():
    with pytest.raises(ViewError, match="comment on a column"):
        _read(
            "create view analytics.a as select 1 as b;\ncomment on view analytics.a is 'A.';\n"
            "comment on column analytics.a.b is 'B.';\n"
        )


def test_an_analyst_sees_one_tenant_in_every_view_and_cannot_ask_for_another(analyst):
    analyst.execute("select set_config('tieout.tenant', 'other', false)")
    for view in views():
        if any(c.name == "tenant_id" for c in view.columns):
            tenants = {row[0] for row in analyst.execute(f"select distinct tenant_id from {SCHEMA}.{view.name}")}
            assert tenants <= {"default"}, view.name
    assert analyst.execute("select count(*) from analytics.customers").fetchone() == (10,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("select 1 from reconciliation.reports")


def test_the_ageing_is_what_is_open_and_so_are_the_balances(analyst):
    def one(query: str) -> Decimal:
        return analyst.execute(query).fetchone()[0]

    for view, module, entity in (("ar_aging", "ar", "invoices"), ("ap_aging", "ap", "bills")):
        whole = one(f"select sum(open_amount) from analytics.{entity} where currency = 'EUR'")
        assert whole > 0
        assert one(f"select sum(open_amount) from analytics.{view} where currency = 'EUR'") == whole
        assert whole == one(
            "select sum(current_amount + days_1_30_amount + days_31_60_amount + days_61_90_amount + "
            f"days_over_90_amount) from analytics.{view} where currency = 'EUR'"
        )
        assert whole == one(
            f"select sum(open_amount) from analytics.open_documents where module = '{module}' and currency = 'EUR'"
        )
    assert one("select sum(open_amount) from analytics.customer_balances where currency = 'GBP'") == one(
        "select sum(open_amount) from analytics.ar_aging where currency = 'GBP'"
    )


def test_home_amounts_are_at_the_documents_rate_and_not_known_without_one(analyst, book):
    with book.connect("superuser") as db:
        db.execute("set session_replication_role = replica")
        db.execute("update ledger.invoices set exchange_rate = 1 where ledger_id = 8")
    rows = analyst.execute(
        "select currency, total_amount, exchange_rate, total_home_amount from analytics.invoices "
        "where invoice_id in (7, 8, 9) order by invoice_id"
    ).fetchall()

    (usd, eur, gbp) = rows
    assert usd[3] == usd[1]
    assert (eur[0], eur[3]) == ("EUR", None)
    assert gbp[3] == round(gbp[1] * Decimal("1.3"), 2)


def test_days_to_pay_are_weighed_by_what_was_settled(analyst):
    expected = analyst.execute(
        "select round(sum(a.amount * (a.payment_date - i.issue_date)) / sum(a.amount), 1) "
        "from analytics.payment_applications a join analytics.invoices i on i.invoice_id = a.document_id "
        "where a.customer_id = 2 and a.currency = 'USD' and date_trunc('month', a.payment_date::timestamp) = "
        "(select max(paid_month)::timestamp from analytics.days_to_pay where customer_id = 2 and currency = 'USD')"
    ).fetchone()

    assert expected[0] is not None
    assert (
        expected
        == analyst.execute(
            "select days_to_pay from analytics.days_to_pay where customer_id = 2 and currency = 'USD' "
            "order by paid_month desc limit 1"
        ).fetchone()
    )


def test_days_to_pay_are_of_what_stands_settled_by_company_currency_and_month(analyst, book):
    """Without what is void, deleted, settles a credit or nothing yet; one payment settles a part of two invoices."""
    with book.connect("superuser") as db:
        db.execute("set session_replication_role = replica")
        db.execute("update ledger.payments set is_void = true where ledger_id = 3")
        db.execute("update ledger.payments set is_deleted = true where ledger_id = 4")
        db.execute("update ledger.payments set connection = 'second' where ledger_id % 5 = 0")
        db.execute("update ledger.invoices set is_deleted = true where ledger_id = 15")
        db.execute("update ledger.invoices set due_date = null where ledger_id % 4 = 0")
        db.execute("update ledger.payment_applications set document_entity = 'credit_memos' where payment_id = 9")
        db.execute("update ledger.payment_applications set document_id = null where payment_id = 11")
        db.execute(
            "insert into ledger.payment_applications (payment_id, part_key, tenant_id, position, document_entity, "
            "document_id, document_key, amount) values (12, '2', 'default', 2, 'invoices', 10, '10', 0.125)"
        )
    settled = analyst.execute(
        "select p.connection, p.customer_id, p.customer_name, p.currency, p.payment_date, i.issue_date, i.due_date, "
        "a.amount from analytics.payment_applications a join analytics.payments p using (payment_id) "
        "join analytics.invoices i on i.invoice_id = a.document_id and a.document_entity = 'invoices' "
        "where not p.is_void"
    ).fetchall()
    expected: dict[tuple, list[Decimal]] = {}
    for company, customer, name, currency, day, issued, due, amount in settled:
        sums = expected.setdefault(("default", company, customer, name, currency, day.replace(day=1)), [Decimal(0)] * 4)
        added = (Decimal(1), amount, amount * (day - issued).days, amount * (day - (due or issued)).days)
        sums[:] = [was + more for was, more in zip(sums, added, strict=True)]

    found = analyst.execute("select * from analytics.days_to_pay").fetchall()

    # 180 payments with one application each, less five, and one application more.
    assert len(settled) == 176
    assert {row[1] for row in found} == {CONNECTION, "second"}
    assert {row[:6]: row[6:] for row in found} == {
        key: (
            count,
            amount,
            (days / amount).quantize(TENTH, ROUND_HALF_UP),
            (late / amount).quantize(TENTH, ROUND_HALF_UP),
        )
        for key, (count, amount, days, late) in expected.items()
    }


def test_days_to_pay_of_one_customer_read_the_payments_of_that_customer_alone(analyst):
    (plan,) = analyst.execute(
        "explain (format json) select * from analytics.days_to_pay where customer_id = 2 and paid_month > '2024-06-01'"
    ).fetchone()
    nodes = [plan[0]["Plan"]]
    for node in nodes:
        nodes += node.get("Plans", [])
    (payments,) = [node for node in nodes if node.get("Relation Name") == "payments"]
    asked = " ".join(payments.get(condition, "") for condition in ("Index Cond", "Filter", "Recheck Cond"))

    assert "customer_id = 2" in asked
    assert "payment_date" in asked


def test_lines_of_a_deleted_document_are_gone_with_it(analyst, book):
    with book.connect("superuser") as db:
        db.execute("set session_replication_role = replica")
        db.execute("update ledger.bills set is_deleted = true where ledger_id = 5")
    assert analyst.execute("select count(*) from analytics.bills where bill_id = 5").fetchone() == (0,)
    assert analyst.execute("select count(*) from analytics.bill_lines where bill_id = 5").fetchone() == (0,)
    assert analyst.execute("select count(*) from analytics.bill_lines where bill_id = 6").fetchone() == (5,)


def test_what_deltas_save_is_against_the_run_that_read_most(analyst, book):
    with book.connect("superuser") as db:
        db.execute(
            "insert into sync.runs (tenant_id, connection, kind, started_at, ended_at, state, api_calls, outcome) "
            "select 'default', %s, 'delta', now(), now(), 'done', calls, "
            "jsonb_build_object('invoices', jsonb_build_object('pulled', pulled)) "
            "from (values (100, 5000), (2, 3), (2, 0)) r (calls, pulled)",
            (CONNECTION,),
        )
    found = analyst.execute(
        "select delta_count, pulled_count, api_calls, saved_pulled_count, saved_api_calls, saved_calls_percent "
        "from analytics.delta_savings"
    ).fetchone()
    assert found == (2, 3, 4, 9997, 196, Decimal("98.00"))
    health = analyst.execute("select period, run_count, success_percent from analytics.sync_health").fetchall()
    assert sorted(health) == [("30 days", 3, 100), ("day", 3, 100), ("hour", 3, 100)]


def test_of_errors_of_a_kind_the_newest_speaks_and_of_several_the_last_that_came(analyst, book):
    with book.connect("superuser") as db:
        db.execute(
            "insert into sync.errors (tenant_id, connection, entity, external_id, stage, kind, code, severity, "
            "is_retryable, message, occurrences, first_seen_at, last_seen_at, resolved_at) "
            "select 'default', %s, entity, id, 'pull', 'mapping', 'SYNC_004', 'error', false, message, occurrences, "
            "'2026-01-01', seen, resolved from (values "
            "('bills', '1', 'older', 1, timestamptz '2026-02-01 00:00:00.000001', null::timestamptz), "
            "('bills', '2', 'newest', 2, '2026-02-01 00:00:00.000003', '2026-03-01'), "
            "('bills', '3', 'between', 4, '2026-02-01 00:00:00.000002', null), "
            "('items', '4', 'first', 1, '2026-02-01', null), "
            "('items', '5', 'last', 1, '2026-02-01', null)"
            ") e (entity, id, message, occurrences, seen, resolved)",
            (CONNECTION,),
        )
    found = analyst.execute(
        "select entity, open_count, resolved_count, occurrence_count, last_message, "
        "last_seen_at - '2026-02-01' from analytics.error_summary where entity in ('bills', 'items') order by entity"
    ).fetchall()

    assert found == [
        ("bills", 2, 1, 7, "newest", timedelta(microseconds=3)),
        ("items", 2, 0, 2, "last", timedelta()),
    ]


@pytest.mark.parametrize("path", sorted((ROOT / "sql/queries").glob("*.sql")), ids=lambda path: path.stem)
def test_the_worked_queries_answer(path, analyst):
    analyst.execute(path.read_text(encoding="utf-8"))


def test_the_worked_queries_are_six_and_find_something(analyst):
    paths = sorted((ROOT / "sql/queries").glob("*.sql"))
    assert len(paths) == 6
    assert len(analyst.execute(paths[0].read_text(encoding="utf-8")).fetchall()) == 10


def test_a_book_made_by_sql_is_the_same_on_both_sides_and_what_differs_is_found_with_its_lines(book):
    """The loader's hashes are those of the mapping's records, or every document would differ."""
    (shape, *_) = documents.shapes_of(MODULES["ap"])
    with book.connect("app", autocommit=False) as tx:
        tx.execute("set tieout.tenant = 'default'")
        before = documents_compared.differing(tx, CONNECTION, shape, limit=100)
    with book.connect("superuser") as db:
        db.execute("set session_replication_role = replica")
        db.execute("update ledger.bill_lines set amount = amount + 1 where bill_id = 7 and position = 2")
        db.execute("update ledger.bills set open_amount = 0 where ledger_id = 10")
        db.execute("delete from reconciliation.documents where entity = 'bills' and external_id = '11'")
        db.execute("delete from sync.bindings where entity = 'bills' and external_id = '12'")
    with book.connect("app", autocommit=False) as tx:
        tx.execute("set tieout.tenant = 'default'")
        found = documents_compared.differing(tx, CONNECTION, shape, limit=100)
        few = documents_compared.differing(tx, CONNECTION, shape, limit=2)

    # The fifth was deleted here by the test before this one, if it ran.
    assert {p.external_id for p in before} <= {"5"}
    changed = {(p.external_id, p.ledger_id): p for p in found if p.external_id != "5"}
    assert set(changed) == {("7", 7), ("10", 10), ("11", 11), ("12", None), (None, 12)}
    assert changed["7", 7].ours.parts_hash != changed["7", 7].theirs.parts_hash
    assert changed["11", 11].theirs is None
    assert changed["12", None].ours is None
    assert changed[None, 12].theirs is None
    assert len(few) == 2
