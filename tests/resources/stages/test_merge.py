"""Merging: parents before what refers to them, held until they come, deletions and revivals as what they are."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

from tests.books import Books, changed
from tests.house import connect_simulator
from tests.ledger_writer import LedgerWriter
from tests.small_company import EARLY, a_company, a_customer, a_line, a_payment, an_invoice, an_item, stamped

LATER = "2026-01-06T09:00:00-08:00"


def newer(record: dict, at: str = LATER) -> dict:
    record["SyncToken"] = str(int(record["SyncToken"]) + 1)
    record["MetaData"] = {"CreateTime": EARLY, "LastUpdatedTime": at}
    return record


def test_a_document_waits_for_its_customer_and_is_released_by_itself(books: Books):
    company = a_company(1)
    company["Invoice"].append(an_invoice(500, customer=7))
    books.load(company)
    report = books.sync()
    assert report.outcomes["invoices"].held == 1
    assert set(books.held()) == {("invoices", "500")}

    books.load({"Customer": [a_customer(7)]})
    report = books.sync("full")

    assert books.open_errors() == []
    assert changed(report)["invoices"] == (1, 0, 0)
    customer = books.ledger_row("customers", "7")
    assert books.ledger_row("invoices", "500")["customer_id"] == customer["ledger_id"]


def test_a_sub_customer_may_come_before_its_parent(books: Books):
    child, grandchild = a_customer(1, ParentRef={"value": "3"}), a_customer(2, ParentRef={"value": "1"})
    books.load({"Customer": [child, grandchild, a_customer(3)]})

    books.sync()

    assert books.open_errors() == []
    ids = {n: books.ledger_row("customers", n)["ledger_id"] for n in "123"}
    assert books.ledger_row("customers", "1")["parent_id"] == ids["3"]
    assert books.ledger_row("customers", "2")["parent_id"] == ids["1"]


def test_an_application_finds_its_invoice_also_when_that_comes_later(books: Books):
    company = a_company(1)
    company["Payment"] = [a_payment(300, invoice=500)]
    books.load(company)
    books.sync()
    payment_id = books.ledger_row("payments", "300")["ledger_id"]
    find = "select document_entity, document_key, document_id from ledger.payment_applications where payment_id = %s"
    assert books.rows(find, payment_id) == [{"document_entity": "invoices", "document_key": "500", "document_id": None}]

    books.load({"Invoice": [an_invoice(500)]})
    books.sync("full")

    assert books.rows(find, payment_id)[0]["document_id"] == books.ledger_row("invoices", "500")["ledger_id"]


def test_an_application_to_a_document_the_ledger_has_no_table_for_keeps_its_name(books: Books):
    company = a_company(1)
    link = {"Amount": Decimal("100.00"), "LinkedTxn": [{"TxnId": "9", "TxnType": "JournalEntry"}]}
    company["Payment"] = [a_payment(300, invoice=9, Line=[link])]
    books.load(company)

    books.sync()

    assert books.open_errors() == []
    assert books.rows("select document_entity, document_key, document_id from ledger.payment_applications") == [
        {"document_entity": "journal_entries", "document_key": "9", "document_id": None}
    ]


def test_a_deleted_document_stays_readable_and_a_restored_one_lives_again(books: Books):
    books.load(a_company())
    books.sync()
    deleted = books.edit("delete", "Invoice", "101")
    assert deleted["status"] == "Deleted"

    report = books.sync()

    assert changed(report)["invoices"] == (0, 0, 1)
    assert books.ledger_row("invoices", "101")["is_deleted"]
    assert books.sync().outcomes["invoices"].is_quiet

    books.load({"Invoice": [newer(an_invoice(101), "2036-01-01T00:00:00Z")]})
    report = books.sync("full")

    assert changed(report)["invoices"] == (0, 1, 0)
    row = books.ledger_row("invoices", "101")
    assert (row["is_deleted"], row["version"]) == (False, 3)


def test_a_deletion_there_that_waits_for_an_edit_here_to_end_is_asked_about(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    company.edit("delete", "Invoice", "500")
    waits = "select exists (select from pg_locks where pg_backend_pid() = any(pg_blocking_pids(pid)))"

    with ThreadPoolExecutor(1) as threads:
        with writer.transaction() as tx:
            tx.execute("update ledger.invoices set memo = 'ours' where ledger_id = %s", (row,))
            syncing = threads.submit(company.sync)
            while not tx.execute(waits).fetchone()[0]:
                assert not syncing.done()
                time.sleep(0.01)
        syncing.result()

    (asked,) = company.rows("select ledger_id, external_id, kind from sync.conflicts where state = 'open'")
    assert asked == {"ledger_id": row, "external_id": "500", "kind": "delete_conflict"}
    assert not company.ledger_row("invoices", "500")["is_deleted"]
    assert not company.push().pushed
    assert not company.rows("select * from sync.edits where looked_at is null")


def test_a_change_of_what_the_ledger_does_not_hold_changes_no_ledger_row(books: Books):
    books.load(a_company())
    books.sync()
    before = books.ledger_row("customers", "1")
    books.load({"Customer": [newer(a_customer(1, Balance=Decimal("7.00"), Balance_is="unknown here"))]})

    report = books.sync("full")

    assert books.mirror_version("customers", "1")["payload"]["Balance"] == 7
    assert report.outcomes["customers"].is_quiet
    assert books.ledger_row("customers", "1") == before
    # The token follows all the same: a push would have to send the newest.
    assert books.value("select version_token from sync.bindings where entity = 'customers'") == "1"


def test_a_record_that_turns_bad_keeps_its_last_good_version_until_a_good_one_comes(books: Books):
    books.load(a_company())
    books.sync()
    books.load({"Invoice": [newer(an_invoice(101, TxnDate="someday"))]})
    books.sync("full")
    assert set(books.held()) == {("invoices", "101")}
    assert books.ledger_row("invoices", "101")["version"] == 1

    books.load({"Invoice": [newer(newer(an_invoice(101, amount="70.00")), "2026-01-07T09:00:00-08:00")]})
    books.sync("full")

    assert books.open_errors() == []
    assert books.ledger_row("invoices", "101")["total_amount"] == Decimal("70.00")


def test_a_held_record_that_is_deleted_over_there_is_held_no_more(books: Books):
    company = a_company(1)
    company["Invoice"].append(an_invoice(500, TxnDate="someday"))
    books.load(company)
    books.sync()
    assert set(books.held()) == {("invoices", "500")}

    books.load(
        {"Invoice": [{"Id": "500", "status": "Deleted", "MetaData": {"LastUpdatedTime": "2036-01-01T00:00:00Z"}}]}
    )
    books.sync("full")

    assert books.open_errors() == []


def test_reference_data_is_mirrored_and_needs_no_ledger(books: Books):
    books.load({"Term": [stamped(3, Name="Net 30", DueDays=30, Active=True)]})

    report = books.sync()

    assert report.outcomes["terms"].inserted == len(books.mirror_ids("terms"))
    assert books.mirror_version("terms", "3")["payload"]["Name"] == "Net 30"


def test_a_payment_is_not_linked_to_another_companys_document_of_the_same_id(books: Books):
    company = a_company(1)
    company["Payment"] = [a_payment(300, invoice=500)]
    books.load(company)
    books.sync()
    other = a_company(1)
    other["Invoice"] = [an_invoice(500, amount="999.00")]
    books.simulator.reset("empty")
    books.load(other)
    connect_simulator(books.services, books.simulator, "second", realm_id="2")
    realm_id = books.simulator.post("tokens")["realm_id"]
    books.change(
        "update sync.connections set settings = settings || jsonb_build_object('realm_id', %s::text) "
        "where connection = 'second'",
        realm_id,
    )

    replace(books, name="second").sync()

    assert books.value("select document_id from ledger.payment_applications where document_key = '500'") is None


def test_two_lines_with_the_same_id_are_both_kept(books: Books):
    company = a_company(2)
    company["Invoice"][0]["Line"] = [a_line("40.00", 1), a_line("60.00", 1)]
    books.load(company)

    books.sync()

    assert books.open_errors() == []
    kept = books.rows("select part_key, amount from ledger.invoice_lines")
    assert {(k["part_key"], str(k["amount"])) for k in kept} >= {("1", "40.00"), ("#2", "60.00")}


def test_what_an_earlier_sync_stored_and_did_not_merge_comes_before_what_refers_to_it(books: Books):
    books.load({"Customer": [a_customer(1)], "Item": [an_item(90)]})
    books.sync(mirror_entities=["customers", "items"], ledger_entities=[])
    assert books.ledger_ids("customers") == set()
    books.load({"Invoice": [an_invoice(500)]})
    held: list[str] = []
    books.services.on_progress = lambda name, doing, count: held.extend(books.held()) if "merging" in doing else None

    books.sync()

    assert held == []
    assert books.open_errors() == []
    assert (books.ledger_ids("customers"), books.ledger_ids("invoices")) == ({"1"}, {"500"})


def test_changes_are_taken_in_their_order_also_when_an_earlier_one_still_waits(books: Books):
    books.load(a_company())
    books.sync()
    books.load({"Invoice": [newer(an_invoice(101, amount="70.00"))]})
    books.sync("full", ledger_entities=[])
    assert books.ledger_row("invoices", "101")["version"] == 1
    books.load({"Invoice": [newer(an_invoice(102, amount="80.00"), "2026-01-07T09:00:00-08:00")]})

    books.sync("full")

    totals = [books.ledger_row("invoices", n)["total_amount"] for n in ("101", "102")]
    assert totals == [Decimal("70.00"), Decimal("80.00")]


def test_a_name_deleted_here_stays_so_while_it_is_inactive_there_whatever_it_says(books: Books):
    books.load({"Customer": [a_customer(1)]})
    books.sync()
    writer = LedgerWriter(books)
    writer.update("customers", books.ledger_row("customers", "1")["ledger_id"], is_deleted=True)
    books.push()

    books.edit("update", "Customer", "1", PrimaryPhone={"FreeFormNumber": "123"}, Active=False)
    books.sync()

    row = books.ledger_row("customers", "1")
    assert (row["is_deleted"], row["phone"]) == (True, "123")
    books.edit("update", "Customer", "1", Active=True)
    books.sync()
    assert not books.ledger_row("customers", "1")["is_deleted"]
    assert not books.push().pushed
