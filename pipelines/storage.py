"""Dagster's storage on PostgreSQL, with connections that are kept between two statements.

Belongs here: only how Dagster's own state is reached. Dagster opens a connection for each of some six hundred small
statements of a run, and signing in costs more than any of them; named in `dagster.yaml`. Our own pool is
`resources/stores/database.py`.
"""

from __future__ import annotations

import os
import select
from collections.abc import Mapping
from functools import cache
from typing import Any

import click
from dagster import Field, ScalarUnion, Selector
from dagster._config import UserConfigSchema
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DisconnectionError

from resources.errors import ErrorKind, TieoutError

# So many stay open while nobody uses them, in each process. More are opened when more threads ask at once.
IDLE_CONNECTIONS_MAX = 2


class PooledPostgresStorage(DagsterPostgresStorage):
    """As its base in all it stores and answers; every instance of a process shares one pool to the same database."""

    def __init__(self, postgres_url: str, should_autocreate_tables: bool = True, **more: Any) -> None:
        super().__init__(postgres_url, should_autocreate_tables, **more)
        # The place where Dagster itself puts a pool for its web server, which still may.
        for one in (self.run_storage, self.event_log_storage, self.schedule_storage):
            one._engine = _engine(postgres_url)  # type: ignore[attr-defined]

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {**super().config_type(), "postgres_url": Field(_Url(), is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> PooledPostgresStorage:
        return cls(
            pg_url_from_config(config_value), config_value.get("should_autocreate_tables", True), inst_data=inst_data
        )


class _Url(ScalarUnion):
    """The text, or the variable it is in, as Dagster's own type for that.

    Dagster prints a long trace where the variable is not set. An error of click's ends any of its commands with one
    sentence: the storage is what they all read first.
    """

    def __init__(self) -> None:
        super().__init__(scalar_type=str, non_scalar_schema=Selector({"env": str}), _key="UrlOfDagstersState")

    def post_process(self, value: str | Mapping[str, str]) -> str:
        if isinstance(value, str):
            return value
        if value["env"] in os.environ:
            return os.environ[value["env"]]
        wrong = TieoutError(
            ErrorKind.VALIDATION,
            doing="opening Dagster's own state",
            found=f"no variable {value['env']}",
            expected="the variables that Tieout sets for Dagster",
            next_step="put `python -m pipelines.instance` before the command",
        )
        raise click.ClickException(str(wrong))


@cache
def _engine(url: str) -> Engine:
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=IDLE_CONNECTIONS_MAX,
        # A statement within another's needs a connection of its own: nobody ever waits for one.
        max_overflow=-1,
        pool_use_lifo=True,
    )
    event.listen(engine, "checkout", _look_at)
    return engine


def _look_at(connection: Any, record: object, proxy: object) -> None:
    """Has the pool open another where the server ended this one while nobody used it.

    One that is well has nothing to say when it is not asked, which costs no round trip to see.
    """
    said = select.poll()
    said.register(connection.fileno(), select.POLLIN)
    if said.poll(0):
        raise DisconnectionError("the server ended this connection")
