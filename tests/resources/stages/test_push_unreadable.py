"""Intents that can no longer be read are held by themselves; when asked for, their rows are planned anew."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.policies import Side
from resources.stages.deciding import Decision
from resources.stages.resolve import resolve
from tests.books import Books
from tests.ledger_writer import LedgerWriter
from tests.resources.stages.test_push import customer_id, item_id, quiet


def _with_a_field(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "colour": "red"}


def _with_another_type(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "memo": 7}


def _without_a_field(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "customer"}


def spoil(company: Books, column: str, text: str) -> None:
    assert company.change(f"update sync.outbox set {column} = %s where state in ('sent', 'waiting')", text) == 1


def let_it_be_due(company: Books, *, age: str = "1 hour") -> None:
    company.change(
        "update sync.outbox set due_at = now(), sent_at = sent_at - %s::interval, "
        "tried_at = tried_at - %s::interval where state in ('sent', 'waiting')",
        age,
        age,
    )


def left_in_doubt(company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, where: str) -> int:
    """An invoice of which the making is in doubt; its ledger id."""
    invoice = writer.invoice(customer_id(company), "10.00", item_id(company), document_number="L-1")
    company.push_and_die(monkeypatch, where)
    return invoice


def numbered(company: Books, number: str) -> list[dict[str, Any]]:
    return [one for one in company.objects("Invoice") if one.get("DocNumber") == number]


@pytest.mark.parametrize(
    ("column", "spoilt", "says"),
    [
        pytest.param("record", _with_a_field, "the unknown field colour", id="unknown field"),
        pytest.param("record", _with_another_type, "Expected `str`, got `int`", id="wrong type"),
        pytest.param("record", _without_a_field, "missing required field `customer`", id="missing field"),
        pytest.param("record", lambda record: [record], "Expected `object`, got `array`", id="not an object"),
        pytest.param("body", lambda body: [body], "a JSON array", id="body is not an object"),
        pytest.param("body", lambda _: None, "a JSON null", id="body is null"),
    ],
)
def test_an_intent_that_cannot_be_read_is_held_by_itself_and_the_others_go_on(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, column: str, spoilt: Any, says: str
):
    invoice = left_in_doubt(company, writer, monkeypatch, "before_send")
    spoil(company, column, json.dumps(spoilt(json.loads(company.value(f"select {column} from sync.outbox")))))
    let_it_be_due(company)
    writer.invoice(customer_id(company), "20.00", item_id(company), document_number="L-2")

    report = company.push()

    assert report.pushed == {"invoices": 1}
    assert [len(numbered(company, number)) for number in ("L-1", "L-2")] == [0, 1]
    (error,) = company.open_errors()
    assert (error["stage"], error["external_id"]) == ("push", f"#{invoice}")
    assert error["message"].startswith(f"{company.name}: pushing invoices/#{invoice}: the intent's {column}: found ")
    assert says in error["found"]
    assert error["expected"]
    assert "--retry" in error["next_step"]
    # It may have happened: until somebody asks, nothing else is said about the row, and nothing is woken for it.
    assert (company.push().pushed, company.push().in_doubt) == ({}, 1)
    assert not company.value(
        "select exists (select 1 from sync.outbox where state = 'sent' and due_at <= clock_timestamp())"
    )


@pytest.mark.parametrize("text", ["{", "", "not json"])
def test_text_that_is_no_json_is_held_as_well(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, text: str
):
    left_in_doubt(company, writer, monkeypatch, "before_send")
    spoil(company, "record", text)
    let_it_be_due(company)

    assert company.push().held == {"invoices": 1}

    (error,) = company.open_errors()
    assert "no JSON" in error["found"]


@pytest.mark.parametrize("where", ["before_send", "after_send"])
@pytest.mark.parametrize("column", ["record", "body"])
def test_a_retry_asks_whether_it_has_happened_and_makes_the_document_once(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, column: str, where: str
):
    invoice = left_in_doubt(company, writer, monkeypatch, where)
    spoil(company, column, "[]")
    let_it_be_due(company)
    company.push()

    report = company.push(retry_refused=True)

    assert (report.pushed, report.in_doubt) == ({"invoices": 1}, 0)
    (made,) = numbered(company, "L-1")
    assert company.ledger_row("invoices", made["Id"])["ledger_id"] == invoice
    assert company.open_errors() == []
    assert company.value("select count(*) from sync.audit where action = 'push.create'") == 1
    assert quiet(company)


def test_a_retry_waits_until_a_request_that_is_not_there_can_no_longer_arrive(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    left_in_doubt(company, writer, monkeypatch, "before_send")
    spoil(company, "record", "[]")
    let_it_be_due(company, age="0")
    company.services.pace = 1.0

    report = company.push(retry_refused=True)

    assert (report.pushed, report.in_doubt) == ({}, 1)
    assert "may still get" in company.open_errors()[0]["found"]
    let_it_be_due(company)
    assert company.push(retry_refused=True).pushed == {"invoices": 1}
    assert company.open_errors() == []


@pytest.mark.parametrize("where", ["before_send", "after_send"])
def test_a_retry_of_a_change_merges_what_is_there_and_plans_the_row_anew(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, where: str
):
    writer.update("invoices", company.ledger_row("invoices", "500")["ledger_id"], memo="ours")
    company.push_and_die(monkeypatch, where)
    company.edit("update", "Invoice", "500", PONumber="theirs")
    spoil(company, "record", "[]")
    let_it_be_due(company)
    assert company.push().held == {"invoices": 1}

    company.push(retry_refused=True)

    there = next(one for one in company.objects("Invoice") if one["Id"] == "500")
    assert (there["CustomerMemo"]["value"], there["PONumber"]) == ("ours", "theirs")
    assert company.open_errors() == []
    assert quiet(company)


def test_a_record_that_comes_back_with_a_pull_is_ours_although_its_intent_cannot_be_read(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    invoice = left_in_doubt(company, writer, monkeypatch, "after_send")
    spoil(company, "record", "[]")

    company.sync()

    (made,) = numbered(company, "L-1")
    assert company.ledger_row("invoices", made["Id"])["ledger_id"] == invoice
    assert quiet(company)


def test_what_was_changed_there_since_is_a_conflict_as_nothing_tells_what_had_been_said(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    left_in_doubt(company, writer, monkeypatch, "after_send")
    spoil(company, "record", "[]")
    (made,) = numbered(company, "L-1")
    company.edit("update", "Invoice", made["Id"], PONumber="theirs")
    writer.update("invoices", company.value("select ledger_id from sync.outbox"), po_number="ours")

    company.sync()
    company.sync()

    (conflict,) = company.rows("select fields from sync.conflicts where state = 'open'")
    assert [f["name"] for f in conflict["fields"]] == ["po_number"]
    assert len(numbered(company, "L-1")) == 1


def test_a_retry_of_a_row_that_is_another_record_by_now_makes_a_twin_of_what_was_made(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    invoice = left_in_doubt(company, writer, monkeypatch, "before_send")
    spoil(company, "record", "[]")
    sent = json.loads(company.value("select body from sync.outbox"))
    typed = company.edit("create", "Invoice", **{**sent, "PrivateNote": "", "PONumber": "theirs"})["Id"]
    writer.update("invoices", invoice, po_number="ours")
    company.sync()
    (question,) = company.rows("select conflict_id from sync.conflicts where state = 'open'")
    resolve(company.services, question["conflict_id"], Decision("anna", keep=Side.OURS))
    # What was sent arrives after all.
    late = company.edit("create", "Invoice", **{**sent, "DocNumber": "L-1b"})["Id"]

    company.push(retry_refused=True)
    company.sync()

    assert company.ledger_row("invoices", typed)["ledger_id"] == invoice
    assert company.value("select fields -> 0 ->> 'theirs' from sync.conflicts where state = 'open'") == late
