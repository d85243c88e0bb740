"""Every failure has one class, and its message says who, doing what, what was found and expected, and what next."""

from __future__ import annotations

import json
import pickle

import pytest

from resources.errors import ERROR_CLASSES, ErrorKind, TieoutError


def a_refusal(**more: object) -> TieoutError:
    fields = {"connection": "qbo_us", "doing": "pulling", "found": "a Line of 'abc'", "expected": "an amount", **more}
    return TieoutError(ErrorKind.VALIDATION, **fields)


def test_every_kind_has_a_class_a_code_and_a_way_out():
    assert set(ERROR_CLASSES) == set(ErrorKind)
    assert all(kind.suggested_fix for kind in ERROR_CLASSES.values())


@pytest.mark.parametrize(
    ("kind", "code", "is_retryable"),
    [
        ("connection", "SYNC_001", True),
        ("timeout", "SYNC_001", True),
        ("authentication", "SYNC_002", False),
        ("authorization", "SYNC_002", False),
        ("rate_limit", "SYNC_003", True),
        ("validation", "SYNC_004", False),
        ("mapping", "SYNC_004", False),
        ("duplicate", "SYNC_005", False),
        ("not_found", "SYNC_000", False),
        ("conflict", "SYNC_000", False),
        ("system", "SYNC_000", True),
        ("unknown", "SYNC_000", False),
    ],
)
def test_a_kind_says_its_code_and_whether_to_try_again(kind: str, code: str, is_retryable: bool):
    error = TieoutError(ErrorKind(kind), doing="pulling", found="it")

    assert (error.code, error.is_retryable, error.attempts_max) == (code, is_retryable, 5 if is_retryable else 1)


def test_the_message_is_one_sentence_in_a_fixed_order():
    error = a_refusal(doing="pulling invoices/130", entity="invoices", external_id="130", next_step="correct the line")

    assert str(error) == ("qbo_us: pulling invoices/130: found a Line of 'abc', expected an amount: correct the line")


def test_a_record_that_doing_does_not_name_is_named_all_the_same():
    assert "pulling invoices/130:" in str(a_refusal(entity="invoices", external_id="130"))
    assert "pulling invoices 130:" in str(a_refusal(doing="pulling invoices", entity="invoices", external_id="130"))


def test_without_a_next_step_the_usual_way_out_is_given():
    assert a_refusal().next_step == ERROR_CLASSES[ErrorKind.VALIDATION].suggested_fix


def test_as_a_row_it_is_json_and_complete():
    row = json.loads(json.dumps(a_refusal(entity="invoices", external_id="130").as_row()))

    assert (row["kind"], row["code"], row["severity"], row["connection"]) == (
        "validation",
        "SYNC_004",
        "error",
        "qbo_us",
    )
    assert (row["entity"], row["external_id"], row["expected"]) == ("invoices", "130", "an amount")


def test_it_crosses_a_process_boundary_whole():
    error = a_refusal(entity="bills", external_id="7", retry_after_seconds=2.5)

    again = pickle.loads(pickle.dumps(error))

    assert (again.as_row(), str(again), again.args) == (error.as_row(), str(error), error.args)
