"""Every connector x entity: what the ledger says is over there once, whatever happens to the answers."""

from __future__ import annotations

import pytest

from resources.erps import erp_of
from resources.stages.sync import LEDGER_ENTITIES
from tests.books import changed
from tests.conformance.conftest import Company

RENAMED = {"customers": "name", "vendors": "name", "items": "description"}
DELETABLE = ("purchase_orders", "payments", "bill_payments")


@pytest.mark.parametrize("entity", LEDGER_ENTITIES)
def test_a_new_row_is_made_once_and_comes_back_as_nothing_new(company: Company, entity: str):
    before = company.live_ids(entity)
    ledger_id = company.made(entity)

    first, again = company.books.push(), company.books.push()

    assert company.books.open_errors() == []
    assert first.pushed[entity] == 1
    assert again.pushed == {}
    (made,) = company.live_ids(entity) - before
    assert company.books.ledger_row(entity, made)["ledger_id"] == ledger_id
    company.books.sync()
    assert company.books.push().pushed == {}
    assert changed(company.books.sync()) == {}


@pytest.mark.parametrize("entity", LEDGER_ENTITIES)
def test_an_answer_that_is_lost_makes_no_second_record(company: Company, entity: str, no_waiting: None):
    company.made(entity)
    before = company.live_ids(entity)
    company.books.services.pace = 0.01
    words = company.words
    company.books.simulator.post(
        "faults", [{"method": words.write_method, "path": words.write_path[entity], "nth": 1, "drop": "after"}]
    )

    company.books.push()
    company.books.push()

    assert len(company.live_ids(entity) - before) == 1
    assert company.books.open_errors() == []
    assert company.books.rows("select * from sync.outbox where state in ('sent', 'waiting')") == []


@pytest.mark.parametrize("entity", sorted(RENAMED))
def test_a_changed_row_changes_the_record_it_is_bound_to(company: Company, entity: str):
    ledger_id = company.made(entity)
    company.books.push()
    before = company.live_ids(entity)

    company.writer.update(entity, ledger_id, **{RENAMED[entity]: "Another word"})
    report = company.books.push()

    assert report.pushed == {entity: 1}
    assert company.live_ids(entity) == before
    company.books.sync()
    assert company.books.push().pushed == {}
    assert changed(company.books.sync()) == {}


@pytest.mark.parametrize("entity", ("invoices", "bills", "credit_memos", "vendor_credits"))
def test_a_void_is_said_where_the_erp_has_one_and_refused_where_it_has_none(company: Company, entity: str):
    ledger_id = company.made(entity)
    company.books.push()
    (external_id,) = company.live_ids(entity)

    company.writer.update(entity, ledger_id, is_void=True)
    report = company.books.push()

    can = entity in company.words.can_void
    assert (report.pushed, report.held) == (({entity: 1}, {}) if can else ({}, {entity: 1}))
    if can:
        assert company.books.ledger_row(entity, external_id)["open_amount"] == 0


@pytest.mark.parametrize("entity", DELETABLE)
def test_a_deleted_row_is_deleted_over_there(company: Company, entity: str):
    ledger_id = company.made(entity)
    company.books.push()
    (external_id,) = company.live_ids(entity)

    company.writer.update(entity, ledger_id, is_deleted=True)
    report = company.books.push()

    assert report.pushed == {entity: 1}
    assert external_id not in company.live_ids(entity)
    company.books.sync()
    assert company.books.push().pushed == {}


def test_two_edits_of_one_field_are_a_conflict_and_neither_is_lost(company: Company):
    ledger_id = company.made("customers")
    company.books.push()
    (external_id,) = company.live_ids("customers")
    words = company.words

    company.writer.update("customers", ledger_id, name="Ours")
    company.books.simulator.post(
        "edit",
        {"operation": "update", "entity": words.customer_word, "id": external_id, "body": {words.name_key: "Theirs"}},
    )
    report = company.books.push()

    assert report.pushed == {}
    (conflict,) = company.books.rows("select * from sync.conflicts where state = 'open'")
    assert [field["name"] for field in conflict["fields"]] == ["name"]
    assert company.books.ledger_row("customers", external_id)["name"] == "Ours"


def test_what_would_be_refused_is_held_with_its_reason_and_goes_on_once_it_is_right(company: Company):
    invoice = company.made("invoices")
    company.writer.update("invoices", invoice, total_amount="121.00")

    report = company.books.push()

    assert report.held == {"invoices": 1}
    (error,) = company.books.open_errors()
    assert "total_amount" in error["message"]
    company.writer.update("invoices", invoice, total_amount="120.50")
    assert company.books.push().pushed == {"invoices": 1}
    assert company.books.open_errors() == []


@pytest.mark.parametrize(("entity", "kind"), [("invoices", "account"), ("bills", "shipping")])
def test_a_line_of_a_kind_that_the_ledger_does_not_know_is_held_before_anything_is_sent(
    company: Company, entity: str, kind: str
):
    ledger_id = company.made(entity)
    company.writer.update_line(entity, ledger_id, 1, kind=kind)

    report = company.books.push()

    assert (report.pushed.get(entity, 0), report.held) == (0, {entity: 1})
    (error,) = company.books.open_errors()
    assert f"lines[1].kind: found {kind}" in error["message"]
    assert company.live_ids(entity) == set()
    assert company.books.rows("select 1 from sync.outbox where entity = %s", entity) == []


def test_all_that_was_pushed_ties_out(company: Company):
    for entity in LEDGER_ENTITIES:
        company.made(entity)
    company.books.push()
    company.books.let_the_windows_pass()
    company.books.sync()

    results = company.books.reconcile()

    assert company.books.open_errors() == []
    assert [(key, r.breaks) for key, r in results.items() if r.breaks or r.difference] == []
    assert {key: r.ledger_amount for key, r in results.items()} == {("ar", "USD"): 50.50, ("ap", "USD"): 45.25}


def test_a_write_in_doubt_rests_until_its_key_is_forgotten_where_keys_are_forgotten(company: Company, no_waiting: None):
    company.made("vendors")
    rule = {"method": company.words.write_method, "path": company.words.write_path["vendors"], "drop": "before"}
    company.books.simulator.post("faults", [rule])
    company.books.services.pace = 0.001
    company.books.let_the_windows_pass()
    company.books.push()
    company.books.simulator.post("faults", [])
    company.books.services.pace = 1.0
    memory = erp_of(company.erp).key_memory

    def aged(minutes: int) -> dict[str, int]:
        company.books.let_the_windows_pass()
        company.books.change(
            "update sync.outbox set tried_at = now() - make_interval(mins => %s), due_at = now()", minutes
        )
        return dict(company.books.push().pushed)

    if memory is not None:
        assert aged(10) == {}
        (put_off,) = company.books.rows("select due_at > now() + interval '9 minutes' as is_later from sync.outbox")
        assert put_off["is_later"]
    assert aged(21) == {"vendors": 1}
    assert len(company.live_ids("vendors")) == 1
