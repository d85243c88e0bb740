"""A PostgreSQL that somebody else runs and that has never heard of Tieout, from `tieout init` on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from resources.stores.cluster import ROLE_NAMES
from resources.stores.database import Database
from resources.stores.embedded import ensure_running
from tests.conftest import THROW_AWAY

ROOT = Path(__file__).parents[2]
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture
def administrator(tmp_path: Path) -> Iterator[psycopg.Connection]:
    """A superuser of it, in the postgres database."""
    with (
        ensure_running(tmp_path / "another", options=THROW_AWAY) as server,
        psycopg.connect(server.url("superuser", "postgres"), autocommit=True) as superuser,
    ):
        for role in ROLE_NAMES.values():
            if role != ROLE_NAMES["superuser"]:
                names = sql.Identifier(role), sql.Identifier(f"not_{role}")
                superuser.execute(sql.SQL("alter role {} rename to {}").format(*names))
        yield superuser


def test_a_new_server_is_made_ready_by_init_and_says_what_it_is_not_allowed(
    administrator: psycopg.Connection, tmp_path: Path
):
    administrator.execute("create role bookkeeper login createrole password 'pw'")
    administrator.execute("create database books owner bookkeeper")
    url = f"postgresql://bookkeeper:pw@127.0.0.1:{administrator.info.port}/books"

    def tieout(*arguments: str) -> subprocess.CompletedProcess[str]:
        settings = {"TIEOUT_HOME": str(tmp_path), "TIEOUT_DATABASE_URL": url, "TIEOUT_ENCRYPTION_KEY": KEY}
        command = [sys.executable, "-m", "pipelines.cli", *arguments]
        return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True)

    assert "run `tieout init`" in tieout("connections", "list").stderr
    # Dagster's own database is made beside it, which this login may not.
    refused = tieout("init").stderr
    statement = refused.partition("have an administrator run: ")[2].strip()
    assert statement == 'create database "books_dagster" owner "bookkeeper"', refused
    administrator.execute(statement)  # type: ignore[arg-type]
    ready = tieout("init")
    assert ready.returncode == 0, ready.stderr
    assert "Ready in" in ready.stdout
    assert tieout("connections", "list").returncode == 0

    # Whatever the server's own settings are, ours are what the statements were measured with.
    administrator.execute("alter database books set jit = on")
    db = Database(url)
    with db.transaction("default") as tx:
        assert tx.execute("show jit").fetchone() == ("off",)
    db.close()
    kept = administrator.execute("select setrole::regrole::text, setconfig from pg_db_role_setting where setrole > 0")
    assert dict(kept.fetchall()) == {
        "tieout_analyst": ["jit=off"],
        "tieout_writer": ["idle_in_transaction_session_timeout=10min"],
    }
