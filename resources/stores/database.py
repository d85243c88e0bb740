"""One pool of connections to our Postgres, and the only way to open a transaction on it.

Every transaction says whose rows it may see: row-level security reads the tenant from it and shows nothing without one.
Work runs as the role `tieout_app`, which owns nothing and bypasses nothing, whoever logged in.
"""

from __future__ import annotations

import select
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import sql
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

# Servers compile statements unless told otherwise, which for ours takes far longer than running them.
_SESSION = "-c timezone=UTC -c search_path=pg_catalog -c jit=off"


class Database:
    """Hands out transactions for one tenant. Close it when done; it may be used from many threads."""

    def __init__(self, url: str, *, connections_max: int = 20, role: str = APP_ROLE) -> None:
        self.url = url
        self._conninfo = make_conninfo(url, options=f"-c role={role} {_SESSION}", connect_timeout=_CONNECT_SECONDS)
        # The pool would try for half a minute and then hide why.
        try:
            psycopg.connect(self._conninfo).close()
        except psycopg.OperationalError as error:
            raise unreachable(url, error) from error
        self._pool = ConnectionPool(
            self._conninfo,
            kwargs={"autocommit": True},
            min_size=0,
            max_size=connections_max,
            open=True,
            timeout=30,
            check=self._look_at,
        )

    @contextmanager
    def transaction(
        self, tenant: str, *, is_frozen: bool = False, **settings: str
    ) -> Iterator[psycopg.Connection[Any]]:
        """A transaction that sees one tenant's rows; commits at the end of the block, rolls back when it raises.

        With FLEET for the tenant it acts as the fleet's role. Raising psycopg.Rollback rolls back and no more.
        `settings` are PostgreSQL's or ours, as long as it lasts. `is_frozen`: all of its statements see one state.
        """
        try:
            connection = self._pool.getconn()
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise unreachable(self.url, error) from error
        try:
            if tenant == FLEET:
                settings["role"] = FLEET_ROLE
            # Begun and set in one message: most transactions are a statement or two.
            connection.execute(_opening({"tieout.tenant": tenant, **settings}, is_frozen=is_frozen))
            try:
                yield connection
            except psycopg.Rollback:
                connection.rollback()
                return
            except BaseException:
                with suppress(psycopg.Error):
                    connection.rollback()
                raise
            connection.commit()
        finally:
            self._pool.putconn(connection)

    def _look_at(self, connection: psycopg.Connection[Any]) -> None:
        """Raises psycopg.OperationalError for a connection that the server ended while nobody used it: the pool then
        gives another. One that is well has nothing to say when it is not asked, which costs no round trip to see.
        """
        said = select.poll()
        said.register(connection.fileno(), select.POLLIN)
        if not said.poll(0):
            return
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.OperationalError:
            # The others most probably went with it. Each one found dead would have the pool wait, a second and longer.
            self._pool.drain()
            raise

    @property
    def connection_count(self) -> int:
        """How many connections this process has to the database just now."""
        return int(self._pool.get_stats().get("pool_size", 0))

    def close(self) -> None:
        self._pool.close()


def _opening(settings: Mapping[str, str], *, is_frozen: bool) -> sql.Composed:
    set_each = (
        sql.SQL("set_config({}, {}, true)").format(sql.Literal(name), sql.Literal(value))
        for name, value in settings.items()
    )
    begin = sql.SQL("begin isolation level repeatable read" if is_frozen else "begin")
    return sql.SQL("{}; select {}").format(begin, sql.SQL(", ").join(set_each))


def trust_keys(tx: psycopg.Connection[Any]) -> None:
    """Until the end of the transaction look everything up by its key, whatever the statistics say.

    During a first sync they know nothing of what is there. Even then a list of keys may be taken for a filter on some
    other index, so what looks up many says so itself: `lateral (... offset 0)` is done key by key. As no value changes
    the way, a statement is planned for all of them: a plan for each page would begin with copies of all that is in it.
    """
    tx.execute(
        "set local enable_seqscan = off; set local enable_bitmapscan = off; set local enable_sort = off; "
        "set local plan_cache_mode = force_generic_plan"
    )


def writers_in(tx: psycopg.Connection[Any], schema: str) -> list[str]:
    """Whose transactions have written rows of a schema just now, or locked them: `session 4711 (tieout_writer)`."""
    found = tx.execute(
        """
        select distinct a.pid, a.usename from pg_locks l
          join pg_class c on c.oid = l.relation join pg_stat_activity a on a.pid = l.pid
         where l.database = (select oid from pg_database where datname = current_database())
           and c.relnamespace = %s::regnamespace and l.granted and l.pid <> pg_backend_pid()
           and l.mode in ('RowShareLock', 'RowExclusiveLock')
         order by a.pid
        """,
        (schema,),
    )
    return [f"session {pid} ({name})" for pid, name in found]


def unreachable(url: str, error: Exception) -> TieoutError:
    """The database cannot be reached: one clear message, without the password."""
    info = psycopg.conninfo.conninfo_to_dict(url)
    where = f"{info.get('user', '?')}@{info.get('host', '?')}:{info.get('port', '5432')}/{info.get('dbname', '?')}"
    found = first_line(error)
    is_new = f'role "{APP_ROLE}" does not exist' in found
    return TieoutError(
        kind=ErrorKind.CONNECTION,
        doing=f"connecting to the database {where}",
        found=found,
        expected="a server that was made ready for Tieout" if is_new else "a PostgreSQL 15 or later that answers",
        next_step="run `tieout init`"
        if is_new
        else "start it, or correct TIEOUT_DATABASE_URL; `tieout doctor` checks it",
    )


def first_line(error: Exception) -> str:
    """What a driver's error says, without its hints; its name if it says nothing."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
