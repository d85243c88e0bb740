"""What is said besides the figures: of a failed report, an empty ledger, a currency without a rate. Never a zero."""

from __future__ import annotations

from decimal import Decimal

from ledger.reconcile import MODULES
from resources.stages import sync as whole_way
from resources.stages.reconcile import Reconciliation
from resources.stores import switches
from tests.books import Books
from tests.small_company import a_company, a_customer, an_invoice, stamped


def reconciled(books: Books, module: str = "ar") -> Reconciliation:
    (found,) = whole_way.reconcile(books.services, books.name, [MODULES[module]])
    return found


def said(found: Reconciliation) -> dict[str, tuple[bool, str]]:
    return {s.code: (s.is_blocking, s.says) for s in found.statements}


def test_both_books_and_the_report_age_alike_and_it_is_kept(books: Books):
    books.load(a_company())
    books.sync()

    found = reconciled(books)

    assert (found.ties_out, said(found)) == (True, {})
    (row,) = found.home
    assert (row.party_external_id, row.ledger_amount, row.mirror_amount, row.reported_amount) == (
        "1",
        *[Decimal("300.00")] * 3,
    )
    kept = books.rows("select book, bucket, currency, amount, home_amount from reconciliation.ageing order by book")
    assert [(k["book"], k["currency"], k["amount"], k["home_amount"]) for k in kept] == [
        ("erp", None, None, Decimal("300.00")),
        ("ledger", "USD", Decimal("300.00"), Decimal("300.00")),
        ("mirror", "USD", Decimal("300.00"), Decimal("300.00")),
    ]


def test_a_report_that_fails_is_stated_and_nothing_ties_out(books: Books, no_waiting: None):
    books.load(a_company())
    books.sync()
    books.simulator.post("faults", [{"path": "*/reports/AgedReceivables*", "status": 500}])

    found = reconciled(books)

    is_blocking, says = said(found)["report_failed"]
    assert is_blocking
    assert says.startswith("QuickBooks's AgedReceivables could not be read: found ")
    assert not found.ties_out
    assert [row.reported_amount for row in found.home] == [None]
    (kept,) = books.rows("select code, is_blocking from reconciliation.statements where module = 'ar'")
    assert (kept["code"], kept["is_blocking"]) == ("report_failed", True)


def test_an_empty_ledger_matches_nothing(books: Books):
    found = reconciled(books)

    assert said(found) == {
        "empty_ledger": (
            False,
            "the ledger has no document of accounts receivable, and QuickBooks shows none either: nothing was compared",
        )
    }


def test_what_was_never_read_is_stated(books: Books):
    books.load(a_company())
    with books.services.db.transaction(books.tenant) as tx:
        off = {"module": "ar", "direction": "pull", "is_on": False, "actor": "somebody", "reason": "not yet"}
        switches.switch(tx, tenant=books.tenant, connection=books.name, **off)

    found = reconciled(books)

    is_blocking, says = said(found)["before_first_sync"]
    assert is_blocking
    assert says.startswith("customers, invoices, credit_memos, payments have never been read")
    assert not found.ties_out


def test_an_empty_ledger_against_a_full_company_is_stated(books: Books):
    books.load(a_company())
    books.sync()
    with books.services.db.transaction(books.tenant) as tx:
        tx.execute("select set_config('tieout.is_sync', 'on', true)")
        tx.execute("update ledger.invoices set is_deleted = true")

    found = reconciled(books)

    assert said(found)["empty_ledger"][0]
    assert not found.ties_out
    (result,) = found.results
    assert (result.ledger_amount, result.by_cause) == (Decimal(0), {"missing_in_ledger": Decimal("300.00")})


def test_a_foreign_document_without_a_rate_has_no_home_amount(books: Books):
    company = a_company(1)
    euro = {"CurrencyRef": {"value": "EUR"}}
    company["Customer"].append(a_customer(2, Balance=Decimal("100.00"), **euro))
    company["Account"].append(
        stamped(85, Name="A/R EUR", AccountType="Accounts Receivable", CurrentBalance=Decimal("100.00"), **euro)
    )
    company["Invoice"].append(an_invoice(200, customer=2, **euro))
    books.load(company)
    books.sync()

    found = reconciled(books)

    assert said(found)["rate_missing"] == (
        False,
        "1 open documents in EUR have no rate to USD: their parties' home totals are not known",
    )
    assert {row.party_external_id: row.ledger_amount for row in found.home} == {"1": Decimal("100.00"), "2": None}


def test_counts_that_differ_are_stated_until_the_census_has_found_why(books: Books):
    books.load(a_company())
    books.sync()
    books.load({"Invoice": [an_invoice(300, Balance=Decimal(0))]})

    found = reconciled(books)

    assert said(found)["counts_differ"][1].startswith("QuickBooks counts 4 invoices, the mirror 3: ")
    (result,) = found.results
    assert [(b.identity, b.kind, b.amount) for b in result.breaks] == [
        ("invoices/300", "missing_in_ledger", Decimal(0))
    ]
    books.sync("full")
    assert said(reconciled(books)) == {}


def test_an_ageing_that_its_own_trial_balance_contradicts_is_stated(books: Books):
    company = a_company()
    company["Account"][0]["CurrentBalance"] = Decimal("333.00")
    books.load(company)
    books.sync()

    found = reconciled(books)

    assert said(found)["account_disagrees"] == (
        True,
        "QuickBooks's ageing of its customers says 300.00 USD, its trial balance 333.00",
    )
