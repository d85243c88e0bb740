"""Dagster's own state: where it is and how a process of ours comes to it.

Belongs here: `$TIEOUT_HOME/dagster` as DAGSTER_HOME, Dagster's database and the variables that `dagster.yaml` reads.
What runs on the instance is in `pipelines/definitions.py`, which processes serve it is in `pipelines/up.py`.

As a script it runs any command on Tieout's instance, with the embedded server up for as long:
`python -m pipelines.instance dagster dev -m pipelines.definitions`.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from resources.errors import ErrorKind, TieoutError
from resources.settings import Settings, load_settings
from resources.stores.embedded import Server, ensure_running

if TYPE_CHECKING:
    from dagster import DagsterInstance

CONFIGURATION = Path(__file__).parents[1] / "dagster.yaml"
EMBEDDED_DATABASE = "dagster"
DATABASE_SUFFIX = "_dagster"
CONNECT_SECONDS_MAX = 10
# One of each of Dagster's three storages; it makes them at the first use and not safely from several processes at once.
TABLES_OF_DAGSTER = ("runs", "event_logs", "instigators")


def instance_environment(settings: Settings, server: Server | None) -> dict[str, str]:
    """Prepare DAGSTER_HOME and Dagster's database, and return what a Dagster process needs in its environment.

    `server` is None where TIEOUT_DATABASE_URL names one. Raises TieoutError if the database cannot be reached or made.
    """
    home = settings.home / "dagster"
    logs = home / "compute_logs"
    logs.mkdir(parents=True, exist_ok=True)
    _copy_when_changed(CONFIGURATION, home / "dagster.yaml")
    url = _database_url(settings, server)
    _make_database(url)
    return {
        "TIEOUT_HOME": str(settings.home),
        "DAGSTER_HOME": str(home),
        "TIEOUT_DAGSTER_PG_URL": url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False),
        "TIEOUT_COMPUTE_LOG_DIR": str(logs),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        # Rides out a code server that is busy starting runs; Dagster's default gives up after 60.
        "DAGSTER_GRPC_TIMEOUT_SECONDS": "180",
        "GX_ANALYTICS_ENABLED": "false",
    }


def open_instance(settings: Settings, server: Server | None) -> DagsterInstance:
    """The instance for jobs that run in this process; sets this process's environment, because `dagster.yaml` reads it.

    Use as a context manager. The first time ever it makes Dagster's tables, which takes three seconds.
    """
    os.environ.update(instance_environment(settings, server))
    from dagster import DagsterInstance

    with _one_at_a_time(settings):
        instance = DagsterInstance.get()
        if not has_tables(os.environ["TIEOUT_DAGSTER_PG_URL"]):
            _touch_every_storage(instance)
    return instance


def prepare_instance(settings: Settings, server: Server | None) -> dict[str, str]:
    """As `instance_environment`, with Dagster's tables made as well, so that several processes may start at once."""
    environment = instance_environment(settings, server)
    if not has_tables(environment["TIEOUT_DAGSTER_PG_URL"]):
        with open_instance(settings, server):
            pass
    return environment


def run_on_instance(command: Sequence[str]) -> int:
    """Run `command` with the instance's environment and return its exit code; Ctrl-C is for the command to answer."""
    settings = load_settings()
    with nullcontext() if settings.database_url else ensure_running(settings.home) as server:
        process = subprocess.Popen(command, env={**os.environ, **prepare_instance(settings, server)})
        # Only now: a child inherits what is ignored, and Dagster would then be deaf to SIGTERM as well.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return process.wait()


def has_tables(url: str) -> bool:
    """Whether Dagster has made its tables in the database at `url` (SQLAlchemy's form)."""
    with _connect(make_url(url)) as connection:
        found = connection.execute(
            "select count(*) from pg_tables where schemaname = 'public' and tablename = any(%s)",
            [list(TABLES_OF_DAGSTER)],
        ).fetchone()
    return found == (len(TABLES_OF_DAGSTER),)


def _touch_every_storage(instance: DagsterInstance) -> None:
    instance.get_runs_count()
    instance.all_asset_keys()
    instance.all_instigator_state()


@contextmanager
def _one_at_a_time(settings: Settings) -> Iterator[None]:
    with (settings.home / "dagster" / "instance.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _copy_when_changed(source: Path, target: Path) -> None:
    content = source.read_bytes()
    if not target.exists() or target.read_bytes() != content:
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        draft.write_bytes(content)
        draft.replace(target)


def _database_url(settings: Settings, server: Server | None) -> URL:
    """Dagster's database: a second one on the same server. On a shared server its name says whose it is."""
    if server is not None:
        return make_url(server.url("owner", EMBEDDED_DATABASE))
    if settings.database_url is None:
        raise ValueError("neither an embedded server nor TIEOUT_DATABASE_URL is given")
    url = make_url(settings.database_url)
    return url.set(database=f"{url.database}{DATABASE_SUFFIX}")


def _make_database(url: URL) -> None:
    name = str(url.database)
    for beside in ("postgres", name.removesuffix(DATABASE_SUFFIX)):
        try:
            with _connect(url.set(database=beside)) as connection:
                if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                    connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
                return
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            # Another process made it in the same moment.
            return
        except psycopg.errors.InsufficientPrivilege as error:
            raise TieoutError(
                ErrorKind.AUTHORIZATION,
                doing=f"making the database {name} for Dagster's own state",
                found=str(error).strip(),
                expected="a role that may create databases",
                next_step=f'have an administrator run: create database "{name}" owner "{url.username}"',
            ) from error
        except psycopg.OperationalError as error:
            unreachable = error
    raise TieoutError(
        ErrorKind.CONNECTION,
        doing=f"connecting to the database server {url.host}:{url.port or 5432} for Dagster's own state",
        found=str(unreachable).strip().splitlines()[0],
        expected="a PostgreSQL that accepts this login",
        next_step="check TIEOUT_DATABASE_URL and that the server runs",
    ) from unreachable


def _connect(url: URL) -> psycopg.Connection:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=CONNECT_SECONDS_MAX)


if __name__ == "__main__":
    try:
        sys.exit(run_on_instance(sys.argv[1:] or ["dagster", "instance", "info"]))
    except TieoutError as error:
        sys.exit(str(error))
