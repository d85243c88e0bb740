"""Settings are read once, typed, and every wrong one is named with what to do; secrets never show."""

from __future__ import annotations

import base64
import stat
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from resources.settings import SettingsError, load_settings

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_without_any_variable_the_defaults_hold(tmp_path: Path):
    settings = load_settings({})

    assert settings.home == tmp_path / ".tieout"
    assert settings.database_url is None
    assert settings.partition_start == date(2026, 1, 1)
    assert (settings.pull_interval_seconds, settings.tenant) == (300, "default")
    assert settings.connections == {}


def test_variables_are_typed(tmp_path: Path):
    settings = load_settings(
        {
            "TIEOUT_HOME": str(tmp_path / "elsewhere"),
            "TIEOUT_DATABASE_URL": "postgres://me:pw@db.internal:5432/books",
            "TIEOUT_ENCRYPTION_KEY": KEY,
            "TIEOUT_PARTITION_START": "2025-06-30",
            "TIEOUT_PULL_INTERVAL_SECONDS": "60",
            "TIEOUT_TENANT": "acme",
        }
    )

    assert settings.home == tmp_path / "elsewhere"
    assert settings.database_url == "postgresql://me:pw@db.internal:5432/books"
    assert settings.encryption_key == bytes(range(32))
    assert settings.partition_start == date(2025, 6, 30)
    assert (settings.pull_interval_seconds, settings.tenant) == (60, "acme")
    assert not (tmp_path / "elsewhere").exists()


TOMORROW = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TIEOUT_DATABASE_URL", "mysql://me@db/books", "postgresql://user:password@host:port/database"),
        ("TIEOUT_DATABASE_URL", "postgresql://me@db:port/books", "postgresql://user:password@host:port/database"),
        ("TIEOUT_DATABASE_URL", "postgresql://me@db", "postgresql://user:password@host:port/database"),
        ("TIEOUT_ENCRYPTION_KEY", "short", "32 random bytes in base64"),
        ("TIEOUT_ENCRYPTION_KEY", "vault:books", "aws-kms: and the id"),
        ("TIEOUT_FURTHER_ENCRYPTION_KEYS", f"{KEY},short", "32 random bytes in base64"),
        ("TIEOUT_ENCRYPTION_KEY", base64.b64encode(b"x" * 31).decode(), "32 random bytes in base64"),
        ("TIEOUT_PARTITION_START", "01.02.2026", "a day like 2026-01-01"),
        ("TIEOUT_PARTITION_START", TOMORROW, "today or earlier"),
        ("TIEOUT_PULL_INTERVAL_SECONDS", "5m", "a whole number of seconds from 10 to 86400"),
        ("TIEOUT_PULL_INTERVAL_SECONDS", "9", "a whole number of seconds from 10 to 86400"),
        ("TIEOUT_TENANT", "Acme Inc.", "1 to 63 characters"),
        ("TIEOUT_CONNECTIONS", "missing.toml", "a readable file"),
    ],
)
def test_a_wrong_value_is_one_clear_message(name: str, value: str, expected: str):
    with pytest.raises(SettingsError) as raised:
        load_settings({"TIEOUT_ENCRYPTION_KEY": KEY, name: value})

    (problem,) = raised.value.problems
    assert expected in str(problem)
    assert problem.next_step
    assert name in str(problem) or value in str(problem)


def test_all_wrong_values_are_named_at_once():
    with pytest.raises(SettingsError) as raised:
        load_settings({"TIEOUT_TENANT": "A B", "TIEOUT_PULL_INTERVAL_SECONDS": "often", "TIEOUT_PARTITION_START": "x"})

    assert len(raised.value.problems) == 3
    assert len(str(raised.value).splitlines()) == 3


def test_a_home_that_is_a_file_is_refused(tmp_path: Path):
    (tmp_path / "home").write_text("")

    with pytest.raises(SettingsError, match="a directory"):
        load_settings({"TIEOUT_HOME": str(tmp_path / "home")})


def test_secrets_show_neither_in_messages_nor_in_a_repr():
    with pytest.raises(SettingsError) as raised:
        load_settings({"TIEOUT_DATABASE_URL": "mysql://me:hunter2@db/books", "TIEOUT_ENCRYPTION_KEY": "hunter2"})
    assert "hunter2" not in str(raised.value)

    settings = load_settings({"TIEOUT_DATABASE_URL": "postgresql://me:hunter2@db/books", "TIEOUT_ENCRYPTION_KEY": KEY})
    assert "hunter2" not in repr(settings)
    assert repr(settings.encryption_key) not in repr(settings)


def test_an_absent_key_is_generated_once_and_kept_private(tmp_path: Path):
    settings = load_settings({})
    assert list(tmp_path.iterdir()) == []
    (first,) = settings.master_keys()
    path = tmp_path / ".tieout" / "encryption.key"

    assert len(first) == 32
    assert load_settings({}).master_keys() == [first]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_spoiled_key_file_is_refused_and_kept(tmp_path: Path):
    path = tmp_path / ".tieout" / "encryption.key"
    path.parent.mkdir()
    path.write_text("half a k")

    with pytest.raises(SettingsError, match="restore the file from a backup"):
        load_settings({}).master_keys()

    assert path.read_text() == "half a k"


def test_processes_that_start_together_agree_on_the_key():
    code = "from resources.settings import load_settings; print(load_settings({}).master_keys()[0].hex())"
    project = str(Path(__file__).parents[2])
    together = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env={"PYTHONPATH": project})
        for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in together}) == 1


def test_declared_connections_take_their_secrets_from_the_environment(tmp_path: Path):
    (tmp_path / "connections.toml").write_text(
        '[connections.qbo_us]\nerp = "quickbooks"\nrealm_id = 123146\nbase_url = "http://127.0.0.1:8801"\n'
    )

    settings = load_settings({"TIEOUT_CONNECTION_QBO_US__REFRESH_TOKEN": "RT1", "TIEOUT_ENCRYPTION_KEY": KEY})

    declared = settings.connections["qbo_us"]
    assert (declared.erp, declared.tenant, declared.base_url) == ("quickbooks", "default", "http://127.0.0.1:8801")
    assert declared.values == {"realm_id": "123146", "refresh_token": "RT1"}
    assert "RT1" not in repr(settings)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[connections.qbo_us", "TOML in UTF-8"),
        ('connections = "qbo"', "one table"),
        ('[connections.qbo_us]\nrealm_id = "1"', 'a line like erp = "quickbooks"'),
        ('[connections."QBO US"]\nerp = "quickbooks"', "a name of 1 to 40 characters"),
        ('[connections.qbo_us]\nerp = "quickbooks"\nrealm_id = [1]', "a text or a whole number"),
        (
            '[connections.qbo_us]\nerp = "quickbooks"\nclient_secret = "s3cret"',
            "move it to the variable TIEOUT_CONNECTION_QBO_US__CLIENT_SECRET",
        ),
    ],
)
def test_a_wrong_connections_file_is_one_clear_message(tmp_path: Path, toml: str, message: str):
    (tmp_path / "connections.toml").write_text(toml)

    with pytest.raises(SettingsError) as raised:
        load_settings({"TIEOUT_ENCRYPTION_KEY": KEY})

    assert message in str(raised.value)
    assert "s3cret" not in str(raised.value)
