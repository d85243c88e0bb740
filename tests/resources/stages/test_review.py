"""A plan: what is shown before it is sent, signed, and pushed only as it was seen."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from resources.errors import ErrorKind, TieoutError
from resources.stages.review import approved_keys, review, sign
from resources.stores import switches
from tests.books import Books
from tests.ledger_writer import LedgerWriter

TODAY = date(2026, 4, 1)

KEY = b"signs plans"


def new_invoice(company: Books, writer: LedgerWriter, amount: str = "40.00", **values: object) -> int:
    customer = company.ledger_row("customers", "1")["ledger_id"]
    item = company.ledger_row("items", "90")["ledger_id"]
    return writer.invoice(customer, amount, item, **values)


def looked_at(company: Books):
    return review(company.services, company.name, TODAY)


def test_a_plan_shows_every_pending_intent_what_it_changes_and_what_it_does_to_the_balances(
    company: Books, writer: LedgerWriter
):
    new_invoice(company, writer, due_date="2026-03-20")
    writer.update("invoices", company.ledger_row("invoices", "500")["ledger_id"], memo="thank you")

    found = looked_at(company)

    made, changed = sorted(found.pending, key=lambda one: one.operation)
    assert (made.operation, made.external_id) == ("create", None)
    assert ("Line[0].Amount", None, Decimal("40.00")) in made.changes
    assert ("CustomerMemo.value", None, "thank you") in changed.changes
    # That the update is sparse is QuickBooks' business: nothing that a person decides on.
    assert {path for path, _, _ in changed.changes} == {"CustomerMemo.value"}
    assert found.effects() == {("ar", "USD", "1-30"): Decimal("40.00")}
    assert company.value("select count(*) from sync.outbox") == 0


def test_a_plan_shows_documents_whose_customer_goes_first(company: Books, writer: LedgerWriter):
    customer = writer.customer("First Things Ltd")
    writer.invoice(customer, "10.00", company.ledger_row("items", "90")["ledger_id"])

    waiting = {one.entity: one.waits_for for one in looked_at(company).pending}

    assert waiting == {"customers": (), "invoices": (f"customers/#{customer}",)}


def test_what_cannot_go_is_named_with_all_that_is_wrong_with_it(company: Books, writer: LedgerWriter):
    new_invoice(company, writer, document_number="X" * 22, terms_code="NET77")

    ((entity, held),) = looked_at(company).held

    assert entity == "invoices"
    assert {refusal.field for refusal in held.refusals} >= {"document_number", "terms_code"}


def test_a_signed_plan_is_pushed_as_it_was_seen_and_nothing_else(company: Books, writer: LedgerWriter):
    new_invoice(company, writer, document_number="SEEN-1")
    plan = sign(looked_at(company), KEY)
    new_invoice(company, writer, document_number="LATER-1")

    keys = approved_keys(company.services, company.services.connection(company.name), plan, KEY, TODAY)
    company.push(approved=frozenset(keys))

    numbers = {i.get("DocNumber") for i in company.objects("Invoice")}
    assert "SEEN-1" in numbers
    assert "LATER-1" not in numbers


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_plan_is_refused_if_either_side_moved_since(company: Books, writer: LedgerWriter, side: str):
    ledger_id = company.ledger_row("invoices", "500")["ledger_id"]
    writer.update("invoices", ledger_id, memo="thank you")
    plan = sign(looked_at(company), KEY)

    if side == "here":
        writer.update("invoices", ledger_id, memo="thank you very much")
    else:
        company.edit("update", "Invoice", "500", PONumber="7")
        company.sync()

    with pytest.raises(TieoutError) as refused:
        approved_keys(company.services, company.services.connection(company.name), plan, KEY, TODAY)
    assert refused.value.kind is ErrorKind.CONFLICT
    assert "invoices/500" in str(refused.value)


def test_a_plan_that_somebody_changed_is_no_plan(company: Books, writer: LedgerWriter):
    new_invoice(company, writer)
    plan = sign(looked_at(company), KEY).replace(b"40.00", b"41.00")

    with pytest.raises(TieoutError, match="changed since it was signed"):
        approved_keys(company.services, company.services.connection(company.name), plan, KEY, TODAY)


def test_nothing_of_a_switched_off_module_is_sent_and_all_of_it_goes_later(company: Books, writer: LedgerWriter):
    new_invoice(company, writer, document_number="SW-1")
    turn(company, is_on=False)

    report = company.push()

    assert report.pushed == {}
    assert any("invoices is switched off" in says for says in report.says)

    turn(company, is_on=True)
    assert company.push().pushed == {"invoices": 1}


def turn(company: Books, *, is_on: bool) -> None:
    with company.services.db.transaction(company.tenant) as tx:
        switches.switch(
            tx,
            tenant=company.tenant,
            connection=company.name,
            module="ar",
            direction="push",
            is_on=is_on,
            actor="ann",
            reason="audit",
        )
