"""`tieout import` as a person uses it: what it prints, and with which code it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.services import Services
from tests.command import tieout
from tests.conftest import NewDatabase
from tests.house import open_house, prepare_database


@pytest.fixture(scope="module", autouse=True)
def house(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with open_house(new_database(prepare_database), tmp_path_factory.mktemp("home")) as house:
        yield house


def test_a_file_is_tried_imported_corrected_and_imported_again(tmp_path: Path, house):
    file = tmp_path / "customers.csv"
    file.write_text("name,currency\nAnn,USD\nBob,usd\n")
    arguments = ("import", str(file), "--entity", "customers")

    wrong = tieout(*arguments)
    assert wrong.exit_code == 1
    assert "customers.csv row 3, currency: found 'usd', expected a currency's three capital letters" in wrong.stderr
    assert "Nothing was written." in wrong.stdout

    file.write_text("name,currency\nAnn,USD\nBob,USD\n")
    tried = tieout(*arguments, "--dry-run")
    assert (tried.exit_code, "would be 2 new, 0 changed" in tried.stdout) == (0, True)
    assert "customers: 2 new, 0 changed, 0 the same, from 2 rows." in tieout(*arguments).stdout

    file.write_text("name,currency,note\nAnn,USD,first\nCid,USD,\n")
    refused = tieout(*arguments, "--json")
    assert refused.exit_code == 1
    (error,) = json.loads(refused.stdout)["errors"]
    assert (error["row"], error["column"], error["expected"]) == (
        2,
        "note",
        "no other row of it, or the option --update",
    )
    written = json.loads(tieout(*arguments, "--update", "--json").stdout)
    assert {k: written[k] for k in ("written", "rows", "new", "changed", "same", "errors")} == {
        "written": True, "rows": 2, "new": 1, "changed": 1, "same": 0, "errors": [],
    }  # fmt: skip
    with house.db.transaction("default") as tx:
        assert tx.execute("select name, version, note from ledger.customers order by 1").fetchall() == [
            ("Ann", 2, "first"),
            ("Bob", 1, ""),
            ("Cid", 1, ""),
        ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["none.csv", "--entity", "customers"], "No such file", id="no file"),
        pytest.param(["none.csv", "--entity", "unicorns"], "expected one of customers, vendors", id="entity"),
        pytest.param(["none.csv", "--entity", "customers", "--connection", "x"], "no such connection", id="connection"),
    ],
)
def test_a_wrong_call_is_one_sentence(arguments, said):
    result = tieout("import", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output
