"""Records of which one pull brings several, and that may all be the one row of ours that is not there yet."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from ledger.policies import Side
from resources.errors import TieoutError
from resources.stages.deciding import Decision
from resources.stages.resolve import check, resolve
from resources.stores import conflicts
from resources.stores.conflicts import Conflict
from tests.books import Books, changed, count_rows
from tests.ledger_writer import LedgerWriter
from tests.resources.stages.test_push import customer_id
from tests.resources.stages.test_push_again import IN_ONE_RUN, lost, sending
from tests.resources.stages.test_push_look_alikes import a_payment

COUNT = 30
ALIKE = {"CustomerRef": {"value": "1"}, "TxnDate": "2026-03-02", "TotalAmt": 40}


def only_conflict(company: Books) -> Conflict:
    with company.services.db.transaction(company.tenant) as tx:
        (found,) = conflicts.list_open(tx, company.name)
    return found


def decide(company: Books, **said) -> None:
    resolve(company.services, only_conflict(company).conflict_id, Decision("anna", **said))


def payments(company: Books) -> dict[str, Decimal]:
    rows = company.rows(
        "select b.external_id, l.total_amount from ledger.payments l left join sync.bindings b "
        "on b.entity = 'payments' and b.ledger_id = l.ledger_id"
    )
    return {row["external_id"]: row["total_amount"] for row in rows}


def is_tied_out(company: Books) -> bool:
    """The payments of both books are the same ones, and nothing is left to do."""
    company.push()
    company.sync()
    there = {p["Id"]: Decimal(str(p["TotalAmt"])) for p in company.objects("Payment")}
    return payments(company) == there and not company.push().pushed and not changed(company.sync())


def test_many_alike_on_both_sides_cost_as_many_statements_as_there_are_and_not_as_there_are_pairs(
    company: Books, writer: LedgerWriter, statements: Counter[str]
):
    def alike_there(token: int) -> dict[str, list[dict[str, Any]]]:
        return {"Payment": [a_payment(n, TotalAmt=40, UnappliedAmt=40, SyncToken=str(token)) for n in range(COUNT)]}

    rows = [writer.payment(customer_id(company), "40.00") for _ in range(COUNT)]
    costs = []
    for token in (0, 1):
        company.load(alike_there(token))
        statements.clear()
        company.sync("full")
        costs.append(statements.total())
        with company.services.db.transaction(company.tenant) as tx:
            asked = {one.ledger_id: one for one in conflicts.list_open(tx, company.name)}
        assert asked.keys() == set(rows)
        assert all(len(one.candidates) == COUNT for one in asked.values())
        now = company.rows("select string_agg(external_id || '@' || change_seq, ' ') from mirror.payments")
        assert {frozenset(one.version_token.split()) for one in asked.values()} == {
            frozenset(now[0]["string_agg"].split())
        }
    assert max(costs) <= 30 * COUNT, statements.most_common(20)


def test_two_alike_in_one_pull_are_asked_about_together_and_nothing_is_made(company: Books, writer: LedgerWriter):
    writer.payment(customer_id(company), "40.00")
    ids = [company.edit("create", "Payment", **ALIKE)["Id"] for _ in range(2)]
    company.edit("create", "Vendor", DisplayName="behind them")

    company.sync()
    company.push()

    assert only_conflict(company).candidates == ids
    assert count_rows(company, "ledger.vendors") == 1
    assert len(company.objects("Payment")) == 2
    decide(company, is_record=ids[0])
    assert is_tied_out(company)


@pytest.mark.parametrize("moves", [False, True], ids=["it rests", "it moves as well"])
@pytest.mark.parametrize(("said", "typed"), [({"keep": Side.OURS}, 0), ({"separate": True}, 45)], ids=["void", "keep"])
def test_what_was_asked_about_is_a_twin_once_our_own_has_come(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, said, typed, moves
):
    writer.payment(customer_id(company), "40.00", reference_number="R-1")
    company.services.pace = 0.0
    calls = sending(company, monkeypatch, *[lost] * IN_ONE_RUN)
    company.push()
    theirs = company.edit("create", "Payment", **ALIKE | {"TotalAmt": 45, "PaymentRefNum": "R-1"})["Id"]
    company.sync()
    assert only_conflict(company).external_id == theirs

    late = company.edit("create", "Payment", **calls[0][0].body)["Id"]
    if moves:
        company.edit("update", "Payment", theirs, PrivateNote="seen")
    company.sync()

    assert only_conflict(company).twins == [theirs]
    with pytest.raises(TieoutError, match="no decision about the twin"):
        decide(company, keep=Side.THEIRS)
    decide(company, **said)
    company.push()
    assert payments(company) == {late: 40, theirs: typed}
    assert is_tied_out(company)


@pytest.mark.parametrize(
    ("change", "is_gone"),
    [("another total", False), ("another total", True), ("both edited before", True), ("both edited after", False)],
)
def test_what_is_in_conflict_while_twins_are_asked_about_is_asked_next(
    company: Books, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch, change: str, is_gone: bool
):
    def edit_both() -> None:
        writer.update("payments", row, reference_number="ours")
        company.edit("update", "Payment", late, PaymentRefNum="theirs")

    row = writer.payment(customer_id(company), "40.00", reference_number="R-1")
    company.services.pace = 0.0
    calls = sending(company, monkeypatch, *[lost] * IN_ONE_RUN)
    company.push()
    twin = company.edit("create", "Payment", **ALIKE | {"TotalAmt": 45, "PaymentRefNum": "R-1"})["Id"]
    company.sync()
    total = 41 if change == "another total" else 40
    late = company.edit("create", "Payment", **calls[0][0].body | {"TotalAmt": total})["Id"]
    if change == "both edited before":
        edit_both()
    company.sync()
    if change == "both edited after":
        edit_both()
    company.sync()
    company.push()
    assert only_conflict(company).twins == [twin]

    if is_gone:
        company.edit("delete", "Payment", twin)
        company.sync()
    else:
        check(company.services, company.name)
        decide(company, separate=True)
    company.push()

    shown = only_conflict(company)
    asked = ["total_amount"] if change == "another total" else ["reference_number"]
    assert (shown.external_id, [f["name"] for f in shown.fields]) == (late, asked)
    assert len(calls) == IN_ONE_RUN
    decide(company, keep=Side.OURS)
    company.push()
    assert payments(company) == {late: 40} | ({} if is_gone else {twin: 45})
    assert is_tied_out(company)
