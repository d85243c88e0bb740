"""Deciding by command: policies, conflicts and a first meeting as a person or a script uses them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.books import Books
from tests.command import answer, tieout
from tests.conftest import NewDatabase, drop_database
from tests.house import CONNECTION, Simulator, connect_simulator, open_house, prepare_database, running_simulator
from tests.ledger_writer import LedgerWriter
from tests.small_company import a_company, a_customer, an_invoice


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator("--no-limits") as running:
        yield running


@pytest.fixture
def house(new_database: NewDatabase, simulator: Simulator, tmp_path: Path) -> Iterator[Books]:
    """A migrated database that the commands find by themselves, and a company nobody has connected yet."""
    simulator.reset("empty")
    database = new_database(prepare_database)
    with open_house(database, tmp_path) as services:
        yield Books(services, database, simulator, tmp_path)
    drop_database(database.server, database.name)


@pytest.fixture
def in_conflict(house: Books) -> Books:
    """One invoice with a note of ours and a note of theirs."""
    company = a_company(1)
    company["Invoice"] = [an_invoice(500)]
    house.load(company)
    connect_simulator(house.services, house.simulator)
    house.sync()
    row = house.ledger_row("invoices", "500")["ledger_id"]
    LedgerWriter(house).update("invoices", row, private_note="ours", memo="lone")
    house.edit("update", "Invoice", "500", PrivateNote="theirs")
    house.sync()
    return house


def test_policies_are_set_listed_and_unset(house):
    assert answer("policies", "list") == {"policies": []}
    answer("policies", "set", "customers", "erp_wins", "--by", "anna")
    answer("policies", "set", "invoices.lines.description", "ledger_wins", "--by", "anna")
    answer("policies", "set", "all", "newest_wins", "--by", "anna")

    listed = [(p["entity"], p["field"], p["policy"], p["set_by"]) for p in answer("policies", "list")["policies"]]

    assert listed == [
        ("", "", "newest_wins", "anna"),
        ("customers", "", "erp_wins", "anna"),
        ("invoices", "lines.description", "ledger_wins", "anna"),
    ]
    assert answer("policies", "unset", "customers")["was_set"] is True
    assert answer("policies", "unset", "customers", code=1)["was_set"] is False
    assert "no policy any more" in tieout("policies", "unset", "all").output
    assert "lines.description" in tieout("policies", "list").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["unicorns", "erp_wins"], "expected one of customers", id="entity"),
        pytest.param(["invoices.colour", "erp_wins"], "field 'colour' of invoices", id="field"),
        pytest.param(["invoices", "whoever"], "'whoever' is not one of", id="policy"),
    ],
)
def test_a_policy_for_what_is_not_there_is_refused(house, arguments, said):
    result = tieout("policies", "set", *arguments)

    assert result.exit_code == 2
    assert said in result.output


def test_no_conflict_is_said_to_be_none(house):
    assert answer("conflicts", "list") == {"conflicts": []}
    assert "No open conflict" in tieout("conflicts", "list").output


def test_a_conflict_is_listed_shown_and_resolved(in_conflict):
    (listed,) = answer("conflicts", "list", CONNECTION, code=1)["conflicts"]
    number = str(listed["id"])
    assert listed["fields"] == [{"name": "private_note", "base": "", "ours": "ours", "theirs": "theirs"}]
    assert "private_note: 'ours' here, 'theirs' there" in tieout("conflicts", "list").output
    shown = answer("conflicts", "show", number)
    assert (shown["base"]["private_note"], shown["ours"]["memo"], shown["theirs"]["memo"]) == ("", "lone", "")
    told = tieout("conflicts", "show", number).output
    assert "Changed on one side only" in told
    assert f"tieout conflicts resolve {number} --keep ours" in told

    resolved = answer("conflicts", "resolve", number, "--keep", "ours", "--by", "anna")

    assert (resolved["by"], resolved["decision"], resolved["is_to_be_pushed"]) == ("anna", {"keep": "ours"}, True)
    assert answer("conflicts", "list") == {"conflicts": []}
    assert "anna decided" in tieout("conflicts", "show", number).output
    in_conflict.push()
    (there,) = in_conflict.objects("Invoice")
    assert there["PrivateNote"] == "ours"


def test_a_stale_or_empty_decision_is_refused_in_one_sentence(in_conflict):
    number = str(answer("conflicts", "list", code=1)["conflicts"][0]["id"])

    for arguments, code, said in (
        (["--field", "private_note"], 2, "expected --field NAME=ours"),
        (["--field", "colour=ours"], 2, "a choice for colour"),
        ([], 2, "no choice for private_note"),
    ):
        result = tieout("conflicts", "resolve", number, *arguments)
        assert (result.exit_code, said in result.stderr) == (code, True), result.output
    LedgerWriter(in_conflict, "bo").update("invoices", in_conflict.ledger_row("invoices", "500")["ledger_id"], memo="x")
    stale = tieout("conflicts", "resolve", number, "--keep", "theirs")

    assert stale.exit_code == 1
    assert "of the ledger's row, by bo" in stale.stderr
    assert tieout("conflicts", "show", "999999").exit_code == 2


def test_a_meeting_is_reported_and_applied(house):
    house.load({"Customer": [a_customer(1, "Ada"), a_customer(2, "Cy")]})
    LedgerWriter(house).customer("ADA")
    connect_simulator(house.services, house.simulator)

    told = tieout("meet", CONNECTION).output
    found = answer("meet", CONNECTION)
    applied = answer("meet", CONNECTION, "--apply", "--by", "anna")
    again = tieout("meet", CONNECTION)

    assert "name: 'ADA' here, 'Ada' there" in told
    assert "Nothing is written yet" in told
    assert found["entities"]["customers"]["counts"] == {"bound": 1, "ambiguous": 0, "new_here": 0, "new_there": 1}
    assert (found["applied"], applied["applied"]) == (False, True)
    assert again.exit_code == 2
    assert house.ledger_row("customers", "1")["name"] == "Ada"


def test_adding_a_company_to_a_ledger_with_records_says_that_they_must_meet(house):
    LedgerWriter(house).customer("Ada")
    minted = house.simulator.post("tokens")
    keys = ("realm_id", "client_id", "client_secret", "refresh_token")
    values = [part for key in keys for part in ("--set", f"{key}={minted[key]}")]

    added = tieout(
        "connections", "add", "quickbooks", "--name", "qbo_us", "--base-url", house.simulator.base_url, *values
    )

    assert "`tieout meet qbo_us`" in added.output
    assert [c["meeting"] for c in answer("connections", "list")["connections"]] == ["pending"]
