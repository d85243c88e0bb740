"""The vault over its life: a wrong key, a change of keys while others work, plain secrets taken in, what is erased."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from resources import vaulting
from resources.errors import TieoutError
from resources.services import Services
from resources.settings import load_settings
from tests.command import answer, tieout
from tests.house import open_house, prepare_database

CONNECTION = "qbo"
VALUES = {"realm_id": "1", "client_id": "app", "client_secret": "CANARY-secret", "refresh_token": "CANARY-refresh"}


@pytest.fixture
def house(new_database, tmp_path: Path) -> Iterator[Services]:
    """With its keys in the key file, and one connection."""
    with open_house(new_database(prepare_database), tmp_path / "home") as opened:
        arguments = [f"--set={key}={value}" for key, value in VALUES.items()]
        answer("connections", "add", "quickbooks", "--name", CONNECTION, *arguments)
        yield opened


@pytest.fixture
def another(house: Services) -> Iterator[Services]:
    """A process that began before whatever the test does."""
    with Services(house.settings) as opened:
        assert opened.vault("default").get(CONNECTION, "client_secret") == "CANARY-secret"
        yield opened


def key_file(house: Services) -> list[str]:
    return (house.settings.home / "encryption.key").read_text().split()


def test_a_wrong_key_is_said_before_anything_is_done_with_it(house: Services):
    _ = house.keeper
    wrong = os.urandom(32)
    said = f"that master key {house.keeper.key_id} opens.*TIEOUT_ENCRYPTION_KEY"
    with Services(replace(house.settings, encryption_key=wrong)) as other, pytest.raises(TieoutError, match=said):
        _ = other.keeper

    assert vaulting.sealed_by_key(house) == {house.keeper.key_id: 2}


def test_doctor_says_a_wrong_key(house: Services, monkeypatch: pytest.MonkeyPatch):
    assert tieout("vault", "status").exit_code == 0
    monkeypatch.setenv("TIEOUT_ENCRYPTION_KEY", base64.b64encode(os.urandom(32)).decode())

    assert "opening the vault" in tieout("vault", "status").stderr
    found = {check["check"]: check for check in answer("doctor", code=1)["checks"]}
    assert not found["vault"]["ok"] and "TIEOUT_ENCRYPTION_KEY" in found["vault"]["says"]


def test_the_key_is_changed_while_others_read_and_write(house: Services, another: Services):
    before = house.keeper.key_id

    done = answer("vault", "rotate")

    assert done["made"] and done["rewrapped"] == 2 and done["before"] == [before]
    # The other process seals with the key it knows, which is taken along by the next rotation ...
    another.vault("default").put("other", "client_secret", "CANARY-late")
    assert another.vault("default").get("other", "client_secret") == "CANARY-late"
    assert vaulting.sealed_by_key(house) == {done["key"]: 2, before: 1}
    assert "tieout vault rotate" in tieout("vault", "retire").stderr
    assert answer("vault", "rotate") == {"key": done["key"], "made": False, "rewrapped": 1, "before": [before]}
    # ... and follows as soon as it meets something that is sealed anew.
    assert another.vault("default").get(CONNECTION, "client_secret") == "CANARY-secret"
    assert another.keeper.key_id == done["key"]
    assert answer("vault", "retire")["retired"] == [before]
    assert len(key_file(house)) == 1
    assert answer("vault", "status")["keys"] == [{"key": done["key"], "seals": True, "sealed": 3}]


def test_a_process_that_slept_through_a_rotation_seals_with_the_new_key(house: Services, another: Services):
    answer("vault", "rotate")
    answer("vault", "retire")

    another.vault("default").put("other", "client_secret", "CANARY-late")

    with Services(house.settings) as fresh:
        assert fresh.vault("default").get("other", "client_secret") == "CANARY-late"


def test_a_rotation_that_was_interrupted_is_ended_with_the_key_it_began_with(house: Services, monkeypatch):
    for number in range(3):
        house.vault("default").put("other", f"secret{number}", "x")
    with monkeypatch.context() as patch:
        patch.setattr("resources.stores.vault.REWRAP_ROWS_MAX", 2)

        def stop_after_two(_text: str) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            vaulting.rotate(house, says=stop_after_two)
    newest = key_file(house)[0]
    assert sorted(vaulting.sealed_by_key(house).values()) == [2, 3]

    done = answer("vault", "rotate")

    assert not done["made"] and done["rewrapped"] == 3
    assert key_file(house)[0] == newest


def test_keys_of_the_environment_are_changed_by_the_order_of_two_variables(house: Services, monkeypatch):
    _ = house.keeper
    (old,) = key_file(house)
    new = base64.b64encode(os.urandom(32)).decode()
    monkeypatch.setenv("TIEOUT_ENCRYPTION_KEY", old)
    assert "TIEOUT_FURTHER_ENCRYPTION_KEYS" in tieout("vault", "rotate").stderr
    # First everybody learns to open with the new one, then it seals, then the old one goes.
    monkeypatch.setenv("TIEOUT_FURTHER_ENCRYPTION_KEYS", new)
    assert answer("vault", "status")["keys"][0]["sealed"] == 2
    monkeypatch.setenv("TIEOUT_ENCRYPTION_KEY", new)
    monkeypatch.setenv("TIEOUT_FURTHER_ENCRYPTION_KEYS", old)
    assert answer("vault", "rotate")["rewrapped"] == 2
    assert len(answer("vault", "retire")["retired"]) == 1
    monkeypatch.delenv("TIEOUT_FURTHER_ENCRYPTION_KEYS")

    with Services(load_settings()) as fresh:
        assert fresh.vault("default").get(CONNECTION, "client_secret") == "CANARY-secret"
    monkeypatch.setenv("TIEOUT_ENCRYPTION_KEY", old)
    with Services(load_settings()) as late, pytest.raises(TieoutError, match="opening the vault"):
        _ = late.keeper


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"client_secret": "CANARY-new", "refresh_token": "CANARY-other"}', id="json"),
        pytest.param("# old\nexport CLIENT_SECRET='CANARY-new'\nREFRESH_TOKEN=CANARY-other\n", id="lines"),
    ],
)
def test_plain_secrets_are_taken_in_read_back_and_erased(house: Services, tmp_path: Path, text: str):
    file = tmp_path / "tokens"
    file.write_text(text)

    assert answer("vault", "take-in", CONNECTION, str(file))["taken_in"] == ["client_secret", "refresh_token"]

    assert not file.exists()
    kept = house.vault("default").all(CONNECTION)
    assert (kept["client_secret"], kept["refresh_token"]) == ("CANARY-new", "CANARY-other")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('{"client_secret": "CANARY-new", "realm_id": "7"}', "found realm_id, expected only", id="public"),
        pytest.param('{"client_secret": "CANARY-', "JSON that ends early", id="cut short"),
        pytest.param('{"client_secret": 7}', "no text for client_secret", id="a number"),
        pytest.param("\n", "found no value", id="empty"),
        pytest.param("client_secret=\n", "no text for client_secret", id="no value"),
    ],
)
def test_a_file_that_is_not_all_secrets_stays_as_it_is(house: Services, tmp_path: Path, text: str, said: str):
    file = tmp_path / "tokens"
    file.write_text(text)

    refused = tieout("vault", "take-in", CONNECTION, str(file))

    assert refused.exit_code == 2 and said in refused.stderr and "CANARY" not in refused.stderr
    assert file.read_text() == text
    assert house.vault("default").get(CONNECTION, "client_secret") == "CANARY-secret"


def test_what_is_of_no_use_any_more_is_erased_and_nothing_else(house: Services):
    vault = house.vault("default")
    vault.put("long_gone", "client_secret", "CANARY-x")
    signs = house.signing_key("default", "plans")

    assert answer("vault", "clean")["erased"]["secrets of removed connections"] == 1

    assert vault.all("long_gone") == {}
    assert vault.get(CONNECTION, "client_secret") == "CANARY-secret"
    assert house.signing_key("default", "plans") == signs
