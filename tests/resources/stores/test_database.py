"""One pool for long: the server may be restarted under it, and whoever works next does not notice."""

from __future__ import annotations

import time
from contextlib import ExitStack

import psycopg

from resources.stores.database import Database
from tests.conftest import ScratchDatabase

WHO = "select pg_backend_pid()"


def test_a_connection_that_the_server_dropped_while_nobody_used_it_is_replaced(fresh_database: ScratchDatabase):
    database = Database(fresh_database.url(), role="tieout_owner")
    try:
        with database.transaction("default") as one, database.transaction("default") as two:
            before = {one.execute(WHO).fetchone(), two.execute(WHO).fetchone()}
        drop_all_others(fresh_database)

        with database.transaction("default") as one, database.transaction("default") as two:
            after = {one.execute(WHO).fetchone(), two.execute(WHO).fetchone()}
    finally:
        database.close()

    assert len(before) == len(after) == 2
    assert not before & after


def test_however_many_the_server_dropped_nobody_waits_for_each_of_them(fresh_database: ScratchDatabase):
    database = Database(fresh_database.url(), role="tieout_owner")
    try:
        with ExitStack() as open_ones:
            for _ in range(4):
                open_ones.enter_context(database.transaction("default"))
        drop_all_others(fresh_database)

        began = time.monotonic()
        with database.transaction("default") as one:
            assert one.execute(WHO).fetchone()
    finally:
        database.close()

    assert time.monotonic() - began < 0.9


def drop_all_others(database: ScratchDatabase) -> None:
    with psycopg.connect(database.url("superuser"), autocommit=True) as superuser:
        superuser.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
