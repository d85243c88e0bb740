"""Pushing: what is edited in the ledger is in the ERP once, parents first, and comes back as nothing new."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import pytest

from resources.connector import Answer, Wanted, Write, Written
from resources.erps.quickbooks.client import QuickBooksConnector
from resources.erps.quickbooks.writing import QuickBooksComposer
from resources.stages import sync as whole_way
from resources.stages import work
from resources.stores import code_maps, due_work, records, switches
from resources.stores.migrate import downgrade, migrate
from tests.books import Books, changed
from tests.copied import copied
from tests.house import Simulator, connect_simulator, running_simulator
from tests.ledger_writer import LedgerWriter
from tests.small_company import an_item, stamped

ITEM = "90"


def item_id(books: Books) -> int:
    return books.ledger_row("items", ITEM)["ledger_id"]


def customer_id(books: Books, external_id: str = "1") -> int:
    return books.ledger_row("customers", external_id)["ledger_id"]


def quiet(books: Books) -> bool:
    """Nothing is pending, and neither a sync nor a push changes anything more."""
    books.sync()
    report = books.push()
    return not report.pushed and not report.held and not changed(books.sync())


def test_a_new_customer_and_its_invoice_are_made_in_one_go_parents_first(company: Books, writer: LedgerWriter):
    customer = writer.customer("Lund & Sons", email="post@lund.example")
    invoice = writer.invoice(customer, "120.50", item_id(company), document_number="L-1", private_note="by hand")

    report = company.push()

    assert company.open_errors() == []
    assert report.pushed == {"customers": 1, "invoices": 1}
    made = next(i for i in company.objects("Invoice") if i.get("DocNumber") == "L-1")
    assert Decimal(str(made["TotalAmt"])) == Decimal("120.50")
    row = company.ledger_row("invoices", made["Id"])
    assert row["ledger_id"] == invoice
    assert row["private_note"] == "by hand"
    assert (
        next(c for c in company.objects("Customer") if c["DisplayName"] == "Lund & Sons")["Id"]
        == (made["CustomerRef"]["value"])
    )
    assert quiet(company)


def test_a_row_that_cannot_be_composed_is_held_and_stops_no_other(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    unforeseen = writer.customer("Unforeseen Ltd")
    writer.customer("Lund & Sons")
    composed = QuickBooksComposer.body

    def body(self: QuickBooksComposer, wanted: Wanted) -> dict[str, Any]:
        if wanted.record.name == "Unforeseen Ltd":
            raise AttributeError("no such thing")
        return composed(self, wanted)

    monkeypatch.setattr(QuickBooksComposer, "body", body)
    report = company.push()

    assert (report.pushed, report.held) == ({"customers": 1}, {"customers": 1})
    (error,) = company.open_errors()
    assert (error["external_id"], error["kind"]) == (f"#{unforeseen}", "unknown")
    assert "AttributeError: no such thing" in error["message"]


def test_an_answer_with_the_record_of_another_row_makes_nothing_of_it(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    first = writer.customer("Lund & Sons")
    company.push()
    held = company.rows("select external_id from sync.bindings where ledger_id = %s", first)
    second = writer.customer("Quiet Harbour")
    send, asked = QuickBooksConnector.send, []

    def other(self: QuickBooksConnector, writes: Sequence[Write]) -> list[Answer]:
        asked.append(send(self, writes))
        found = next(r for page in self.pull_ids("customers", [held[0]["external_id"]]) for r in page.records)
        return [Written(found) for _ in writes] if len(asked) == 1 else asked[-1]

    monkeypatch.setattr(QuickBooksConnector, "send", other)
    company.push()
    company.change("update sync.outbox set due_at = now()")
    company.push()

    assert company.rows("select external_id from sync.bindings where ledger_id = %s", first) == held
    assert company.rows("select 1 from sync.bindings where ledger_id = %s", second)
    assert quiet(company)


def test_several_new_documents_go_in_one_batch_and_are_recorded_together(company: Books, writer: LedgerWriter):
    for number in range(5):
        writer.invoice(customer_id(company), "10.00", item_id(company), document_number=f"B-{number}")

    report = company.push()

    assert company.open_errors() == []
    assert report.pushed == {"invoices": 5}
    assert company.value("select count(distinct batch_key) from sync.outbox where state = 'done'") == 1
    assert {f"B-{number}" for number in range(5)} <= {i.get("DocNumber") for i in company.objects("Invoice")}
    assert quiet(company)


def test_what_quickbooks_fills_in_comes_back_with_the_answer(company: Books, writer: LedgerWriter):
    invoice = writer.invoice(customer_id(company), "50.00", item_id(company))

    company.push()

    row = company.rows("select * from ledger.invoices where ledger_id = %s", invoice)[0]
    assert row["document_number"]
    assert row["changed_by"].startswith("sync:")
    lines = company.rows("select part_key, line_key from ledger.invoice_lines where invoice_id = %s", invoice)
    assert [line["part_key"] for line in lines] == ["1"]


def test_a_lone_edit_changes_that_field_and_nothing_else(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")

    writer.update("invoices", row["ledger_id"], memo="thank you")
    report = company.push()

    assert report.pushed == {"invoices": 1}
    after = next(i for i in company.objects("Invoice") if i["Id"] == "500")
    assert after["CustomerMemo"] == {"value": "thank you"}
    counted = {"memo", "version", "changed_at", "changed_by", "run_id"}
    here = company.ledger_row("invoices", "500")
    assert {k: v for k, v in here.items() if k not in counted} == {k: v for k, v in row.items() if k not in counted}
    sent = msgspec.json.decode(company.value("select body from sync.outbox"))
    assert set(sent) == {"Id", "SyncToken", "sparse", "CustomerMemo"}
    assert quiet(company)


def test_both_sides_edited_different_fields_and_both_edits_are_on_both_sides(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")
    writer.update("invoices", row["ledger_id"], memo="ours")
    company.edit("update", "Invoice", "500", PONumber="theirs")

    company.push()

    assert company.open_errors() == []
    there = next(i for i in company.objects("Invoice") if i["Id"] == "500")
    here = company.ledger_row("invoices", "500")
    assert (there["CustomerMemo"]["value"], there["PONumber"]) == ("ours", "theirs")
    assert (here["memo"], here["po_number"]) == ("ours", "theirs")
    assert quiet(company)


def test_a_line_edited_here_is_one_line_edited_there_and_its_row_stays(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")
    part = company.value("select part_id from ledger.invoice_lines where invoice_id = %s", row["ledger_id"])
    with writer.transaction() as tx:
        tx.execute("update ledger.invoice_lines set amount = 130, description = 'more' where part_id = %s", (part,))
        tx.execute(
            "update ledger.invoices set net_amount = 130, total_amount = 130, open_amount = 130 where ledger_id = %s",
            (row["ledger_id"],),
        )

    report = company.push()

    assert company.open_errors() == []
    assert report.pushed == {"invoices": 1}
    there = next(i for i in company.objects("Invoice") if i["Id"] == "500")
    assert Decimal(str(there["TotalAmt"])) == 130
    assert [line["Id"] for line in there["Line"] if line["DetailType"] == "SalesItemLineDetail"] == ["1"]
    assert company.value("select part_id from ledger.invoice_lines where invoice_id = %s", row["ledger_id"]) == part
    assert quiet(company)


def test_a_void_here_is_a_void_there(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")

    writer.update("invoices", row["ledger_id"], is_void=True)
    report = company.push()

    assert report.pushed == {"invoices": 1}
    there = next(i for i in company.objects("Invoice") if i["Id"] == "500")
    assert Decimal(str(there["TotalAmt"])) == 0
    here = company.ledger_row("invoices", "500")
    assert (here["is_void"], here["total_amount"], here["open_amount"]) == (True, 0, 0)
    assert quiet(company)


def test_a_delete_here_is_a_delete_there(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")

    writer.update("invoices", row["ledger_id"], is_deleted=True)
    report = company.push()

    assert report.pushed == {"invoices": 1}
    assert [i for i in company.objects("Invoice") if i["Id"] == "500"] == []
    assert company.ledger_row("invoices", "500")["is_deleted"] is True
    assert quiet(company)


def test_a_delete_right_after_a_push_is_not_undone_by_the_echo(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")
    writer.update("invoices", row["ledger_id"], memo="a word")
    company.push()

    writer.update("invoices", row["ledger_id"], is_deleted=True)
    company.sync()

    assert company.ledger_row("invoices", "500")["is_deleted"] is True
    assert company.push().pushed == {"invoices": 1}
    assert [i for i in company.objects("Invoice") if i["Id"] == "500"] == []
    assert quiet(company)


def test_a_payment_is_applied_partly_to_one_and_wholly_to_another_invoice(company: Books, writer: LedgerWriter):
    first = company.ledger_row("invoices", "500")["ledger_id"]
    second = writer.invoice(customer_id(company), "80.00", item_id(company), document_number="P-2")
    writer.payment(customer_id(company), "150.00", {first: "70.00", second: "80.00"}, reference_number="77")

    report = company.push()
    company.sync()

    assert company.open_errors() == []
    assert report.pushed == {"invoices": 1, "payments": 1}
    balances = {i["DocNumber"]: Decimal(str(i["Balance"])) for i in company.objects("Invoice")}
    assert balances == {"INV-500": Decimal(30), "P-2": Decimal(0)}
    open_here = {
        r["document_number"]: r["open_amount"]
        for r in company.rows("select * from ledger.invoices where not is_deleted")
    }
    assert open_here == balances
    assert quiet(company)


def test_an_edit_made_while_its_row_is_pushed_is_pushed_next(company: Books, writer: LedgerWriter, monkeypatch):
    row = company.ledger_row("invoices", "500")
    writer.update("invoices", row["ledger_id"], memo="first")
    edited = []

    def edit_meanwhile(name: str) -> None:
        if name == "after_send" and not edited:
            edited.append(name)
            writer.update("invoices", row["ledger_id"], memo="second")

    monkeypatch.setattr("resources.points.hook", edit_meanwhile)
    company.push()
    company.push()

    there = next(i for i in company.objects("Invoice") if i["Id"] == "500")
    assert there["CustomerMemo"]["value"] == "second"
    assert company.ledger_row("invoices", "500")["memo"] == "second"
    assert quiet(company)


def test_a_row_deleted_while_it_is_made_there_is_recorded_as_made_once(
    company: Books, writer: LedgerWriter, monkeypatch
):
    made = writer.invoice(customer_id(company), item_id=item_id(company), document_number="INV-9")

    def delete_meanwhile(name: str) -> None:
        if name == "after_send":
            writer.update("invoices", made, is_deleted=True)

    with monkeypatch.context() as patch:
        patch.setattr("resources.points.hook", delete_meanwhile)
        company.push()
    company.sync()
    company.push()
    company.sync()

    told = company.rows("select action from sync.audit where ledger_id = %s and entity = 'invoices'", made)
    assert [one["action"] for one in told if one["action"] == "push.create"] == ["push.create"]


def test_a_note_written_on_a_void_document_leaves_it_void(company: Books, writer: LedgerWriter):
    company.edit("void", "Invoice", "500")
    company.sync()
    row = company.ledger_row("invoices", "500")
    assert row["is_void"]

    writer.update("invoices", row["ledger_id"], private_note="entered twice")
    company.push()

    there = next(i for i in company.objects("Invoice") if i["Id"] == "500")
    row = company.ledger_row("invoices", "500")
    assert (row["is_void"], row["private_note"], there["PrivateNote"]) == (
        True,
        "Voided - entered twice",
        "Voided - entered twice",
    )
    assert quiet(company)


def test_two_edits_of_the_same_amount_are_a_conflict_and_neither_is_lost(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")
    writer.update("invoices", row["ledger_id"], private_note="ours")
    company.edit("update", "Invoice", "500", PrivateNote="theirs")

    report = company.push()

    assert report.pushed == {}
    (conflict,) = company.rows("select * from sync.conflicts where state = 'open'")
    assert (conflict["kind"], [f["name"] for f in conflict["fields"]]) == ("concurrent_update", ["private_note"])
    assert company.ledger_row("invoices", "500")["private_note"] == "ours"
    assert next(i for i in company.objects("Invoice") if i["Id"] == "500")["PrivateNote"] == "theirs"


def test_a_held_document_does_not_hold_the_others(company: Books, writer: LedgerWriter):
    bad = writer.invoice(customer_id(company), "10.00", item_id(company), document_number="X" * 22)
    good = writer.invoice(customer_id(company), "20.00", item_id(company), document_number="G-1")

    report = company.push()

    assert report.pushed == {"invoices": 1}
    (error,) = company.open_errors()
    assert (error["entity"], error["external_id"], error["stage"]) == ("invoices", f"#{bad}", "push")
    assert "document_number" in error["field"]
    assert company.value("select count(*) from sync.bindings where ledger_id = %s and entity = 'invoices'", good) == 1

    writer.update("invoices", bad, document_number="X-1")
    assert company.push().pushed == {"invoices": 1}
    assert company.open_errors() == []
    assert quiet(company)


def test_what_was_edited_together_with_a_void_is_not_lost(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")

    writer.update("invoices", row["ledger_id"], is_void=True, memo="entered twice")
    company.push()
    company.push()

    assert company.ledger_row("invoices", "500")["memo"] == "entered twice"
    there = next(i for i in company.objects("Invoice") if i["Id"] == "500")
    assert (Decimal(str(there["TotalAmt"])), there["CustomerMemo"]["value"]) == (0, "entered twice")
    assert quiet(company)


def test_a_line_edited_while_its_document_is_planned_is_not_taken_for_said(
    company: Books, writer: LedgerWriter, monkeypatch
):
    row = company.ledger_row("invoices", "500")
    writer.update("invoices", row["ledger_id"], memo="x")
    writer.update("invoices", row["ledger_id"], memo=row["memo"])
    select_head, edited = records._select, []

    def edit_between_lines_and_head(entity: str):
        if entity == "invoices" and not edited:
            edited.append(entity)
            writer.update_line("invoices", row["ledger_id"], 1, description="more work")
        return select_head(entity)

    monkeypatch.setattr(records, "_select", edit_between_lines_and_head)
    company.push()
    company.push()

    there = next(i for i in company.objects("Invoice") if i["Id"] == "500")
    assert there["Line"][0]["Description"] == "more work"
    assert quiet(company)


def test_a_customer_deleted_here_is_made_inactive_there_and_may_come_back(company: Books, writer: LedgerWriter):
    customer = writer.customer("Gone Ltd")
    company.push()

    writer.update("customers", customer, is_deleted=True)
    assert company.push().pushed == {"customers": 1}

    def gone() -> dict:
        return next(c for c in company.objects("Customer") if c["DisplayName"].startswith("Gone Ltd"))

    assert gone()["Active"] is False
    assert not company.rows("select * from sync.conflicts")
    assert quiet(company)
    assert company.value("select is_deleted from ledger.customers where ledger_id = %s", customer)

    writer.update("customers", customer, is_deleted=False)
    company.push()
    assert (gone()["Active"], gone()["DisplayName"]) == (True, "Gone Ltd")
    assert quiet(company)


def test_a_customer_taken_back_while_it_is_deleted_there_stays(company: Books, writer: LedgerWriter, monkeypatch):
    customer = writer.customer("Gone Ltd")
    company.push()
    writer.update("customers", customer, is_deleted=True)
    taken_back = []

    def take_back(name: str) -> None:
        if name == "after_send" and not taken_back:
            taken_back.append(name)
            writer.update("customers", customer, is_deleted=False)

    monkeypatch.setattr("resources.points.hook", take_back)
    company.push()
    company.push()

    assert next(c for c in company.objects("Customer") if c["DisplayName"] == "Gone Ltd")["Active"]
    assert not company.value("select is_deleted from ledger.customers where ledger_id = %s", customer)
    assert quiet(company)


def test_a_refusal_is_over_once_both_sides_say_the_same(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")
    writer.update("invoices", row["ledger_id"], document_number="X" * 22)
    company.push()
    assert company.open_errors()

    writer.update("invoices", row["ledger_id"], document_number="INV-500", memo="same")
    company.edit("update", "Invoice", "500", CustomerMemo={"value": "same"})
    company.sync()

    assert company.open_errors() == []
    assert quiet(company)


@pytest.mark.parametrize("side", ["here", "there"])
@pytest.mark.parametrize("is_synced_between", [True, False])
def test_an_edit_of_a_row_that_is_deleted_on_both_sides_waits_for_nothing(
    company: Books, writer: LedgerWriter, side: str, is_synced_between: bool
):
    row = company.ledger_row("invoices", "500")
    if side == "here":
        writer.update("invoices", row["ledger_id"], is_deleted=True)
        company.push()
    else:
        company.edit("delete", "Invoice", "500")
        company.sync()
    if is_synced_between:
        company.sync()

    writer.update("invoices", row["ledger_id"], memo="why it went")
    company.push()

    assert not company.rows("select * from sync.edits")
    assert quiet(company)


def test_what_was_refused_goes_again_once_a_code_map_makes_it_say_something_else(company: Books, writer: LedgerWriter):
    def map_code(external_id: str) -> None:
        with company.services.db.transaction(company.tenant) as tx:
            code_maps.put(
                tx,
                tenant=company.tenant,
                connection=company.name,
                list_name="terms",
                codes={"n30": external_id},
                actor="ann",
            )

    company.sync()
    first, second = sorted(company.mirror_ids("terms"))[:2]
    map_code(first)
    invoice = writer.invoice(customer_id(company), "10.00", item_id(company), terms_code="n30")
    fault = {"Fault": {"Error": [{"Message": "Invalid Reference Id", "code": "2500", "element": "SalesTermRef"}]}}
    company.simulator.post(
        "faults",
        [{"method": "POST", "path": "*/invoice", "nth": 1, "status": 400, "body": json.dumps(fault)}],
    )
    assert company.push().pushed == {}
    company.simulator.post("faults", [])
    assert [e["external_id"] for e in company.open_errors()] == [f"#{invoice}"]
    assert company.push().pushed == {}

    map_code(second)

    assert company.push().pushed == {"invoices": 1}
    assert company.open_errors() == []
    assert quiet(company)


def test_a_row_does_not_move_to_another_company_once_it_is_in_one(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    company.change(
        "insert into sync.connections (connection, tenant_id, erp, settings, partition_key, "
        "pull_interval_seconds, state) values ('qbo_other', 'default', 'quickbooks', '{}', 'qbo_other', 300, 'paused')"
    )

    with pytest.raises(psycopg.errors.RestrictViolation, match="expected qbo_test, where the record is"):
        writer.update("invoices", row, connection="qbo_other")
    with pytest.raises(psycopg.errors.NotNullViolation, match="expected qbo_other or qbo_test"):
        writer.update("invoices", row, connection=None)
    writer.update("invoices", row, connection=company.name)
    unsent = writer.invoice(customer_id(company), "10.00", item_id(company), connection="qbo_other")
    writer.update("invoices", unsent, connection=company.name)

    assert company.push().pushed == {"invoices": 1}


def test_what_counts_as_the_same_version_after_a_restore_is_another_edit(company: Books, writer: LedgerWriter):
    """QuickBooks answers a key that it knows from its memory, and does nothing."""
    row = company.ledger_row("invoices", "500")["ledger_id"]
    with closing(company.database.connect("superuser")) as hand:
        restore = copied(hand)
        for memo in ("first", "second"):
            writer.update("invoices", row, memo=memo)
            company.push()
        hand.execute(restore)
    company.sync()
    writer.update("invoices", row, memo="after the restore")

    company.push()

    there = next(i for i in company.objects("Invoice") if i["Id"] == "500")
    assert company.ledger_row("invoices", "500")["memo"] == "after the restore"
    assert there["CustomerMemo"]["value"] == "after the restore"
    assert quiet(company)


def test_books_in_use_are_migrated_back_and_forth(company: Books, writer: LedgerWriter):
    writer.customer("Lund & Sons")
    company.push()

    downgrade(company.database.url(), "0030")
    migrate(company.database.url())

    assert company.value("select state from sync.outbox where tried_at = sent_at") == "done"
    assert quiet(company)


def test_what_is_switched_off_while_an_intent_waits_is_not_sent_again(
    company: Books, writer: LedgerWriter, monkeypatch
):
    writer.invoice(customer_id(company), "10.00", item_id(company))
    company.simulator.post("faults", [{"method": "POST", "path": "*/invoice", "nth": 1, "drop": "before"}])

    def switch(is_on: bool) -> None:
        with company.services.db.transaction(company.tenant) as tx:
            switches.set_maintenance(tx, tenant=company.tenant, is_on=is_on, actor="ann", reason="")

    monkeypatch.setattr(
        "resources.stages.doubts.Doubts._pause", lambda self, seconds: switch(True) or time.sleep(seconds)
    )
    assert company.push().in_doubt == 1
    assert len(company.objects("Invoice")) == 1

    switch(False)
    assert company.push().pushed == {"invoices": 1}
    assert quiet(company)


@pytest.fixture
def second(company: Books) -> Books:
    """Another company of the same ledger."""
    connect_simulator(company.services, company.simulator, "second", realm_id="2")
    company.change("update sync.connections set meeting = 'done' where connection = 'second'")
    return replace(company, name="second")


def test_a_row_that_somebody_is_writing_is_not_sent_before_it_is_known_what_it_says(
    company: Books, writer: LedgerWriter, second: Books
):
    moving = writer.invoice(
        customer_id(company), "10.00", item_id(company), document_number="M-1", connection=company.name
    )
    writer.invoice(customer_id(company), "20.00", item_id(company), document_number="M-2", connection=company.name)

    with writer.transaction() as tx:
        tx.execute("update ledger.invoices set connection = 'second' where ledger_id = %s", (moving,))
        assert company.push().pushed == {"invoices": 1}

    assert company.push().pushed == {}
    assert [i["DocNumber"] for i in company.objects("Invoice") if i["Id"] != "500"] == ["M-2"]
    assert not company.open_errors()


def test_a_decision_between_the_plan_and_the_sending_is_what_is_said(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    writer.update("invoices", row, memo="planned")
    decided: list[int] = []

    def decide(name: str) -> None:
        if name == "planned" and not decided:
            decided.append(row)
            writer.update("invoices", row, memo="decided")

    monkeypatch.setattr("resources.points.hook", decide)
    company.push()
    company.push()

    assert company.rows("select operation from sync.outbox") == [{"operation": "update"}]
    (there,) = company.objects("Invoice")
    assert there["CustomerMemo"]["value"] == "decided"


def test_a_document_that_names_a_company_and_is_in_another_says_so_until_it_names_that_and_wakes_nobody(
    company: Books, writer: LedgerWriter, second: Books
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    with writer.transaction() as tx:
        # As an earlier version let it come to.
        tx.execute("set local tieout.is_sync = 'on'")
        tx.execute("update ledger.invoices set connection = 'second' where ledger_id = %s", (row,))
    writer.update("invoices", row, memo="ours")

    assert [second.push().pushed for _ in range(2)] == [{}, {}]

    with company.services.fleet() as tx:
        assert due_work.partitions_to_push(tx, 10) == []
    (error,) = second.open_errors()
    assert error["next_step"] == f"update ledger.invoices set connection = '{company.name}' where ledger_id = {row}"
    assert company.push().pushed == {"invoices": 1}
    assert len(second.open_errors()) == 1
    company.change(error["next_step"])
    with company.services.fleet() as tx:
        assert due_work.partitions_to_push(tx, 10) == [company.name]
    company.push()
    assert second.open_errors() == []
    assert not company.rows("select * from sync.edits")


def test_what_a_company_said_of_a_document_is_over_once_it_names_another(
    company: Books, writer: LedgerWriter, second: Books
):
    invoice = company.ledger_row("invoices", "500")["ledger_id"]
    row = writer.payment(customer_id(company), "10.00", {invoice: "10.00"}, connection="second")
    second.push()
    (error,) = second.open_errors()
    assert error["next_step"] == f"name a document of second, or enter this record for {company.name}"

    writer.update("payments", row, connection=company.name)

    assert company.push().pushed == {"payments": 1}
    assert second.open_errors() == []


@pytest.fixture(scope="module")
def simulator_of_another() -> Iterator[Simulator]:
    with running_simulator("--no-limits", "--realm", "9130357849009999") as running:
        yield running


def an_account(external_id: int, name: str) -> dict[str, object]:
    money = {"CurrencyRef": {"value": "USD"}, "CurrentBalance": Decimal(0)}
    return stamped(external_id, Name=name, AccountType="Income", Active=True, **money)


def test_a_code_of_one_company_is_not_written_into_another_before_a_map_says_what_it_is_there(
    company: Books, simulator_of_another: Simulator
):
    later = replace(company, simulator=simulator_of_another, name="later_test")
    simulator_of_another.reset("empty")
    for books, says in ((company, "Consulting"), (later, "Interest earned")):
        widget = an_item(5, Name="Widget", IncomeAccountRef={"value": "79"})
        books.load({"Account": [an_account(n, name) for n, name in ((79, "Sales"), (80, says), (81, "Other"))]})
        books.load({"Item": [widget]})
    company.sync("full")
    connect_simulator(company.services, simulator_of_another, name="later_test")
    whole_way.meet(company.services, "later_test", by="anna", is_applied=True)
    for books in (later, company):
        books.sync()
        books.push()

    company.edit("update", "Item", "5", IncomeAccountRef={"value": "80"})
    company.sync()
    later.push()

    there = {i["Id"]: i["IncomeAccountRef"]["value"] for i in later.objects("Item") if "IncomeAccountRef" in i}
    assert there["5"] == "79"
    (error,) = later.open_errors()
    assert error["next_step"] == "tieout codes map later_test accounts 80=ID"
    with company.services.db.transaction(company.tenant) as tx:
        code_maps.put(
            tx, tenant=company.tenant, connection="later_test", list_name="accounts", codes={"80": "81"}, actor="anna"
        )
    with company.services.fleet() as tx:
        assert due_work.partitions_to_push(tx, 10) == ["later_test"]
    assert later.push().pushed == {"items": 1}
    assert later.open_errors() == []


@pytest.mark.parametrize(
    ("stage", "unreadable"),
    [("merge", {"SyncToken": "7", "TxnDate": "not a day"}), ("pull", {"SyncToken": "7", "PrivateNote": "\0"})],
)
def test_an_edit_of_a_record_whose_version_there_is_held_waits_for_it_and_makes_no_calls(
    company: Books, writer: LedgerWriter, stage: str, unreadable: dict[str, str]
):
    (good,) = company.objects("Invoice")
    company.load({"Invoice": [good | unreadable]})
    company.sync("full")
    writer.update("invoices", company.ledger_row("invoices", "500")["ledger_id"], memo="ours")

    report, pushed = whole_way.push(company.services, company.name)

    assert (report.api_calls, pushed.held) == (0, {"invoices": 1})
    assert {error["stage"] for error in company.open_errors()} == {stage, "push"}
    with company.services.fleet() as tx:
        assert due_work.partitions_to_push(tx, 10) == []
    # It is made readable there, with an edit of its own: both are merged, and ours follows by itself.
    company.load({"Invoice": [good | {"SyncToken": "8", "PONumber": "theirs"}]})
    company.sync("full")
    with company.services.fleet() as tx:
        assert due_work.partitions_to_push(tx, 10) == [company.name]
    assert company.push().pushed == {"invoices": 1}
    assert company.open_errors() == []
    assert company.objects("Invoice")[0]["PONumber"] == "theirs"


@pytest.fixture
def readable_again(company: Books, writer: LedgerWriter) -> tuple[datetime, datetime]:
    """Within this window the invoice can be read again; an edit of it waits for that, as a plan has seen."""
    (good,) = company.objects("Invoice")
    modified_at = datetime.fromisoformat(good["MetaData"]["LastUpdatedTime"])
    window = (modified_at, modified_at + timedelta(seconds=1))
    company.load({"Invoice": [good | {"PrivateNote": "\0"}]})
    company.sync("window", window=window)
    writer.update("invoices", company.ledger_row("invoices", "500")["ledger_id"], memo="ours")
    assert company.push().held == {"invoices": 1}
    company.load({"Invoice": [good]})
    return window


def test_an_edit_follows_by_itself_once_the_record_is_again_as_it_was_merged(
    company: Books, readable_again: tuple[datetime, datetime]
):
    assert not changed(company.sync("window", window=readable_again))

    with company.services.fleet() as tx:
        assert due_work.partitions_to_push(tx, 10) == [company.name]
    assert company.push().pushed == {"invoices": 1}
    assert company.open_errors() == []


def test_who_writes_another_row_just_then_is_not_waited_for(
    company: Books,
    writer: LedgerWriter,
    readable_again: tuple[datetime, datetime],
    monkeypatch: pytest.MonkeyPatch,
):
    writer.update("customers", customer_id(company), name="refused")
    company.change("update sync.edits set looked_at = now()")
    monkeypatch.setattr(work, "LOCK_SECONDS_MAX", 0.2)

    with company.database.connect("writer", autocommit=False) as person:
        person.execute("set idle_in_transaction_session_timeout = '30s'")
        person.execute(
            "update ledger.customers set name = 'not committed' where ledger_id = %s", (customer_id(company),)
        )
        company.sync("window", window=readable_again)
        person.rollback()

    assert company.rows("select entity from sync.edits where looked_at is null") == [{"entity": "invoices"}]
