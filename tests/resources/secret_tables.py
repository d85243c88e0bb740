"""A database that holds nothing but the tables of secrets, tokens and call limits, and transactions on it.

Belongs here: what the tests of those tables share, also in processes of their own. The migrations have their own tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
from psycopg_pool import ConnectionPool
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from resources.crypto import LocalMasterKey
from resources.stores.tables_secrets import SCHEMA, define_secret_tables
from resources.stores.vault import Transaction

TENANT = "acme"
MASTER_KEY = bytes(range(32))


def prepare(database) -> None:
    """Create the tables, with row-level security as the migrations have it."""
    metadata = sa.MetaData()
    define_secret_tables(metadata)
    dialect = postgresql.dialect()
    with database.connect() as db:
        db.execute(f"create schema {SCHEMA}")
        for table in metadata.sorted_tables:
            db.execute(str(CreateTable(table).compile(dialect=dialect)))
            for index in table.indexes:
                db.execute(str(CreateIndex(index).compile(dialect=dialect)))
            if table.name == "master_keys":
                db.execute(f"insert into {table.fullname} (key_id) values (%s)", (LocalMasterKey(MASTER_KEY).key_id,))
            if "tenant_id" in table.c:
                db.execute(f"alter table {table.fullname} enable row level security, force row level security")
                db.execute(
                    f"create policy tenant on {table.fullname} using (tenant_id = current_setting('tieout.tenant'))"
                )


def emptied(database):
    """The same database without rows: for one test after another, cheaper than a new one."""
    with database.connect("superuser") as db:
        db.execute("truncate sync.secrets, sync.token_attempts, sync.token_journal, sync.api_slots")
    return database


@contextmanager
def transactions(url: str, tenant: str = TENANT, *, connections_max: int = 4) -> Iterator[Transaction]:
    """Yields what opens transactions for one tenant, from a pool of this process."""
    with ConnectionPool(url, min_size=1, max_size=connections_max, open=True) as pool:

        @contextmanager
        def transaction() -> Iterator[psycopg.Connection]:
            with pool.connection() as connection, connection.transaction():
                connection.execute("select set_config('tieout.tenant', %s, true)", (tenant,))
                yield connection

        yield transaction
