"""Both books compared: what was planted is named, in its currency, with its amount; a red verdict refuses."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ledger.reconcile import Cause
from ledger.spec import spec_of
from resources.errors import ErrorKind
from resources.quality import Verdict
from resources.stages.gate import RefusedError
from resources.stores import verdicts
from tests.books import Books
from tests.small_company import a_company, a_customer, a_line, a_vendor, an_invoice, stamped


@pytest.fixture
def synced(books: Books) -> Books:
    books.load(a_company())
    books.sync()
    return books


def test_two_equal_books_tie_out_and_the_result_is_kept(synced: Books):
    found = synced.reconcile()["ar", "USD"]

    assert (found.ledger_amount, found.erp_amount, found.breaks) == (Decimal("300.00"), Decimal("300.00"), ())
    (kept,) = synced.rows(
        "select currency, ledger_amount, erp_amount, parties_amount, difference_amount from reconciliation.results "
        "where module = 'ar'"
    )
    assert kept == {
        "currency": "USD",
        "ledger_amount": Decimal("300.00"),
        "erp_amount": Decimal("300.00"),
        "parties_amount": Decimal("300.00"),
        "difference_amount": Decimal("0.00"),
    }


def test_a_balance_that_no_document_explains_is_named_with_its_party(synced: Books):
    synced.load({"Vendor": [a_vendor(56, Balance=Decimal("600.00"))]})
    synced.sync("full")

    found = synced.reconcile("ap")["ap", "USD"]

    by_party = [b for b in found.breaks if b.party_external_id]
    assert [(b.party_external_id, b.amount, b.cause) for b in by_party] == [
        ("56", Decimal("600.00"), Cause.MISSING_IN_LEDGER)
    ]
    assert sum(found.by_cause.values()) == found.difference
    kept = synced.rows(
        "select cause, party_external_id, amount, says from reconciliation.breaks where party_name <> ''"
    )
    assert [(k["cause"], k["party_external_id"], k["amount"]) for k in kept] == [
        ("missing_in_ledger", "56", Decimal("600.00"))
    ]
    assert "Vendor 56" in kept[0]["says"]


def test_an_amount_changed_in_the_ledger_by_hand_is_named(synced: Books):
    row = synced.ledger_row("invoices", "101")
    synced.change("update ledger.invoices set open_amount = 90 where ledger_id = %s", row["ledger_id"])

    found = synced.reconcile("ar")["ar", "USD"]

    (named,) = found.breaks
    assert (named.party_external_id, named.amount, named.cause) == ("1", Decimal("10.00"), Cause.UNAPPLIED)
    assert (named.entity, named.external_id, named.kind) == ("invoices", "101", "open")
    assert found.difference == Decimal("10.00")


def test_a_held_document_is_named_as_what_is_missing(books: Books):
    company = a_company()
    company["Customer"][0]["Balance"] = Decimal("400.00")
    company["Account"][0]["CurrentBalance"] = Decimal("400.00")
    company["Invoice"].append(an_invoice(500, TxnDate="someday"))
    books.load(company)
    books.sync()

    found = books.reconcile("ar")["ar", "USD"]

    (named,) = found.breaks
    assert (named.amount, named.cause) == (Decimal("100.00"), Cause.MISSING_IN_LEDGER)
    assert "invoices/500" in named.says
    assert "TxnDate" in named.says


def test_an_account_that_says_another_total_than_its_parties_is_named(synced: Books):
    account = {"Name": "Accounts Receivable (A/R)", "AccountType": "Accounts Receivable"}
    balance = {"CurrentBalance": Decimal("333.00"), "CurrencyRef": {"value": "USD"}, "Active": True}
    synced.load({"Account": [stamped(84, **account, **balance)]})

    found = synced.reconcile("ar")["ar", "USD"]

    (named,) = found.breaks
    assert (named.amount, named.cause, named.party_external_id) == (Decimal("33.00"), Cause.UNEXPLAINED, None)


def test_currencies_are_compared_each_on_its_own(books: Books):
    company = a_company(1)
    euro = {"CurrencyRef": {"value": "EUR"}}
    company["Customer"] += [a_customer(2, Balance=Decimal("100.00"), **euro)]
    company["Account"] += [
        stamped(
            85,
            Name="Accounts Receivable (A/R) - EUR",
            AccountType="Accounts Receivable",
            CurrentBalance=Decimal("90.00"),
            Active=True,
            **euro,
        )
    ]
    company["Invoice"] += [an_invoice(200, customer=2, **euro)]
    books.load(company)
    books.sync()

    found = books.reconcile("ar")

    assert found["ar", "USD"].difference == 0
    assert found["ar", "EUR"].difference == Decimal("-10.00")


def test_a_red_verdict_refuses_and_names_check_and_rows(synced: Books):
    bad = synced.ledger_row("invoices", "101")["ledger_id"]

    def verdict(is_passed: bool) -> None:
        with synced.services.db.transaction(synced.tenant) as tx:
            found = Verdict(
                name="lines_make_the_total",
                says="lines and tax add up to the total",
                is_passed=is_passed,
                is_blocking=True,
                row_count=3,
                failed_count=0 if is_passed else 1,
                keys=() if is_passed else (str(bad),),
                shows=("total_amount",),
                query="",
            )
            verdicts.record(
                tx,
                tenant=synced.tenant,
                connection=synced.name,
                spec=spec_of("invoices"),
                verdicts=[found],
                page=None,
            )

    verdict(is_passed=False)

    with pytest.raises(RefusedError) as refusal:
        synced.reconcile("ar")

    assert refusal.value.kind is ErrorKind.VALIDATION
    assert "invoices.lines_make_the_total failed for 1 rows" in str(refusal.value)
    assert f"ledger ids {bad} INV-101 (total_amount 100" in str(refusal.value)
    (error,) = synced.open_errors()
    assert error["stage"] == "reconcile"
    assert synced.rows("select 1 from reconciliation.results") == []
    assert synced.reconcile("ap") is not None
    verdict(is_passed=True)
    assert synced.reconcile("ar")["ar", "USD"].difference == 0
    assert synced.open_errors() == []


def test_a_held_change_is_a_break_of_what_it_changes(books: Books):
    books.load(a_company(1))
    books.sync()
    later = {"at": "2026-01-06T09:00:00-08:00", "token": 1}
    raised = an_invoice(100, amount="130.00", Line=[a_line("130.00", item="404")])
    customer = a_customer(1, Balance=Decimal("130.00"))
    books.load(
        {
            "Invoice": [stamped(100, **later, **_content(raised))],
            "Customer": [stamped(1, **later, **_content(customer))],
        }
    )
    books.sync("full")

    found = books.reconcile("ar")["ar", "USD"]

    (named,) = [b for b in found.breaks if b.party_external_id]
    assert named.amount == Decimal("30.00")
    assert "is held" in named.says


def _content(record: dict) -> dict:
    return {key: value for key, value in record.items() if key not in ("Id", "SyncToken", "MetaData")}
