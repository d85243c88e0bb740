"""An error is a state: opened once, reworded when it changes, closed by something good, kept for good."""

from __future__ import annotations

from resources.errors import ErrorKind, TieoutError
from resources.stores import errors
from resources.stores.errors import Held

TOTAL_IS_TEXT = Held("invoices", "7", "TotalAmt", "'much'", "a decimal number")


def hold(tx, *held: Held, stage: str = "merge") -> None:
    errors.hold(tx, tenant="default", connection="qbo", stage=stage, doing="merging", held=held, run_id=None)


def test_a_held_record_says_everything_in_columns_and_in_one_sentence(transaction):
    with transaction() as tx:
        hold(tx, TOTAL_IS_TEXT)
        (error,) = errors.open_errors(tx)

    assert {k: error[k] for k in ("connection", "entity", "external_id", "field", "found", "expected")} == {
        "connection": "qbo",
        "entity": "invoices",
        "external_id": "7",
        "field": "TotalAmt",
        "found": "'much'",
        "expected": "a decimal number",
    }
    assert error["message"] == "qbo: merging invoices/7: TotalAmt: found 'much', expected a decimal number"
    assert (error["code"], error["severity"]) == ("SYNC_004", "error")


def test_the_same_error_again_writes_nothing_and_another_wording_replaces_it(transaction):
    with transaction() as tx:
        hold(tx, TOTAL_IS_TEXT)
    with transaction() as tx:
        first = tx.execute("select error_id, xmin::text from sync.errors").fetchall()
    with transaction() as tx:
        hold(tx, TOTAL_IS_TEXT)
    with transaction() as tx:
        assert tx.execute("select error_id, xmin::text from sync.errors").fetchall() == first
        hold(tx, Held("invoices", "7", "DueDate", "'soon'", "a day"))
        (error,) = errors.open_errors(tx)
    assert error["field"] == "DueDate"


def test_a_closed_error_is_kept_and_the_next_one_is_a_new_row(transaction):
    with transaction() as tx:
        hold(tx, TOTAL_IS_TEXT)
        assert errors.resolve(tx, "qbo", "merge", "invoices", ["7", "8"]) == ["7"]
        assert errors.open_errors(tx) == []
        hold(tx, TOTAL_IS_TEXT)
        assert tx.execute("select count(*), count(resolved_at) from sync.errors").fetchone() == (2, 1)


def test_the_pull_and_the_merge_hold_a_record_each_for_its_own_reason(transaction):
    with transaction() as tx:
        hold(tx, TOTAL_IS_TEXT, stage="pull")
        hold(tx, TOTAL_IS_TEXT)
        assert errors.held_ids(tx, "qbo", "invoices", "merge") == ["7"]
        assert errors.is_held(tx, "qbo", "invoices", "7", "merge")
        assert not errors.is_held(tx, "qbo", "invoices", "7", "push")
        assert errors.held_counts(tx, "qbo") == {"invoices": 1}
        errors.resolve(tx, "qbo", "pull", "invoices", ["7"])
        assert [e["stage"] for e in errors.open_errors(tx)] == ["merge"]


def test_a_stage_that_ended_well_closes_what_it_left_open_for_its_entities_and_no_other(transaction):
    def fail(tx, entity: str | None) -> None:
        error = TieoutError(ErrorKind.TIMEOUT, connection="qbo", entity=entity, doing="pulling", found="nothing")
        errors.report(tx, tenant="default", connection="qbo", stage="sync", error=error, run_id=None)

    with transaction() as tx:
        fail(tx, None)
        fail(tx, "invoices")
        fail(tx, "bills")
        assert errors.resolve_stage(tx, "qbo", "sync", ["invoices"]) == 2
        assert [e["entity"] for e in errors.open_errors(tx)] == ["bills"]


def test_worst_first(transaction):
    with transaction() as tx:
        for kind in (ErrorKind.TIMEOUT, ErrorKind.VALIDATION, ErrorKind.AUTHENTICATION):
            error = TieoutError(kind, connection="qbo", entity=kind.value, doing="pulling", found="it")
            errors.report(tx, tenant="default", connection="qbo", stage="sync", error=error, run_id=None)
        assert [e["severity"] for e in errors.open_errors(tx)] == ["critical", "error", "warning"]
        assert errors.open_errors(tx, "another") == []


def test_a_record_without_an_id_gets_the_same_name_every_time(transaction):
    raw = '{"Line": []}'
    assert errors.key_of_nameless(raw) == errors.key_of_nameless(raw) != errors.key_of_nameless("{}")
