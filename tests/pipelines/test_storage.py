"""Dagster's storage keeps its connections, and loses none of its work when the server ends them."""

from __future__ import annotations

from collections.abc import Iterator

import click
import psycopg
import pytest
import yaml
from dagster._serdes import ConfigurableClassData

from pipelines import storage
from pipelines.instance import CONFIGURATION
from pipelines.storage import IDLE_CONNECTIONS_MAX, PooledPostgresStorage
from tests.conftest import ScratchDatabase


@pytest.fixture
def pooled(fresh_database: ScratchDatabase) -> Iterator[PooledPostgresStorage]:
    url = fresh_database.url().replace("postgresql://", "postgresql+psycopg2://")
    yield PooledPostgresStorage(url)
    storage._engine(url).dispose()
    storage._engine.cache_clear()


def sessions(database: ScratchDatabase) -> set[int]:
    """Process ids of the server for whoever is connected."""
    with psycopg.connect(database.server.url("superuser", "postgres")) as superuser:
        return {
            pid for (pid,) in superuser.execute("select pid from pg_stat_activity where datname = %s", [database.name])
        }


def use_all(pooled: PooledPostgresStorage) -> None:
    pooled.event_log_storage.add_dynamic_partitions("connection", ["qbo_in"])
    assert pooled.run_storage.get_runs_count() == 0
    assert pooled.event_log_storage.get_dynamic_partitions("connection") == ["qbo_in"]
    assert pooled.schedule_storage.all_instigator_state() == []


def test_many_statements_take_turns_on_few_connections(pooled, fresh_database):
    use_all(pooled)
    first = sessions(fresh_database)

    for _ in range(20):
        use_all(pooled)

    assert sessions(fresh_database) == first
    assert 1 <= len(first) <= IDLE_CONNECTIONS_MAX


def test_two_instances_of_a_process_share_them(pooled, fresh_database):
    use_all(pooled)
    first = sessions(fresh_database)

    use_all(PooledPostgresStorage(pooled.postgres_url))

    assert sessions(fresh_database) == first


def test_a_restarted_server_is_not_noticed(pooled, fresh_database):
    use_all(pooled)
    before = sessions(fresh_database)
    with psycopg.connect(fresh_database.server.url("superuser", "postgres"), autocommit=True) as superuser:
        for pid in before:
            superuser.execute("select pg_terminate_backend(%s, 5000)", [pid])

    use_all(pooled)

    assert not before & sessions(fresh_database)


def test_without_its_variable_a_command_of_dagster_ends_with_one_sentence(monkeypatch):
    monkeypatch.delenv("TIEOUT_DAGSTER_PG_URL", raising=False)
    declared = yaml.safe_load(CONFIGURATION.read_text())["storage"]["custom"]
    data = ConfigurableClassData(declared["module"], declared["class"], yaml.safe_dump(declared["config"]))

    # What click's commands, which Dagster's are, print without a trace.
    with pytest.raises(click.ClickException, match=r"found no variable TIEOUT_DAGSTER_PG_URL.*pipelines\.instance"):
        data.rehydrate()
