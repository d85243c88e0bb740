"""A consent that does not cover everything: what is lacking is named, and ends no more than what needs it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from ledger.reconcile import MODULES
from resources.erps.xero.scopes import AGED_REPORTS, SCOPES, TRIAL_BALANCE
from resources.errors import ErrorKind, TieoutError
from resources.stages import sync as whole_way
from tests.resources.erps.xero.books import BothBooks
from tests.resources.erps.xero.conftest import Organisation
from tests.resources.erps.xero.test_reports import TODAY, an_open_invoice

REPORTS = {AGED_REPORTS, TRIAL_BALANCE}


def all_but(*scopes: str) -> list[str]:
    return [one for one in SCOPES if one not in scopes]


@pytest.fixture(params=[403, 401])
def known(request: pytest.FixtureRequest, organisation: Organisation) -> Iterator[Organisation]:
    """An organisation with an open invoice, and either way in which Xero says that a scope is missing."""
    spelling = "insufficient_scope" if request.param == 403 else "insufficent_scope"
    organisation.simulator.post("switches", {"missing_scope_status": request.param, "scope_spelling": spelling})
    an_open_invoice(organisation, "Lund & Sons", "120.00")
    yield organisation
    organisation.simulator.post("switches", {"missing_scope_status": 403, "scope_spelling": "insufficient_scope"})


def test_a_consent_with_every_scope_is_warned_of_nothing(known: Organisation):
    assert known.allowed(*SCOPES).test().warnings == []


@pytest.mark.parametrize("scope", [one for one in SCOPES if one.startswith("accounting") and one not in REPORTS])
def test_testing_names_the_scope_that_is_missing(known: Organisation, scope: str):
    with pytest.raises(TieoutError) as raised:
        known.allowed(*all_but(scope)).test()

    assert raised.value.kind is ErrorKind.AUTHORIZATION
    assert raised.value.found == f"a consent without {scope}"
    assert "connect the organisation again" in raised.value.next_step


def test_testing_names_all_that_are_missing_at_once(known: Organisation):
    missing = ("accounting.payments", "accounting.banktransactions", AGED_REPORTS, TRIAL_BALANCE)

    with pytest.raises(TieoutError) as raised:
        known.allowed(*all_but(*missing)).test()

    assert raised.value.found == f"a consent without {', '.join(missing)}"


@pytest.mark.parametrize("scope", sorted(REPORTS))
def test_testing_warns_of_a_report_that_cannot_be_read(known: Organisation, scope: str):
    (warning,) = known.allowed(*all_but(scope)).test().warnings

    assert f"the scope {scope} is missing" in warning


def test_a_report_without_its_scope_is_a_failure_and_the_lists_are_read(known: Organisation):
    (found,) = known.allowed(*all_but(*REPORTS)).reports(["ar"], TODAY)

    assert [party.home_amount for party in found.parties] == [Decimal("120.00")]
    assert found.account_amount is None
    balance, ageing = found.failures
    assert balance.startswith(f"TrialBalance could not be read: the scope {TRIAL_BALANCE} is missing")
    assert ageing.startswith(f"ageing by contact could not be read: the scope {AGED_REPORTS} is missing")


def test_a_report_refused_for_another_reason_than_a_scope_ends_the_reading(known: Organisation):
    known.simulator.post("faults", [{"path": "*/Reports/*", "answer": "forbidden"}])

    with pytest.raises(TieoutError):
        known.connector.reports(["ar"], TODAY)


def test_a_reconciliation_without_the_reports_compares_the_totals_and_says_what_it_could_not_read(both: BothBooks):
    an_open_invoice(both.books, "Lund & Sons", "120.00")
    both.books.sync()
    both.books.simulator.post("faults", [{"path": "*/Reports/*", "answer": "missing_scope"}])

    (found,) = whole_way.reconcile(both.books.services, both.books.name, [MODULES["ar"]])

    assert [(one.currency, one.difference) for one in found.results] == [("USD", Decimal(0))]
    assert not found.ties_out
    (balance, ageing) = (one.says for one in found.statements if one.code == "report_failed")
    assert f"the scope {TRIAL_BALANCE} is missing" in balance
    assert f"the scope {AGED_REPORTS} is missing" in ageing
