"""What somebody deletes over there while we do not know yet that we made it: nobody's deletion is undone unseen."""

from __future__ import annotations

import pytest

from tests.books import Books
from tests.ledger_writer import LedgerWriter
from tests.resources.stages.test_push import customer_id, item_id, quiet
from tests.resources.stages.test_push_again import mute
from tests.resources.stages.test_push_unreadable import left_in_doubt, let_it_be_due, numbered


def deleted_in_doubt(company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch) -> int:
    """An invoice that was made there, of which we do not know it, and that somebody has deleted; its ledger id."""
    invoice = left_in_doubt(company, writer, monkeypatch, "after_send")
    (made,) = numbered(company, "L-1")
    company.edit("delete", "Invoice", made["Id"])
    let_it_be_due(company)
    return invoice


@pytest.mark.parametrize("is_synced_between", [True, False])
def test_a_create_in_doubt_that_may_have_been_made_and_deleted_there_is_held_for_a_person(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, is_synced_between: bool
):
    invoice = deleted_in_doubt(company, writer, monkeypatch)
    if is_synced_between:
        company.sync()

    report = company.push()

    assert (report.pushed, report.held, report.in_doubt) == ({}, {"invoices": 1}, 1)
    (error,) = company.open_errors()
    assert (error["stage"], error["external_id"]) == ("push", f"#{invoice}")
    assert "deleted there since" in error["found"]
    assert "--retry" in error["next_step"]
    # Looked at again in a while, and it is the same then.
    let_it_be_due(company)
    assert (company.push().pushed, numbered(company, "L-1")) == ({}, [])
    assert len(company.open_errors()) == 1


def test_where_nothing_is_said_of_what_was_deleted_it_stays_in_doubt_and_stops_no_other(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    deleted_in_doubt(company, writer, monkeypatch)
    is_mute = mute(company, "deleted_since")
    writer.customer("Lund & Sons")

    report = company.push()

    assert (report.pushed, report.in_doubt, numbered(company, "L-1")) == ({"customers": 1}, 1, [])
    is_mute.clear()
    assert company.push().held == {"invoices": 1}


def test_a_retry_makes_it_anew_once(company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch):
    invoice = deleted_in_doubt(company, writer, monkeypatch)
    company.push()

    report = company.push(retry_refused=True)

    assert (report.pushed, report.in_doubt) == ({"invoices": 1}, 0)
    (made,) = numbered(company, "L-1")
    assert company.ledger_row("invoices", made["Id"])["ledger_id"] == invoice
    assert company.open_errors() == []
    assert quiet(company)


def test_a_retry_makes_nothing_for_a_row_that_was_deleted_here_too(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    invoice = deleted_in_doubt(company, writer, monkeypatch)
    company.push()
    writer.update("invoices", invoice, is_deleted=True)

    report = company.push(retry_refused=True)

    assert (report.pushed, report.in_doubt, numbered(company, "L-1")) == ({}, 0, [])
    assert company.open_errors() == []
    assert quiet(company)


def test_a_retry_waits_until_a_request_that_is_not_there_can_no_longer_arrive(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    deleted_in_doubt(company, writer, monkeypatch)
    company.push()
    company.change("update sync.outbox set tried_at = now() where state = 'sent'")
    company.services.pace = 1.0

    report = company.push(retry_refused=True)

    assert (report.pushed, report.in_doubt) == ({}, 1)
    assert "may still get" in company.open_errors()[0]["found"]


def test_a_retry_of_what_nobody_has_been_told_of_tells_first(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    deleted_in_doubt(company, writer, monkeypatch)

    report = company.push(retry_refused=True)

    assert (report.pushed, report.held) == ({}, {"invoices": 1})


def test_what_comes_late_after_all_is_recorded_and_held_no_more(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    writer.invoice(customer_id(company), "10.00", item_id(company), document_number="L-1")
    company.simulator.post("faults", [{"method": "POST", "path": "*/invoice*", "count": 1, "late": {}}])
    company.push_and_die(monkeypatch)
    someone_elses(company)
    let_it_be_due(company)
    assert company.push().held == {"invoices": 1}

    company.simulator.post("late", {})
    company.sync()

    assert len(numbered(company, "L-1")) == 1
    assert company.open_errors() == []
    assert quiet(company)


def someone_elses(company: Books) -> None:
    """Somebody enters an invoice there and deletes it again before anybody here has looked."""
    body = {
        "CustomerRef": {"value": "1"},
        "Line": [
            {
                "Amount": 5,
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": {"value": company.value("select external_id from mirror.items")}},
            }
        ],
    }
    made = company.simulator.post("edit", {"operation": "create", "entity": "Invoice", "body": body})
    company.edit("delete", "Invoice", made["Invoice"]["Id"])


def test_a_deletion_of_a_record_that_we_know_or_of_another_kind_holds_nothing(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    left_in_doubt(company, writer, monkeypatch, "before_send")
    company.edit("delete", "Invoice", "500")
    let_it_be_due(company)

    assert company.push().pushed == {"invoices": 1}

    assert company.open_errors() == []


def test_what_has_certainly_not_happened_is_not_held(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
):
    left_in_doubt(company, writer, monkeypatch, "before_send")
    company.change("update sync.outbox set state = 'waiting' where state = 'sent'")
    someone_elses(company)
    let_it_be_due(company)

    assert company.push().pushed == {"invoices": 1}
