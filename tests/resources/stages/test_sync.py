"""One connection's sync as a whole: killed, failed, doubled, paused: nothing is lost and nothing comes twice."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

import psutil
import psycopg
import pytest

from resources.errors import ErrorKind, TieoutError
from resources.stages import work
from resources.stages.sync import LEDGER_ENTITIES
from resources.stores import connections, leases
from tests.books import Books, changed
from tests.house import ROOT
from tests.ledger_writer import LedgerWriter
from tests.small_company import a_company, an_invoice

WIRE_NAMES = {
    "customers": "Customer",
    "vendors": "Vendor",
    "items": "Item",
    "invoices": "Invoice",
    "credit_memos": "CreditMemo",
    "payments": "Payment",
    "purchase_orders": "PurchaseOrder",
    "bills": "Bill",
    "vendor_credits": "VendorCredit",
    "bill_payments": "BillPayment",
}


def run_until_killed(books: Books, point: str) -> None:
    died = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.resources.stages.dying_sync",
            books.database.url(),
            str(books.home),
            books.name,
            point,
        ],
        cwd=ROOT,
        timeout=120,
    )
    assert died.returncode == -9


def let_the_lease_run_out(books: Books) -> None:
    books.change("update sync.leases set expires_at = clock_timestamp()")


def test_killed_again_and_again_everything_arrives_exactly_once(demo: Books):
    # Between storing a page and merging it, and in the middle of merging one.
    points = ["merging customers", "pulling invoices", "merging payments", "pulling bills"]
    for point in points:
        run_until_killed(demo, point)
        let_the_lease_run_out(demo)
        assert_no_watermark_is_ahead_of_the_data(demo)

    demo.sync()

    for entity, wire_name in WIRE_NAMES.items():
        ids = {row["Id"] for row in demo.objects(wire_name)}
        assert demo.mirror_ids(entity) == demo.ledger_ids(entity) == ids, entity
        (rows, bound) = (demo.value(f"select count(*) from ledger.{entity}"), len(ids))
        assert rows == bound, entity
    lines = sum(
        len([line for line in i["Line"] if line["DetailType"] != "SubTotalLineDetail"]) for i in demo.objects("Invoice")
    )
    assert demo.value("select count(*) from ledger.invoice_lines") == lines
    assert demo.open_errors() == []
    assert all(not r.difference and not r.breaks for r in demo.reconcile().values())


def assert_no_watermark_is_ahead_of_the_data(books: Books) -> None:
    """Whatever the company changed before a watermark is in the mirror."""
    for row in books.rows("select entity, watermark from sync.cursors where watermark is not null"):
        if row["entity"] not in WIRE_NAMES:
            continue
        before = {
            record["Id"]
            for record in books.objects(WIRE_NAMES[row["entity"]])
            if datetime.fromisoformat(record["MetaData"]["LastUpdatedTime"]) < row["watermark"]
        }
        assert before <= books.mirror_ids(row["entity"]), row["entity"]


@pytest.fixture
def demo(synced_demo: Books) -> Books:
    """The demo company as if it had never been synced: tables emptied, which is cheaper than another company."""
    with synced_demo.database.connect("superuser") as db:
        tables = db.execute(
            "select string_agg(format('%I.%I', schemaname, tablename), ', ') from pg_tables "
            "where schemaname in ('mirror', 'ledger') or (schemaname, tablename) in "
            "(('sync', 'cursors'), ('sync', 'bindings'), ('sync', 'runs'), ('sync', 'errors'))"
        ).fetchone()[0]
        db.execute(f"truncate {tables}")
    return synced_demo


def test_a_first_sync_reads_no_table_again_for_each_record(demo: Books):
    """Plans made while a table is empty are kept until its statistics come, which is after the first sync."""
    with demo.database.connect("superuser") as db:
        db.execute("select pg_stat_reset()")

    report = demo.sync()

    pulled = sum(outcome.pulled for outcome in report.outcomes.values())
    with demo.database.connect("superuser") as db:
        read = db.execute(
            "select relname, seq_tup_read from pg_stat_user_tables union all "
            "select indexrelname, idx_tup_read from pg_stat_user_indexes"
        ).fetchall()
        counted = db.execute("select reltuples from pg_class where oid = 'sync.bindings'::regclass").fetchone()
        bound = db.execute("select count(*) from sync.bindings").fetchone()
    assert pulled > 2000
    assert {name: rows for name, rows in read if rows > 20 * pulled} == {}
    assert counted == bound


def test_a_failed_entity_leaves_an_open_error_that_the_next_good_sync_closes(books: Books, no_waiting):
    books.load(a_company())
    books.simulator.post("faults", [{"contains": "from Bill ", "status": 503, "body": "<html>busy</html>"}])

    with pytest.raises(TieoutError) as failure:
        books.sync()

    assert failure.value.entity == "bills"
    (error,) = books.open_errors()
    assert (error["entity"], error["stage"], error["message"]) == ("bills", "sync", str(failure.value))
    assert [row["state"] for row in books.rows("select state from sync.runs")] == ["failed"]
    books.simulator.post("faults", [])
    books.sync()
    assert books.open_errors() == []
    assert [row["state"] for row in books.rows("select state from sync.runs order by run_id")] == ["failed", "done"]


def test_a_good_sync_of_another_entity_does_not_close_it(books: Books, no_waiting):
    books.load(a_company())
    books.simulator.post("faults", [{"contains": "from Bill ", "status": 503, "body": "<html>busy</html>"}])
    with pytest.raises(TieoutError):
        books.sync()

    books.sync(mirror_entities=["customers"], ledger_entities=["customers"])

    assert [e["entity"] for e in books.open_errors()] == ["bills"]


def test_two_syncs_at_once_take_turns_and_bring_everything_once(books: Books):
    books.load(a_company())
    reports, failures = [], []

    def work() -> None:
        try:
            reports.append(books.sync())
        except TieoutError as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert sorted(report.outcomes["invoices"].inserted for report in reports) == [0, 3]
    assert books.value("select count(*) from ledger.invoices") == 3


def test_a_sync_that_finds_another_one_at_work_says_whose_and_leaves_it_alone(books: Books, monkeypatch):
    monkeypatch.setattr("resources.stages.sync.LEASE_WAIT_SECONDS", 0.0)
    with books.services.db.transaction(books.tenant) as tx:
        held = leases.acquire(tx, f"sync:{books.name}", "elsewhere:4711")

    with pytest.raises(TieoutError) as failure:
        books.sync()

    assert failure.value.kind is ErrorKind.CONFLICT
    assert "elsewhere:4711" in failure.value.found
    with books.services.db.transaction(books.tenant) as tx:
        leases.hold(tx, held)
    assert books.open_errors() == []


def test_a_worker_that_lost_its_lease_commits_nothing_more_and_reports_nothing(books: Books):
    books.load(a_company())

    def lose(connection: str, doing: str, count: int) -> None:
        if doing == "pulling invoices":
            let_the_lease_run_out(books)
            with books.services.db.transaction(books.tenant) as tx:
                assert leases.acquire(tx, f"sync:{books.name}", "another")

    books.services.on_progress = lose
    with pytest.raises(leases.LeaseLostError):
        books.sync()

    assert books.mirror_ids("payments") == set()
    assert (books.ledger_ids("customers"), books.ledger_ids("invoices")) == ({"1"}, set())
    assert books.open_errors() == []
    with books.services.db.transaction(books.tenant) as tx:
        assert leases.holder(tx, f"sync:{books.name}") == "another"


def test_a_paused_connection_is_not_synced(books: Books):
    with books.services.db.transaction(books.tenant) as tx:
        connections.set_state(tx, books.name, "paused")

    with pytest.raises(TieoutError, match="paused"):
        books.sync()

    assert books.rows("select 1 from sync.runs") == []


def test_a_withdrawn_grant_asks_for_a_new_connection_and_a_good_one_makes_it_active(books: Books):
    refresh_token = books.services.vault(books.tenant).get(books.name, "refresh_token")
    books.services.vault(books.tenant).put(books.name, "refresh_token", "RT1-over-and-done")

    with pytest.raises(TieoutError) as failure:
        books.sync()

    assert failure.value.kind is ErrorKind.AUTHENTICATION
    assert books.services.connection(books.name).state == "reconnect"
    (error,) = books.open_errors()
    assert (error["code"], error["severity"], error["is_retryable"]) == ("SYNC_002", "critical", False)
    assert "RT1-over" not in str(books.rows("select * from sync.errors"))
    books.services.vault(books.tenant).put(books.name, "refresh_token", refresh_token)
    books.change("delete from sync.token_journal")
    books.sync()
    assert books.services.connection(books.name).state == "active"
    assert books.open_errors() == []


def test_the_next_pull_is_due_one_interval_after_the_end_well_or_not(books: Books, no_waiting):
    books.sync()
    wait = "select extract(epoch from next_pull_at - now()) from sync.connections"
    assert 290 < books.value(wait) <= 300
    books.change("update sync.connections set next_pull_at = now() - interval '1 hour'")
    books.simulator.post("faults", [{"status": 503, "body": "<html>busy</html>"}])
    with pytest.raises(TieoutError):
        books.sync()
    assert 290 < books.value(wait) <= 300


@pytest.mark.parametrize(
    ("seconds", "is_due"), [(-3600, True), (0, True), (200, False), (300, False), (3600, True), (10**9, True)]
)
def test_a_pull_waits_for_one_interval_at_most_though_a_clock_of_ours_stood_ahead(books: Books, seconds, is_due):
    books.change("update sync.connections set next_pull_at = now() + make_interval(secs => %s)", seconds)

    with books.services.fleet() as tx:
        due = [key for key, _ in connections.due_partitions(tx, 10)]

    assert due == ([books.name] if is_due else [])


def test_what_was_read_in_a_time_that_is_yet_to_come_is_not_fresh(books: Books):
    books.load(a_company(1))
    books.sync()
    assert "tax_codes" not in books.sync().outcomes
    books.change("update sync.cursors set pulled_at = now() + interval '1 year'")

    assert "tax_codes" in books.sync().outcomes


def test_nobody_else_is_named_as_the_one_who_changed_the_ledger(books: Books):
    books.load(a_company())
    report = books.sync()
    assert set(changed(report)) >= {"customers", "items", "invoices"}
    assert set(LEDGER_ENTITIES) <= set(report.outcomes)
    assert books.rows("select distinct changed_by from ledger.invoices") == [{"changed_by": f"sync:{books.name}"}]


def test_a_connection_paused_during_its_sync_stays_paused(books: Books):
    books.load(a_company(2))
    books.services.on_progress = lambda *_: books.change("update sync.connections set state = 'paused'")

    books.sync()

    assert books.value("select state from sync.connections") == "paused"


def test_secrets_that_cannot_be_opened_are_an_open_error_of_the_connection(books: Books):
    books.change("update sync.secrets set sealed = decode('00', 'hex') where name = 'client_secret'")

    with pytest.raises(TieoutError):
        books.sync()

    (error,) = books.open_errors()
    assert (error["connection"], error["stage"]) == (books.name, "sync")
    assert books.value("select state from sync.runs") == "failed"
    assert books.rows("select 1 from sync.leases where expires_at > clock_timestamp()") == []


def test_a_lease_left_by_a_process_that_died_on_this_host_is_taken_over_at_once(books: Books):
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    started = psutil.Process(gone.pid).create_time()
    gone.wait()
    books.change(
        "insert into sync.leases (name, epoch, owner, expires_at) values (%s, 7, %s, now() + interval '1 hour')",
        f"sync:{books.name}",
        f"{socket.gethostname()}|{gone.pid}|{started:.2f}|1",
    )

    books.sync()

    assert books.value("select epoch from sync.leases") == 8


def test_a_worker_that_could_not_give_its_lease_back_begins_again_at_once(
    books: Books, monkeypatch: pytest.MonkeyPatch
):
    books.load(a_company())
    monkeypatch.setattr("resources.stages.sync.LEASE_WAIT_SECONDS", 0.5)

    def release(*_: object) -> None:
        raise psycopg.OperationalError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(leases, "release", release)
        with pytest.raises(psycopg.OperationalError):
            books.sync()

    books.sync()

    assert books.open_errors() == []


def test_a_transaction_that_stays_open_ends_the_sync_with_who_holds_the_row_and_nobody_waits_for_ever(
    books: Books, monkeypatch: pytest.MonkeyPatch
):
    books.load({**a_company(1), "Invoice": [an_invoice(500)]})
    books.sync()
    row = books.ledger_row("invoices", "500")["ledger_id"]
    books.edit("update", "Invoice", "500", PONumber="theirs")
    monkeypatch.setattr(work, "LOCK_SECONDS_MAX", 0.2)

    with books.database.connect("writer", autocommit=False) as person:
        # Whoever waits for the person to go waits that long, and the test fails.
        person.execute("set idle_in_transaction_session_timeout = '30s'")
        person.execute("update ledger.invoices set memo = 'not yet committed' where ledger_id = %s", (row,))
        with pytest.raises(TieoutError, match=rf"session {person.info.backend_pid} \(tieout_writer\)"):
            books.sync()
        assert books.open_errors()[0]["is_retryable"]
        person.commit()

    books.sync()
    assert books.open_errors() == []
    both = books.ledger_row("invoices", "500")
    assert (both["memo"], both["po_number"]) == ("not yet committed", "theirs")


@pytest.mark.parametrize(("where", "wanted"), [("merge_written", "sync.cursors"), ("before_record", "sync.outbox")])
def test_a_transaction_that_postgresql_ends_for_a_deadlock_is_said_clearly_and_tried_again(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, where: str, wanted: str
):
    writer.update("invoices", company.ledger_row("invoices", "500")["ledger_id"], memo="ours")
    company.edit("update", "Invoice", "500", PONumber="theirs")

    with company.database.connect("superuser", autocommit=False) as other, ThreadPoolExecutor(1) as beside:
        # Ours looks for a deadlock first.
        other.execute("set deadlock_timeout = '1min'; set lock_timeout = '30s'")
        other.commit()

        def wait_for_ours() -> None:
            other.execute("select from sync.leases for update")
            other.rollback()

        def hook(name: str) -> None:
            if name == where:
                monkeypatch.setattr("resources.points.hook", None)
                other.execute(f"select from {wanted} for update")
                waiting.append(beside.submit(wait_for_ours))
                with company.database.connect("superuser") as looking:
                    while not looking.execute(
                        "select from pg_locks where pid = %s and not granted", (other.info.backend_pid,)
                    ).rowcount:
                        pass

        waiting: list[Future[None]] = []
        monkeypatch.setattr("resources.points.hook", hook)
        with pytest.raises(TieoutError, match="waited for each other"):
            company.sync()
            company.push()
        waiting[0].result()

    (error,) = company.open_errors()
    assert error["is_retryable"]
    company.sync()
    company.push()
    assert company.open_errors() == []
    (there,) = company.objects("Invoice")
    assert (there["CustomerMemo"]["value"], there["PONumber"]) == ("ours", "theirs")
    assert company.value("select count(*) from sync.audit where action = 'push.update'") == 1
