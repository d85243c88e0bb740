"""Switches and codes by command: what is off is left out of a sync; a code stands for an id that the ERP has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.books import Books
from tests.command import answer, tieout
from tests.conftest import NewDatabase
from tests.house import CONNECTION, Simulator, connect_simulator, open_house, prepare_database, running_simulator


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with running_simulator("--no-limits", "--seed", "demo") as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def books(new_database: NewDatabase, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    home: Path = tmp_path_factory.mktemp("home")
    database = new_database(prepare_database)
    with open_house(database, home) as house:
        connect_simulator(house, simulator)
        yield Books(house, database, simulator, home)


def listed() -> list[tuple]:
    return [(s["connection"], s["module"], s["direction"], s["reason"]) for s in answer("switches")["switched_off"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["switch", CONNECTION], "expected one of them", id="neither on nor off"),
        pytest.param(["switch", CONNECTION, "--off"], "found no --reason", id="no reason"),
        pytest.param(["switch", CONNECTION, "--on", "--module", "gl"], "expected one of ar, ap, all", id="module"),
        pytest.param(["switch", CONNECTION, "--on", "--direction", "up"], "expected one of pull, push", id="direction"),
        pytest.param(["switch", "nobody", "--on"], "no such connection", id="connection"),
        pytest.param(["maintenance", "maybe"], "expected one of on, off", id="maintenance"),
        pytest.param(["maintenance", "on"], "found no --reason", id="maintenance without a reason"),
    ],
)
def test_a_wrong_switch_is_refused_in_one_sentence(arguments, said):
    result = tieout(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert listed() == []


def test_a_sync_leaves_out_what_is_switched_off_and_catches_up_afterwards(books):
    off = ("--module", "ap", "--direction", "pull", "--off", "--reason", "year end in purchasing")
    assert answer("switch", CONNECTION, *off)["switched"] == ["ap pull"]
    assert answer("switch", CONNECTION, *off)["switched"] == []
    assert listed() == [(CONNECTION, "ap", "pull", "year end in purchasing")]
    assert "year end in purchasing" in tieout("switches").output

    report = books.sync()

    payables = {"vendors", "purchase_orders", "bills", "vendor_credits", "bill_payments"}
    assert set(report.switched_off) == payables
    assert payables & set(report.outcomes) == set()
    assert report.outcomes["invoices"].inserted == 1500
    assert report.outcomes["items"].inserted > 0
    assert books.rows("select 1 from mirror.bills") == []

    assert answer("switch", CONNECTION, "--module", "ap", "--on")["switched"] == ["ap pull"]
    after = books.sync()
    assert after.switched_off == []
    assert after.outcomes["bills"].inserted > 0
    assert after.outcomes["invoices"].inserted == 0


def test_maintenance_is_begun_listed_and_ended():
    assert answer("maintenance", "on", "--reason", "server move")["changed"] is True
    assert listed() == [(None, "all", "push", "server move")]
    assert "already" in tieout("maintenance", "on", "--reason", "again").output
    assert answer("maintenance", "off")["changed"] is True
    assert "Nothing is switched off" in tieout("switches").output


def test_codes_are_mapped_listed_and_unmapped(books):
    books.sync()
    assert "No code is mapped" in tieout("codes", "list").output
    terms = sorted(books.mirror_ids("terms"))[:2]
    assert answer("codes", "map", CONNECTION, "terms", f"NET=30={terms[0]}", f"NOW={terms[1]}")["mapped"] == [
        "NET=30",
        "NOW",
    ]
    assert answer("codes", "list", CONNECTION)["codes"] == [
        {"connection": CONNECTION, "list": "terms", "code": code, "external_id": external_id}
        for code, external_id in zip(("NET=30", "NOW"), terms, strict=True)
    ]
    assert answer("codes", "unmap", CONNECTION, "terms", "NET=30", "NET90")["unmapped"] == ["NET=30"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["terms", "NET30"], "expected OUR_CODE=EXTERNAL_ID", id="no id"),
        pytest.param(["terms", "A=1", "A=2"], "found A twice", id="twice"),
        pytest.param(["terms", "A=no-such-id"], "no terms with the id no-such-id in the mirror", id="unknown id"),
        pytest.param(["colours", "A=1"], "expected one of accounts, terms, payment_methods, tax_codes", id="list"),
    ],
)
def test_a_wrong_code_is_refused_in_one_sentence(arguments, said):
    result = tieout("codes", "map", CONNECTION, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_push_and_its_plan_say_that_maintenance_is_on():
    tieout("maintenance", "on", "--reason", "the server moves")
    try:
        said = [tieout("push", CONNECTION).stdout, tieout("push", CONNECTION, "--plan").stdout]
    finally:
        tieout("maintenance", "off")

    assert all("maintenance is on (the server moves)" in one for one in said)
    assert "maintenance" not in tieout("push", CONNECTION, "--plan").stdout
