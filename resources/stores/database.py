"""One pool of connections to our Postgres, and the only way to open a transaction on it.

Every transaction says whose rows it may see: row-level security reads the tenant from it and shows nothing without one.
Work runs as the role `tieout_app`, which owns nothing and bypasses nothing, whoever logged in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from resources.errors import ErrorKind, TieoutError

APP_ROLE = "tieout_app"
OWNER_ROLE = "tieout_owner"
ANALYST_ROLE = "tieout_analyst"
# Writes ledger rows as any program of the company may; what it writes is noted and pushed.
WRITER_ROLE = "tieout_writer"

# Finds due work in every tenant: reads the names, states and times that takes, and nothing else.
FLEET_ROLE = "tieout_fleet"

# The tenant that stands for all of them.
FLEET = "*"

_CONNECT_SECONDS = 10


class Database:
    """Hands out transactions for one tenant. Close it when done; it may be used from many threads."""

    def __init__(self, url: str, *, connections_max: int = 20, role: str = APP_ROLE) -> None:
        self.url = url
        self._conninfo = make_conninfo(
            url, options=f"-c role={role} -c timezone=UTC -c search_path=pg_catalog", connect_timeout=_CONNECT_SECONDS
        )
        # The pool would try for half a minute and then hide why.
        try:
            psycopg.connect(self._conninfo).close()
        except psycopg.OperationalError as error:
            raise unreachable(url, error) from error
        self._pool = ConnectionPool(self._conninfo, min_size=0, max_size=connections_max, open=True, timeout=30)

    @contextmanager
    def transaction(self, tenant: str) -> Iterator[psycopg.Connection[Any]]:
        """A transaction that sees one tenant's rows; commits at the end of the block, rolls back when it raises.

        With FLEET for the tenant it acts as the fleet's role.
        """
        try:
            connection = self._pool.getconn()
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise unreachable(self.url, error) from error
        try:
            with connection.transaction():
                connection.execute("select set_config('tieout.tenant', %s, true)", (tenant,))
                if tenant == FLEET:
                    connection.execute(f"set local role {FLEET_ROLE}")
                yield connection
        finally:
            self._pool.putconn(connection)

    def close(self) -> None:
        self._pool.close()


def unreachable(url: str, error: Exception) -> TieoutError:
    """The database cannot be reached: one clear message, without the password."""
    info = psycopg.conninfo.conninfo_to_dict(url)
    where = f"{info.get('user', '?')}@{info.get('host', '?')}:{info.get('port', '5432')}/{info.get('dbname', '?')}"
    return TieoutError(
        kind=ErrorKind.CONNECTION,
        doing=f"connecting to the database {where}",
        found=str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
        expected="a PostgreSQL 15 or later that answers",
        next_step="start it, or correct TIEOUT_DATABASE_URL; `tieout doctor` checks it",
    )
