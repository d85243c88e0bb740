"""The app that companies are connected by, set and listed by command; its secret is nowhere to be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.apps import app_of
from resources.erps import erp_of
from resources.services import Services
from tests.command import answer, tieout
from tests.conftest import NewDatabase
from tests.house import open_house, prepare_database

SECRET = "CANARY-of-an-app"
BY_VALUE = ("--set", "client_id=AB12", "--set", f"client_secret={SECRET}")


@pytest.fixture(scope="module", autouse=True)
def house(new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    home: Path = tmp_path_factory.mktemp("home")
    with open_house(new_database(prepare_database), home) as opened:
        yield opened


def test_an_app_is_set_listed_and_replaced(house: Services):
    assert answer("apps", "set", "quickbooks", *BY_VALUE, "--set", "environment=sandbox") == {"set": "quickbooks"}
    assert answer("apps", "set", "quickbooks", *BY_VALUE) == {"set": "quickbooks"}

    (listed,) = answer("apps", "list")["apps"]
    assert (listed["erp"], listed["settings"]) == ("quickbooks", {"client_id": "AB12"})
    shown = tieout("apps", "list")
    assert "AB12" in shown.output and SECRET not in shown.output
    found = app_of(house, "default", erp_of("quickbooks"), None)
    assert found.secrets == {"client_secret": SECRET} and SECRET not in repr(found)
    with house.db.transaction("default") as tx:
        kept = tx.execute("select * from sync.apps").fetchall() + tx.execute("select detail from sync.audit").fetchall()
    assert SECRET not in str(kept)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["nobody", *BY_VALUE], "nobody", id="no such ERP"),
        pytest.param(["xero", "--set", "client_id=1"], "no value for client_secret", id="no secret"),
        pytest.param(["xero", *BY_VALUE, "--set", "tenant_id=1"], "a value 'tenant_id'", id="a company's value"),
        pytest.param(["xero", *BY_VALUE, "--set", "refresh_token=1"], "a value 'refresh_token'", id="a token"),
        pytest.param(["xero", "--set", "client_id"], "expected --set key=value", id="no pair"),
    ],
)
def test_a_wrong_app_is_refused_in_one_sentence(arguments: list[str], said: str):
    result = tieout("apps", "set", *arguments)

    assert result.exit_code == 2
    assert said in result.stderr
