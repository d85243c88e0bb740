"""What a push comes back to: answers that were lost, records that moved meanwhile, rows that were taken back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.policies import Policy
from resources.connector import Answer, Deferred, InDoubt, Refused, Write
from resources.errors import ErrorKind, TieoutError
from resources.stages import doubts
from resources.stages import sync as whole_way
from resources.stages.sending import Sending
from resources.stores import due_work, policies, switches
from resources.stores.leases import LeaseLostError
from tests.books import Books, Died
from tests.ledger_writer import LedgerWriter
from tests.resources.stages.test_push import customer_id, item_id, quiet
from tests.small_company import a_customer, an_item

IN_ONE_RUN = 1 + doubts.ATTEMPTS_MAX
Writes = Sequence[Write]
Calls = list[list[Write]]
Send = Callable[[Writes], list[Answer]]


def lose(company: Books, *, times: int = 1, drop: str = "before", path: str = "*/invoice*") -> None:
    company.simulator.post("faults", [{"method": "POST", "path": path, "count": times, "drop": drop}])


def test_a_record_that_moved_before_the_second_attempt_is_merged_and_pushed_in_the_same_run(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    writer.update("invoices", row, memo="ours")
    lose(company)
    moved = []

    def edit_meanwhile(name: str) -> None:
        # The probe has not found it, and somebody writes there before it is sent again.
        if name == "resend_counted" and not moved:
            moved.append(name)
            company.edit("update", "Invoice", "500", PONumber="theirs")

    monkeypatch.setattr("resources.points.hook", edit_meanwhile)
    company.push()

    there = next(i for i in company.objects("Invoice") if i["Id"] == "500")
    assert (there["CustomerMemo"]["value"], there["PONumber"]) == ("ours", "theirs")
    assert not company.rows("select * from sync.edits")
    assert quiet(company)


def test_a_record_that_one_question_does_not_find_is_not_gone(company: Books, writer: LedgerWriter):
    writer.update("invoices", company.ledger_row("invoices", "500")["ledger_id"], memo="ours")
    company.edit("update", "Invoice", "500", PONumber="theirs")
    nothing = {"QueryResponse": {}, "time": datetime.now(UTC).isoformat()}
    question = {"contains": "from Invoice where Id in", "nth": 1}
    company.simulator.post("faults", [{**question, "status": 200, "body": nothing}])

    assert company.push().pushed == {"invoices": 1}

    (there,) = company.objects("Invoice")
    assert (there["CustomerMemo"]["value"], there["PONumber"]) == ("ours", "theirs")
    assert not company.rows("select * from sync.conflicts")


def test_a_record_that_somebody_else_changed_while_the_answer_was_lost_is_pushed_in_the_same_run(
    company: Books, writer: LedgerWriter
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    writer.update("invoices", row, memo="ours")
    lose(company)
    real = company.services.connect

    def connect(connection):
        erp, connector = real(connection)
        probe, asked = connector.probe, []

        def probe_late(*arguments):
            if not asked:
                asked.append(True)
                company.edit("update", "Invoice", "500", PONumber="theirs")
            return probe(*arguments)

        connector.probe = probe_late
        return erp, connector

    company.services.connect = connect
    company.push()

    there = next(i for i in company.objects("Invoice") if i["Id"] == "500")
    assert (there["CustomerMemo"]["value"], there["PONumber"]) == ("ours", "theirs")
    assert not company.rows("select * from sync.edits")


def due_pushes(company: Books) -> list[str]:
    with company.services.fleet() as tx:
        return due_work.partitions_to_push(tx, 10)


def test_an_edit_made_while_its_row_is_planned_in_vain_wakes_the_next_push(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    writer.update("invoices", row, document_number="X" * 22)
    hold = Sending.hold

    def edit_meanwhile(self, tx, entity, held):
        writer.update("invoices", row, document_number="INV-501")
        hold(self, tx, entity, held)

    with monkeypatch.context() as patched:
        patched.setattr(Sending, "hold", edit_meanwhile)
        assert company.push().held == {"invoices": 1}

    assert due_pushes(company) == [company.name]
    assert company.push().pushed == {"invoices": 1}
    assert company.open_errors() == []
    assert quiet(company)


@pytest.mark.parametrize("is_planned_meanwhile", [True, False])
def test_an_edit_made_while_the_one_before_it_is_refused_wakes_the_next_push(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, is_planned_meanwhile: bool
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    writer.update("invoices", row, memo="ours")

    def refuse_what_is_edited_meanwhile(send: Send, writes: Writes) -> list[Answer]:
        writer.update("invoices", row, memo="ours, again")
        if is_planned_meanwhile:
            company.change("update sync.edits set looked_at = now()")
        return [Refused(TieoutError(ErrorKind.VALIDATION, doing="pushing", found="a memo", expected="another"))]

    sending(company, monkeypatch, refuse_what_is_edited_meanwhile)
    assert company.push(entities=["invoices"]).held == {"invoices": 1}

    assert due_pushes(company) == [company.name]
    assert company.push().pushed == {"invoices": 1}
    assert quiet(company)


@pytest.mark.parametrize("is_taken_back", [False, True], ids=["moved there", "deleted and taken back"])
def test_a_row_whose_write_in_doubt_is_over_wakes_the_next_push_although_this_one_dies(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, is_taken_back: bool
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    if is_taken_back:
        writer.update("invoices", row, is_deleted=True)
        company.push_and_die(monkeypatch)
        writer.update("invoices", row, is_deleted=False)
    else:
        writer.update("invoices", row, memo="ours")
        company.push_and_die(monkeypatch, "before_send")
        company.edit("update", "Invoice", "500", PONumber="theirs")
        company.sync()
    company.change("update sync.outbox set due_at = now() + interval '1 hour'")
    company.push()
    assert due_pushes(company) == []
    company.change("update sync.outbox set due_at = now()")

    company.push_and_die(monkeypatch, "found_committed")

    assert due_pushes(company) == [company.name]
    assert company.push().pushed == {"invoices": 1}
    assert quiet(company)


def test_a_worker_that_was_taken_over_while_it_waited_to_call_sends_nothing(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    for number in ("W-1", "W-2"):
        writer.invoice(customer_id(company), "10.00", item_id(company), document_number=number)
    taken_over = "update sync.leases set epoch = epoch + 1"
    real = company.services.connect

    def connect(connection):
        erp, connector = real(connection)
        wire = connector._wire
        gate = wire._gate

        @contextmanager
        def call():
            with gate.call():
                if wire._doing.startswith("pushing"):
                    company.change(taken_over)
                yield

        wire._gate = SimpleNamespace(call=call, paused_seconds=gate.paused_seconds)
        return erp, connector

    with monkeypatch.context() as patched:
        patched.setattr(company.services, "connect", connect)
        with pytest.raises(LeaseLostError):
            company.push()

    assert [one["Id"] for one in company.objects("Invoice")] == ["500"]
    assert {row["state"] for row in company.rows("select state from sync.outbox")} == {"sent"}
    company.change("update sync.leases set expires_at = now()")
    assert company.push().pushed == {"invoices": 2}
    assert quiet(company)


def test_an_effect_that_names_what_the_ledger_lacks_is_recorded_and_keeps_nothing_else_from_being_pushed(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    writer.update("invoices", row, memo="ours")
    company.services.pace = 0.0

    def edited_unheard(send: Send, writes: Writes) -> list[Answer]:
        # Our change happens, and before we ask, its line gets an item that we have not heard of.
        send(writes)
        company.load({"Item": [an_item(91)]})
        detail = {"ItemRef": {"value": "91"}}
        line = {"Id": "1", "Amount": 100, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
        company.edit("update", "Invoice", "500", Line=[line])
        return lost(send, writes)

    sending(company, monkeypatch, edited_unheard)
    writer.invoice(customer_id(company), "10.00", item_id(company), document_number="OTHER")

    report = company.push()

    assert (report.pushed, report.in_doubt) == ({"invoices": 2}, 0)
    assert company.held()["invoices", "500"]["found"] == "a reference to items/91"
    # Nothing is said to a version that nobody has merged.
    writer.update("invoices", row, memo="ours again")
    assert company.push().pushed == {}
    company.sync("full")
    assert company.push().pushed == {"invoices": 1}
    lines = company.rows("select item_id from ledger.invoice_lines where invoice_id = %s", row)
    assert [line["item_id"] for line in lines] == [company.ledger_row("items", "91")["ledger_id"]]
    assert company.held() == {}
    assert quiet(company)


def test_a_deletion_that_names_what_the_ledger_lacks_is_of_the_record_that_the_row_stays(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    customer = writer.customer("Gone Ltd")
    company.push()
    (external_id,) = company.ledger_ids("customers") - {"1"}
    writer.update("customers", customer, is_deleted=True)
    company.services.pace = 0.0

    def taken_back_unheard(send: Send, writes: Writes) -> list[Answer]:
        # It is made inactive, and before we ask, it is taken back here and put under one that we have not heard of.
        send(writes)
        company.load({"Customer": [a_customer(77, FullyQualifiedName="Customer 77")]})
        company.edit("update", "Customer", external_id, ParentRef={"value": "77"}, Job=True)
        writer.update("customers", customer, is_deleted=False)
        return lost(send, writes)

    sending(company, monkeypatch, taken_back_unheard)
    company.push()
    company.sync("full")
    company.push()

    (there,) = [c for c in company.objects("Customer") if c["DisplayName"].startswith("Gone Ltd")]
    assert (there["Id"], there["Active"]) == (external_id, True)
    assert company.ledger_row("customers", external_id)["ledger_id"] == customer
    assert company.held() == {}
    assert quiet(company)


def test_nobody_waits_for_an_intent_whose_module_is_switched_off(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    writer.invoice(customer_id(company), "10.00", item_id(company))
    lose(company, times=9)
    pauses: list[float] = []
    monkeypatch.setattr(doubts, "ATTEMPTS_MAX", 1)
    assert company.push().in_doubt == 1
    monkeypatch.setattr(doubts.Doubts, "_pause", lambda self, seconds: pauses.append(seconds))
    company.change("update sync.outbox set due_at = clock_timestamp() + interval '20 seconds'")
    with company.services.db.transaction(company.tenant) as tx:
        switches.switch(
            tx,
            tenant=company.tenant,
            connection=company.name,
            module="ar",
            direction="push",
            is_on=False,
            actor="ann",
            reason="",
        )

    assert company.push().in_doubt == 1
    assert pauses == []


def test_a_write_that_is_lost_again_and_again_is_tried_a_few_times_a_run_and_then_left_to_the_next(
    company: Books, writer: LedgerWriter
):
    writer.invoice(customer_id(company), "10.00", item_id(company))
    company.services.pace = 0.0
    lose(company, times=99)

    assert company.push().in_doubt == 1

    assert company.value("select attempts from sync.outbox") == 1 + doubts.ATTEMPTS_MAX


def test_a_due_intent_that_had_its_attempts_does_not_keep_the_others_from_being_waited_for(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    for number in ("W-1", "W-2"):
        writer.invoice(customer_id(company), "10.00", item_id(company), document_number=number)
    lose(company, times=1, path="*/batch*")
    monkeypatch.setattr(doubts.Doubts, "_pause", lambda self, seconds: time.sleep(seconds))

    assert company.push().pushed == {"invoices": 2}
    assert quiet(company)


@pytest.mark.parametrize("operation", ["update", "void", "delete"])
def test_a_lost_answer_about_a_record_whose_base_cannot_be_read_any_more_stops_nothing(
    company: Books, writer: LedgerWriter, operation: str, monkeypatch: pytest.MonkeyPatch
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    change = {"update": {"memo": "ours"}, "void": {"is_void": True}, "delete": {"is_deleted": True}}[operation]
    writer.update("invoices", row, **change)
    lose(company, drop="after")

    def forget(name: str) -> None:
        if name == "after_send":
            company.change("update sync.bindings set base = null, base_seq = null where entity = 'invoices'")

    monkeypatch.setattr("resources.points.hook", forget)
    report = company.push()

    assert (report.pushed, report.in_doubt) == ({"invoices": 1}, 0)
    assert quiet(company)


def test_a_lost_answer_about_a_record_whose_base_is_lost_and_that_somebody_changed_is_a_conflict(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    writer.update("invoices", row, private_note="ours")
    lose(company)

    def forget(name: str) -> None:
        if name == "after_send":
            company.change("update sync.bindings set base = null, base_seq = null where entity = 'invoices'")
            company.edit("update", "Invoice", "500", PrivateNote="theirs")

    monkeypatch.setattr("resources.points.hook", forget)
    assert company.push().pushed == {}

    (conflict,) = company.rows("select * from sync.conflicts where state = 'open'")
    assert [f["name"] for f in conflict["fields"]] == ["private_note"]


@pytest.mark.parametrize("edit", [{"memo": "ours"}, {"is_deleted": True}], ids=["changed", "deleted"])
def test_an_edit_of_a_record_whose_base_cannot_be_read_any_more_is_merged_with_what_is_there(
    company: Books, writer: LedgerWriter, edit: dict[str, Any]
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    company.change("update sync.bindings set base = null, base_seq = null where entity = 'invoices'")
    writer.update("invoices", row, **edit)

    assert company.push().pushed == {"invoices": 1}

    there = [one["CustomerMemo"]["value"] for one in company.objects("Invoice")]
    assert there == ([] if "is_deleted" in edit else ["ours"])
    assert company.open_errors() == []
    assert quiet(company)


@pytest.mark.parametrize("side", ["here", "there"])
@pytest.mark.parametrize("is_synced_between", [True, False])
def test_a_document_taken_back_after_both_sides_deleted_it_is_made_again(
    company: Books, writer: LedgerWriter, side: str, is_synced_between: bool
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    if side == "here":
        writer.update("invoices", row, is_deleted=True)
        company.push()
    else:
        company.edit("delete", "Invoice", "500")
        company.sync()
    if is_synced_between:
        company.sync()
    assert company.value("select is_deleted from ledger.invoices where ledger_id = %s", row)

    writer.update("invoices", row, is_deleted=False)
    company.sync()
    company.push()

    (made,) = company.objects("Invoice")
    assert (made["DocNumber"], Decimal(str(made["TotalAmt"]))) == ("INV-500", Decimal(100))
    assert made["Id"] != "500"
    assert not company.value("select is_deleted from ledger.invoices where ledger_id = %s", row)
    assert company.ledger_row("invoices", made["Id"])["ledger_id"] == row
    assert company.open_errors() == []
    assert not company.rows("select * from sync.conflicts")
    assert quiet(company)


def test_a_document_deleted_on_both_sides_at_once_and_taken_back_is_made_again(company: Books, writer: LedgerWriter):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    writer.update("invoices", row, is_deleted=True)
    company.edit("delete", "Invoice", "500")
    company.sync()
    company.push()

    writer.update("invoices", row, is_deleted=False)
    company.push()
    company.sync()

    assert [made["DocNumber"] for made in company.objects("Invoice")] == ["INV-500"]
    assert not company.value("select is_deleted from ledger.invoices where ledger_id = %s", row)
    assert quiet(company)


def test_what_was_made_for_a_row_that_is_another_record_by_now_may_be_deleted_there_and_is_a_twin_if_it_comes_back(
    company: Books, writer: LedgerWriter
):
    row = writer.invoice(customer_id(company), "10.00", item_id(company), document_number="M-1")
    company.push()
    first = made(company)
    for is_deleted in (True, False):
        writer.update("invoices", row, is_deleted=is_deleted)
        company.push()
    second = made(company)

    company.sync()

    assert company.ledger_row("invoices", second["Id"])["ledger_id"] == row
    assert not company.rows("select * from sync.conflicts")
    assert quiet(company)
    company.load({"Invoice": [first | {"SyncToken": "9"}]})
    company.sync("full")
    (asked,) = company.rows("select ledger_id, fields from sync.conflicts where state = 'open'")
    assert (asked["ledger_id"], [f["theirs"] for f in asked["fields"]]) == (row, [first["Id"]])


def made(company: Books) -> dict[str, Any]:
    (invoice,) = [invoice for invoice in company.objects("Invoice") if invoice["DocNumber"] == "M-1"]
    return invoice


def test_a_deletion_there_that_a_policy_has_settled_is_not_taken_for_a_second_making(
    company: Books, writer: LedgerWriter
):
    with company.services.db.transaction(company.tenant) as tx:
        policies.put(tx, tenant=company.tenant, entity="invoices", field="", policy=Policy.LEDGER_WINS, by="anna")
    row = writer.invoice(customer_id(company), "10.00", item_id(company), document_number="M-1")
    company.push()
    writer.update("invoices", row, memo="still needed")
    company.edit("delete", "Invoice", made(company)["Id"])
    # It is pulled, and merged by the push, which asks once more what is there.
    company.sync(ledger_entities=["customers"])

    company.push()

    assert [invoice["DocNumber"] for invoice in company.objects("Invoice")] == ["INV-500", "M-1"]
    assert company.value("select count(*) from sync.audit where action = 'push.create'") == 2
    assert quiet(company)


@pytest.mark.parametrize("dies_at", [None, "after_send", "record_written", "found_written", "resend_counted"])
def test_a_batch_of_which_a_part_was_answered_and_a_part_lost_happens_exactly_once(
    company: Books, writer: LedgerWriter, dies_at: str | None, monkeypatch: pytest.MonkeyPatch
):
    rows = [
        writer.invoice(customer_id(company), "10.00", item_id(company), document_number=f"B-{n}") for n in range(30)
    ]
    real = company.services.connect
    dropped: list[str] = []

    def connect(connection):
        """QuickBooks answers, and a third of what it says is not understood."""
        erp, connector = real(connection)
        send = connector.send

        def send_and_lose(writes):
            answers = list(send(writes))
            if len(answers) == 30 and not dropped:
                for place in range(0, 30, 3):
                    dropped.append(writes[place].key)
                    lost = TieoutError(ErrorKind.SYSTEM, doing="pushing", found="no answer for it", expected="one")
                    answers[place] = InDoubt(lost)
            return answers

        connector.send = send_and_lose
        return erp, connector

    class Died(BaseException):
        """As a process that is killed: nothing is tidied up after it."""

    killed: list[str] = []

    def die(name: str) -> None:
        if name == dies_at and not killed:
            killed.append(name)
            raise Died

    company.services.connect = connect
    company.services.pace = 0.0
    monkeypatch.setattr("resources.points.hook", die)
    for _ in range(4):
        try:
            company.push()
        except Died:
            company.change("update sync.leases set expires_at = clock_timestamp()")

    numbers = sorted(i["DocNumber"] for i in company.objects("Invoice") if i["DocNumber"].startswith("B-"))
    assert numbers == sorted(f"B-{n}" for n in range(30))
    done = company.rows("select ledger_id, count(*) from sync.outbox where state = 'done' group by ledger_id")
    assert {row["ledger_id"]: row["count"] for row in done} == dict.fromkeys(rows, 1)
    assert company.value("select count(*) from sync.audit where action = 'push.create'") == 30
    assert company.value("select count(*) from sync.bindings where entity = 'invoices'") == 31
    assert quiet(company)


def test_what_a_merge_has_brought_meanwhile_is_not_recorded_a_second_time(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    for number in ("L-1", "L-2"):
        writer.invoice(customer_id(company), "10.00", item_id(company), document_number=number)
    company.push_and_die(monkeypatch)
    with monkeypatch.context() as patched:
        # The next sync stores both in the mirror, and dies before it merges them.
        patched.setattr("resources.points.hook", dying_before_invoices_are_merged(company))
        with pytest.raises(Died):
            company.sync()

    company.push()

    keys = [row["detail"]["key"] for row in company.rows("select detail::jsonb from sync.audit where action ~ 'push'")]
    assert len(keys) == len(set(keys)) == 2
    assert quiet(company)


def dying_before_invoices_are_merged(company: Books) -> Callable[[str], None]:
    def hook(name: str) -> None:
        if name == "merge_begun" and len(company.mirror_ids("invoices")) == 3:
            raise Died

    return hook


def sending(company: Books, monkeypatch: pytest.MonkeyPatch, *first: Callable[[Send, Writes], list[Answer]]) -> Calls:
    """What the first calls do instead of sending, given the real one; every later call is sent. Gives all of them."""
    real = company.services.connect
    calls: list[list[Write]] = []

    def connect(connection):
        erp, connector = real(connection)
        send = connector.send

        def instead(writes):
            calls.append(list(writes))
            return first[len(calls) - 1](send, writes) if len(calls) <= len(first) else send(writes)

        connector.send = instead
        return erp, connector

    company.services.connect = connect
    monkeypatch.setattr(doubts.Doubts, "_pause", lambda self, seconds: time.sleep(0.01))
    return calls


def lost(send: Send, writes: Writes) -> list[Answer]:
    return [InDoubt(TieoutError(ErrorKind.SYSTEM, doing="pushing", found="no answer", expected="one")) for _ in writes]


def throttled(send: Send, writes: Writes) -> list[Answer]:
    return [
        Deferred(TieoutError(ErrorKind.RATE_LIMIT, doing="pushing", found="429", expected="a call")) for _ in writes
    ]


def test_a_second_attempt_that_has_to_wait_does_not_end_the_doubt_about_the_first(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    writer.invoice(customer_id(company), "10.00", item_id(company), document_number="W-1")
    company.services.pace = 0.0
    calls: Calls = []

    def throttled_while_the_first_arrives(send: Send, writes: Writes) -> list[Answer]:
        send(calls[0])
        return throttled(send, writes)

    calls = sending(company, monkeypatch, lost, throttled_while_the_first_arrives)
    company.push()

    assert len(calls) == 2
    assert company.value("select answer from sync.outbox") == "found there when asked whether it had happened"
    assert quiet(company)


def test_a_batch_is_not_taken_apart_while_its_latest_request_may_still_be_at_work(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    for number in ("W-1", "W-2"):
        writer.invoice(customer_id(company), "10.00", item_id(company), document_number=number)

    def half_done(send: Send, writes: Writes) -> list[Answer]:
        return [*send([writes[0]]), *lost(send, writes[1:])]

    calls = sending(company, monkeypatch, *[throttled] * IN_ONE_RUN, half_done)
    company.services.pace = 0.0
    company.push()
    company.change("update sync.outbox set sent_at = sent_at - interval '1 hour', due_at = now()")
    company.services.pace = 1.0
    company.push()

    assert len(calls) == IN_ONE_RUN + 1
    assert company.value("select due_at > now() + interval '1 minute' from sync.outbox where state = 'sent'")


@pytest.fixture
def unanswered(company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One invoice whose making is in doubt, and about which the ERP says nothing that can be read, until this is
    cleared; no wait has any length.
    """
    writer.invoice(customer_id(company), "10.00", item_id(company), document_number="U-1")
    company.push_and_die(monkeypatch)
    return mute(company, "probe")


def mute(company: Books, question: str) -> list[bool]:
    """Asked this, the ERP says nothing that can be read, until what is given is cleared; no wait has any length."""
    company.services.pace, is_mute, real = 0.0, [True], company.services.connect

    def connect(connection):
        erp, connector = real(connection)
        answer = getattr(connector, question)

        def ask(*arguments):
            if is_mute:
                raise TieoutError(ErrorKind.SYSTEM, doing="asking", found="half an answer", expected="a whole one")
            return answer(*arguments)

        setattr(connector, question, ask)
        return erp, connector

    company.services.connect = connect
    return is_mute


def test_one_that_cannot_be_asked_about_stops_no_other_and_is_shown_if_it_lasts(
    company: Books, writer: LedgerWriter, unanswered: list[bool]
):
    writer.customer("Lund & Sons")

    report = company.push()

    assert report.pushed == {"customers": 1}
    assert company.value("select state from sync.outbox where entity = 'invoices'") == "sent"
    (error,) = company.open_errors()
    assert (error["field"], error["kind"]) == ("what came of its create", "system")
    assert "half an answer" in error["found"]

    unanswered.clear()
    company.push()

    assert company.open_errors() == []
    assert len([invoice for invoice in company.objects("Invoice") if invoice.get("DocNumber") == "U-1"]) == 1
    assert quiet(company)


def test_where_the_next_cannot_be_asked_about_either_the_push_ends(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, unanswered: list[bool]
):
    unanswered.clear()
    company.change("update sync.outbox set due_at = now() + interval '1 hour'")
    writer.invoice(customer_id(company), "20.00", item_id(company), document_number="U-2")
    company.push_and_die(monkeypatch)
    company.change("update sync.outbox set due_at = now()")
    unanswered.append(True)
    writer.customer("Lund & Sons")

    with pytest.raises(TieoutError, match="half an answer"):
        company.push()

    assert company.value("select count(*) from sync.outbox where state = 'sent'") == 2


@pytest.mark.parametrize("values", [{"private_note": "better"}, {"is_deleted": True}], ids=["edited", "deleted"])
def test_what_had_to_wait_is_not_sent_once_its_row_says_something_else(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any]
):
    row = writer.invoice(customer_id(company), "10.00", item_id(company), document_number="W-1")
    calls = sending(company, monkeypatch, *[throttled] * IN_ONE_RUN)
    company.services.pace = 0.0
    company.push()
    writer.update("invoices", row, **values)

    company.push()

    sent = [write.body.get("PrivateNote", "") for (write,) in calls[IN_ONE_RUN:]]
    assert [note.partition("\n")[0] for note in sent] == ([] if "is_deleted" in values else ["better"])
    assert len([i for i in company.objects("Invoice") if i["DocNumber"] == "W-1"]) == len(sent)
    assert quiet(company)


def test_a_change_that_had_to_wait_gives_way_to_what_its_row_says_by_now_without_asking_what_is_there(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    row = company.ledger_row("invoices", "500")["ledger_id"]
    writer.update("invoices", row, memo="ours")
    sending(company, monkeypatch, *[throttled] * IN_ONE_RUN)
    company.services.pace = 0.0
    company.push()
    writer.update("invoices", row, memo="ours, better")

    report, pushed = whole_way.push(company.services, company.name)

    assert (report.api_calls, pushed.pushed) == (1, {"invoices": 1})
    assert company.objects("Invoice")[0]["CustomerMemo"]["value"] == "ours, better"


def test_what_had_to_wait_with_it_goes_although_one_row_of_the_batch_was_edited(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    numbers = ["W-1", "W-2", "W-3"]
    rows = [
        writer.invoice(customer_id(company), "10.00", item_id(company), document_number=number) for number in numbers
    ]
    sending(company, monkeypatch, *[throttled] * IN_ONE_RUN)
    company.services.pace = 0.0
    company.push()
    company.services.pace = 1.0
    writer.update("invoices", rows[1], private_note="better")

    report = company.push()

    assert (report.pushed, report.in_doubt) == ({"invoices": 3}, 0)
    assert sorted(i["DocNumber"] for i in company.objects("Invoice") if i["Id"] != "500") == numbers
    assert quiet(company)


def test_what_had_to_wait_rests_with_what_is_in_doubt_of_its_batch_though_that_is_not_due(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    for number in ("W-1", "W-2", "W-3"):
        writer.invoice(customer_id(company), "10.00", item_id(company), document_number=number)
    sending(company, monkeypatch, *[throttled] * IN_ONE_RUN)
    company.services.pace = 0.0
    company.push()
    company.services.pace = 1.0
    company.change(
        "update sync.outbox set state = 'sent', due_at = now() + interval '1 minute', sent_at = now(), "
        "tried_at = now() where intent_id = (select max(intent_id) from sync.outbox)"
    )
    company.change("update sync.outbox set due_at = now() where state = 'waiting'")

    assert company.push().pushed == {}
    assert company.value("select count(distinct batch_key) from sync.outbox where state in ('sent', 'waiting')") == 1


def test_what_somebody_typed_in_while_a_create_had_to_wait_is_not_made_again(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    row = writer.invoice(customer_id(company), "10.00", item_id(company), document_number="W-1")
    calls = sending(company, monkeypatch, *[throttled] * IN_ONE_RUN)
    company.services.pace = 0.0
    company.push()
    typed = {name: value for name, value in calls[0][0].body.items() if name != "PrivateNote"}
    company.edit("create", "Invoice", None, **typed)
    company.sync()

    company.push()

    assert len(calls) == IN_ONE_RUN
    (made,) = [invoice for invoice in company.objects("Invoice") if invoice["DocNumber"] == "W-1"]
    assert company.ledger_row("invoices", made["Id"])["ledger_id"] == row
    assert company.value("select state from sync.outbox") == "stale"
    assert quiet(company)
