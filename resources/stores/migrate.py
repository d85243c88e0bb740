"""Bringing a database to the shape of this version: roles, migrations, views.

Works on any PostgreSQL 15 or later whose login may create roles (the embedded server's owner, a superuser, a managed
server's administrator). Migrations run as `tieout_owner`, which is no superuser and subject to row-level security.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg import sql

from resources.errors import ErrorKind, TieoutError
from resources.stores.database import ANALYST_ROLE, APP_ROLE, FLEET_ROLE, OWNER_ROLE, WRITER_ROLE, unreachable
from resources.stores.views import views
from sql.instants import create_instants, drop_instants

_FOLDER = Path(__file__).parents[2] / "sql"
SERVER_VERSION_MIN = 150_000
# A transaction of an outsider that nobody works in keeps its rows from every sync, until it is ended.
WRITER_IDLE_TIMEOUT = "10min"
_ROLES = (OWNER_ROLE, APP_ROLE, ANALYST_ROLE, WRITER_ROLE, FLEET_ROLE)


def migrate(url: str, revision: str = "head") -> None:
    """Create what is missing and upgrade to `revision`. Safe to repeat; a TieoutError names the statement to run."""
    _prepare(url)
    try:
        with _owner_engine(url).begin() as connection:
            _drop_views(connection)
            config = _config(connection)
            command.upgrade(config, revision)
            if revision == "head":
                _create_views(connection)
    except sa.exc.DBAPIError as error:
        # What a migration says itself, of rows that it cannot do anything with.
        if isinstance(error.orig, psycopg.errors.RaiseException):
            said = error.orig.diag.message_primary or ""
            found, _, rest = said.partition(", expected ")
            expected, _, next_step = rest.partition(": ")
            raise TieoutError(
                ErrorKind.VALIDATION,
                doing="migrating the database",
                found=found,
                expected=expected,
                next_step=next_step,
            ) from error
        raise


def downgrade(url: str, revision: str = "base") -> None:
    """Undo migrations down to `revision`; data in what is dropped is lost, everything else stays."""
    with _owner_engine(url).begin() as connection:
        _drop_views(connection)
        command.downgrade(_config(connection), revision)


def pending_revisions(url: str) -> list[str]:
    """The migrations this database has not had, oldest first; empty when it is up to date."""
    script = ScriptDirectory.from_config(_config(None))
    with _owner_engine(url).connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": "schema_version", "version_table_schema": "sync"}
        )
        current = context.get_current_revision()
    return [r.revision for r in reversed(list(script.iterate_revisions("head", current or "base")))]


def _config(connection: sa.Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _owner_engine(url: str) -> sa.Engine:
    target = sa.engine.make_url(url).set(drivername="postgresql+psycopg")
    return sa.create_engine(
        target, poolclass=sa.pool.NullPool, connect_args={"options": f"-c role={OWNER_ROLE} -c timezone=UTC"}
    )


def _prepare(url: str) -> None:
    try:
        login = psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise unreachable(url, error) from error
    with login:
        if login.info.server_version < SERVER_VERSION_MIN:
            raise TieoutError(
                ErrorKind.VALIDATION,
                doing="preparing the database",
                found=f"PostgreSQL {login.info.server_version // 10_000}",
                expected="PostgreSQL 15 or later",
                next_step="upgrade the server, or point TIEOUT_DATABASE_URL at another",
            )
        try:
            _create_roles(login)
        except psycopg.errors.InsufficientPrivilege as error:
            raise TieoutError(
                ErrorKind.AUTHORIZATION,
                doing="creating the database roles",
                found=str(error).splitlines()[0],
                expected=f"a login that may create roles, or the roles {', '.join(_ROLES)}",
                next_step=f"have an administrator run: {'; '.join(f'create role {role}' for role in _ROLES)}; "
                f"grant {FLEET_ROLE} to {APP_ROLE}; grant {OWNER_ROLE}, {APP_ROLE} to {login.info.user};",
            ) from error


def _create_roles(login: psycopg.Connection) -> None:
    # Until PostgreSQL 16 every member of a role may act as it.
    may_act_as = "set" if login.info.server_version >= 160_000 else "member"
    for role in _ROLES:
        name = sql.Identifier(role)
        if not login.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone():
            # Roles are the server's, and another database of it may be prepared in this moment.
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                login.execute(sql.SQL("create role {} nologin").format(name))
        if (
            role in (OWNER_ROLE, APP_ROLE)
            and not login.execute("select pg_has_role(%s, %s)", (role, may_act_as)).fetchone()[0]
        ):  # type: ignore[index]
            login.execute(sql.SQL("grant {} to current_user").format(name))
    if not login.execute("select pg_has_role(%s, %s, %s)", (APP_ROLE, FLEET_ROLE, may_act_as)).fetchone()[0]:  # type: ignore[index]
        login.execute(sql.SQL("grant {} to {}").format(sql.Identifier(FLEET_ROLE), sql.Identifier(APP_ROLE)))
    database = sql.Identifier(login.info.dbname)
    owner = sql.Identifier(OWNER_ROLE)
    has_create = login.execute(
        "select has_database_privilege(%s, current_database(), 'create')", (OWNER_ROLE,)
    ).fetchone()
    if not has_create[0]:  # type: ignore[index]
        login.execute(sql.SQL("grant create, connect, temporary on database {} to {}").format(database, owner))


def _drop_views(connection: sa.Connection) -> None:
    connection.execute(sa.text("drop schema if exists analytics cascade"))
    drop_instants(connection)


def _create_views(connection: sa.Connection) -> None:
    """Recreate schema `analytics`, each view after those it reads."""
    create_instants(connection)
    connection.execute(sa.text("create schema analytics"))
    for view in views():
        connection.exec_driver_sql(view.text.replace("%", "%%"))
    connection.execute(sa.text(f"grant usage on schema analytics to {ANALYST_ROLE}, {APP_ROLE}"))
    connection.execute(sa.text(f"grant select on all tables in schema analytics to {ANALYST_ROLE}, {APP_ROLE}"))


def bind_analyst(url: str, tenant: str) -> None:
    """Let the analyst role see this tenant's rows, unless it is bound to another already."""
    _bind(url, ANALYST_ROLE, tenant)
    # As in our own sessions: the views are quicker run than compiled.
    _set(url, ANALYST_ROLE, "jit", "off")


def bind_writer(url: str, tenant: str) -> None:
    """Let the writer role see and write this tenant's rows of the ledger, unless it is bound to another already."""
    _bind(url, WRITER_ROLE, tenant)
    _set(url, WRITER_ROLE, "idle_in_transaction_session_timeout", WRITER_IDLE_TIMEOUT)


def _set(url: str, role: str, setting: str, value: str) -> None:
    """What the sessions of a role begin with in this database."""
    with psycopg.connect(url, autocommit=True) as login, suppress(psycopg.errors.InsufficientPrivilege):
        # Where an administrator made the roles, they may say it themselves.
        login.execute(
            sql.SQL("alter role {} in database {} set {} = {}").format(
                sql.Identifier(role), sql.Identifier(login.info.dbname), sql.Identifier(setting), sql.Literal(value)
            )
        )


def _bind(url: str, role: str, tenant: str) -> None:
    with _owner_engine(url).begin() as connection:
        connection.execute(
            sa.text("insert into sync.tenants (tenant_id) values (:tenant) on conflict do nothing"), {"tenant": tenant}
        )
        connection.execute(
            sa.text(
                "insert into sync.role_tenants (role_name, tenant_id) values (:role, :tenant) on conflict do nothing"
            ),
            {"role": role, "tenant": tenant},
        )
