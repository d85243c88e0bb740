"""Dagster's own state lives beside ours, on whichever PostgreSQL there is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from pipelines.instance import has_tables, instance_environment, prepare_instance
from resources.errors import TieoutError
from resources.settings import Settings, load_settings

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OPEN = """
from resources.settings import load_settings
from pipelines.instance import open_instance
with open_instance(load_settings(), None) as instance:
    print(type(instance.run_launcher).__name__, type(instance.event_log_storage).__name__)
    print(instance.telemetry_enabled, instance.run_monitoring_enabled, instance.get_runs_count())
"""


def settings_of(home: Path, url: str) -> Settings:
    return load_settings({"TIEOUT_HOME": str(home), "TIEOUT_DATABASE_URL": url, "TIEOUT_ENCRYPTION_KEY": KEY})


def test_two_processes_at_once_make_the_database_and_its_tables_once(fresh_database, tmp_path):
    url = fresh_database.url("owner")
    environment = {"TIEOUT_HOME": str(tmp_path), "TIEOUT_DATABASE_URL": url, "TIEOUT_ENCRYPTION_KEY": KEY}
    together = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]

    said = [process.communicate()[0] for process in together]

    assert said == ["LocalWatchedRunLauncher PostgresEventLogStorage\nFalse True 0\n"] * 2
    prepared = prepare_instance(settings_of(tmp_path, url), None)
    assert prepared["TIEOUT_DAGSTER_PG_URL"].startswith("postgresql+psycopg2://")
    assert f"/{fresh_database.name}_dagster" in prepared["TIEOUT_DAGSTER_PG_URL"]
    assert has_tables(prepared["TIEOUT_DAGSTER_PG_URL"])


def test_with_the_embedded_server_it_is_another_database_there(server, tmp_path):
    environment = instance_environment(load_settings({"TIEOUT_HOME": str(tmp_path)}), server)

    url = environment["TIEOUT_DAGSTER_PG_URL"].replace("+psycopg2", "")
    with psycopg.connect(url) as connection:
        assert connection.info.dbname == "dagster"
    assert (Path(environment["DAGSTER_HOME"]) / "dagster.yaml").exists()


def test_a_changed_configuration_reaches_the_home(server, tmp_path):
    settings = load_settings({"TIEOUT_HOME": str(tmp_path)})
    copy = Path(instance_environment(settings, server)["DAGSTER_HOME"]) / "dagster.yaml"
    content = copy.read_text()
    copy.write_text("of an older version")

    instance_environment(settings, server)

    assert copy.read_text() == content


def test_an_unreachable_database_is_one_clear_message(tmp_path):
    settings = settings_of(tmp_path, "postgresql://me:hunter2@127.0.0.1:1/books")

    with pytest.raises(TieoutError, match="check TIEOUT_DATABASE_URL") as raised:
        instance_environment(settings, None)

    assert "127.0.0.1:1" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_login_that_may_not_make_databases_is_told_what_to_run(fresh_database, tmp_path):
    settings = settings_of(tmp_path, fresh_database.url("app"))

    with pytest.raises(TieoutError, match=f'create database "{fresh_database.name}_dagster" owner "tieout_app"'):
        instance_environment(settings, None)


def test_any_command_can_be_run_on_the_instance_and_keeps_its_exit_code(server):
    show = "import os, sys; print(os.environ['DAGSTER_HOME'], 'TIEOUT_DAGSTER_PG_URL' in os.environ); sys.exit(7)"

    done = subprocess.run(
        [sys.executable, "-m", "pipelines.instance", sys.executable, "-c", show],
        capture_output=True,
        text=True,
        env={"TIEOUT_HOME": str(server.home), "TIEOUT_ENCRYPTION_KEY": KEY},
        cwd=Path(__file__).parents[2],
    )

    assert (done.stdout, done.returncode) == (f"{server.home}/dagster True\n", 7)
