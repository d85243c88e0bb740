"""Breaks by command: listed, looked at, owned, noted and explained, as a person or a script does it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.books import Books
from tests.command import answer, tieout
from tests.conftest import NewDatabase, drop_database
from tests.house import Simulator, connect_simulator, open_house, prepare_database, running_simulator
from tests.small_company import a_company


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator("--no-limits") as running:
        yield running


@pytest.fixture
def broken(new_database: NewDatabase, simulator: Simulator, tmp_path: Path) -> Iterator[Books]:
    """Two invoices of three are wrong in the ledger: one by 10.00, one by 1,200.00."""
    simulator.reset("empty")
    database = new_database(prepare_database)
    with open_house(database, tmp_path) as services:
        connect_simulator(services, simulator)
        books = Books(services, database, simulator, tmp_path)
        books.load(a_company())
        books.sync()
        for key, amount in (("100", 110), ("101", 1300)):
            row = books.ledger_row("invoices", key)["ledger_id"]
            with services.db.transaction(books.tenant) as tx:
                tx.execute("select set_config('tieout.is_sync', 'on', true)")
                tx.execute(
                    "update ledger.invoices set net_amount = %s, total_amount = %s, open_amount = %s "
                    "where ledger_id = %s",
                    (amount, amount, amount, row),
                )
        books.reconcile("ar")
        yield books
    drop_database(database.server, database.name)


def test_breaks_are_listed_the_loudest_first(broken: Books):
    loud, quiet = answer("breaks", "list", code=1)["breaks"]

    assert (loud["identity"], loud["amount"], loud["severity"]) == ("invoices/101", "-1200.00", "critical")
    assert (quiet["identity"], quiet["amount"], quiet["severity"]) == ("invoices/100", "-10.00", "notice")
    assert {"field": "total", "ledger": "110.00", "erp": "100.00"} in quiet["fields"]
    assert (quiet["cause"], quiet["state"], quiet["owner"], quiet["age_days"]) == ("amount", "open", None, 0)
    shown = tieout("breaks", "list")
    assert (shown.exit_code, "invoices/101" in shown.output) == (1, True)


def test_a_break_is_owned_noted_explained_and_stays_so(broken: Books):
    loud, quiet = (b["break_id"] for b in answer("breaks", "list", code=1)["breaks"])

    answer("breaks", "own", str(loud), "ben", "--by", "anna")
    answer("breaks", "note", str(loud), "asked the bank", "--by", "anna")
    for one in (loud, quiet):
        answer("breaks", "explain", str(one), "entered twice", "--by", "ben")
    broken.reconcile("ar")

    found = answer("breaks", "list")["breaks"]
    assert [(b["break_id"], b["state"], b["note"]) for b in found] == [
        (loud, "explained", "entered twice"),
        (quiet, "explained", "entered twice"),
    ]
    shown = answer("breaks", "show", str(loud))
    assert (shown["owner"], shown["changed_by"]) == ("ben", "ben")
    assert "Owner: ben" in tieout("breaks", "show", str(loud)).output
    assert answer("breaks", "reopen", str(loud))["state"] == "open"


def test_what_is_repaired_is_resolved(broken: Books):
    broken.change("update ledger.invoices set net_amount = 100, total_amount = 100, open_amount = 100")
    broken.change("delete from sync.edits")

    broken.reconcile("ar")

    assert answer("breaks", "list")["breaks"] == []
    assert {b["state"] for b in answer("breaks", "list", "--all")["breaks"]} == {"resolved"}
    assert tieout("breaks", "list").output.strip() == "No break."


def test_tolerances_are_set_by_currency(broken: Books):
    assert answer("breaks", "tolerance")["tolerances"] == {"every other": {"warning": "100", "critical": "1000"}}

    answer("breaks", "tolerance", "usd", "--warning", "5", "--critical", "50", "--by", "anna")
    broken.reconcile("ar")

    assert [b["severity"] for b in answer("breaks", "list", code=1)["breaks"]] == ["critical", "warning"]
    assert "every other" in tieout("breaks", "tolerance").output


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("tolerance", "--warning", "much"), "'much'"),
        (("tolerance", "--warning", "-1"), "'-1'"),
        (("tolerance", "--warning", "500", "--critical", "50"), "critical 50.00 below warning 500.00"),
        (("show", "999999"), "no break 999999"),
    ],
)
def test_what_makes_no_sense_is_refused(broken: Books, arguments: tuple[str, ...], found: str):
    refused = tieout("breaks", *arguments)

    assert refused.exit_code == 2
    assert found in refused.output
