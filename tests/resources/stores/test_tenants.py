"""Tenants share tables and nothing else; the analyst sees one tenant's views and cannot talk itself into another's."""

from __future__ import annotations

from contextlib import suppress

import psycopg
import pytest
from psycopg import sql

from resources.stores.migrate import bind_analyst, bind_writer
from resources.stores.tables import metadata

SHARED_TABLES = {"sync.tenants", "sync.role_tenants"}
TABLES = sorted(
    f"{table.schema}.{table.name}"
    for table in metadata.tables.values()
    if "tenant_id" in table.c and f"{table.schema}.{table.name}" not in SHARED_TABLES
)
VALUES = {
    "text": "'x'",
    "bigint": "1",
    "integer": "1",
    "numeric": "1",
    "boolean": "true",
    "date": "'2026-01-05'",
    "timestamp with time zone": "now()",
    "json": "'{}'",
    "jsonb": "'{}'",
    "bytea": "''",
    "uuid": "gen_random_uuid()",
    "ARRAY": "'{}'",
}


def insert(tx, table: str, tenant: str) -> None:
    """A row of `tenant` with some value in every required column. Foreign keys are not checked: see `one_row_each`."""
    schema, name = table.split(".")
    columns = tx.execute(
        "select column_name, data_type from information_schema.columns where table_schema = %s and table_name = %s "
        "and is_nullable = 'NO' and column_default is null and is_identity = 'NO'",
        (schema, name),
    ).fetchall()
    values = [sql.Literal(tenant) if c == "tenant_id" else sql.SQL(VALUES[kind]) for c, kind in columns]
    if "tenant_id" not in [c for c, _ in columns]:
        columns, values = [*columns, ("tenant_id", "text")], [*values, sql.Literal(tenant)]
    tx.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(schema, name),
            sql.SQL(", ").join(sql.Identifier(c) for c, _ in columns),
            sql.SQL(", ").join(values),
        )
    )


@pytest.fixture
def one_row_each(migrated) -> None:
    """One row of tenant `default` in every table, whatever it would refer to."""
    with migrated.connect("superuser", autocommit=False) as db:
        db.execute("set session_replication_role = replica")
        for table in TABLES:
            insert(db, table, "default")
        db.commit()


def count(tx, table: str) -> int:
    return tx.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(*table.split(".")))).fetchone()[0]


def test_every_table_of_a_tenant_is_seen_by_that_tenant_only(one_row_each, transaction):
    assert len(TABLES) > 60
    with transaction("default") as tx:
        assert {table: count(tx, table) for table in TABLES} == dict.fromkeys(TABLES, 1)
    with transaction("other") as tx:
        assert {table: count(tx, table) for table in TABLES} == dict.fromkeys(TABLES, 0)


def test_without_a_tenant_there_are_no_rows(one_row_each, migrated):
    with migrated.connect() as db:
        db.execute("set role tieout_app")
        assert {table: count(db, table) for table in TABLES} == dict.fromkeys(TABLES, 0)


def test_even_the_owner_of_the_tables_is_held_to_one_tenant(one_row_each, migrated):
    with migrated.connect() as db:
        db.execute("set role tieout_owner")
        assert count(db, "ledger.customers") == 0
        db.execute("set tieout.tenant = 'other'")
        assert count(db, "ledger.customers") == 0


@pytest.mark.parametrize(
    "table", ["ledger.customers", "mirror.invoices", "sync.errors", "sync.secrets", "sync.cursors"]
)
def test_a_tenant_cannot_write_for_another_nor_change_or_delete_its_rows(one_row_each, transaction, table):
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction("other") as tx:
        insert(tx, table, "default")
    schema, name = table.split(".")
    with transaction("other") as tx:
        assert tx.execute(sql.SQL("delete from {}").format(sql.Identifier(schema, name))).rowcount == 0
    with transaction("default") as tx, pytest.raises(psycopg.errors.InsufficientPrivilege):
        tx.execute(sql.SQL("update {} set tenant_id = 'other'").format(sql.Identifier(schema, name)))


FLEET_SEES = {
    "sync.edits": {"tenant_id", "entity", "ledger_id", "version", "connection", "looked_at"},
    "sync.outbox": {"tenant_id", "connection", "entity", "ledger_id", "state", "due_at"},
    "sync.conflicts": {
        "conflict_id",
        "tenant_id",
        "connection",
        "entity",
        "ledger_id",
        "state",
        "changed_at",
        "checked_at",
    },
    "sync.deliveries": {"tenant_id", "state", "due_at"},
    "sync.switches": {"tenant_id", "connection", "module", "direction"},
    "sync.bindings": {"connection", "entity", "ledger_id", "ledger_version"},
    "sync.errors": {"connection", "entity", "external_id", "stage", "resolved_at"},
}


def test_the_fleet_sees_that_work_is_due_and_nothing_of_the_books(one_row_each, transaction):
    columns = {table: set(metadata.tables[table].c.keys()) for table in TABLES}
    seen: dict[str, set[str]] = {}
    for table in TABLES:
        for column in columns[table]:
            query = sql.SQL("select {} from {}").format(sql.Identifier(column), sql.Identifier(*table.split(".")))
            with suppress(psycopg.errors.InsufficientPrivilege), transaction("*") as tx:
                if tx.execute(query).fetchall():
                    seen.setdefault(table, set()).add(column)
    assert seen == {"sync.connections": columns["sync.connections"], **FLEET_SEES}


def test_the_application_sees_no_other_tenant_by_naming_all_of_them(one_row_each, migrated):
    with migrated.connect("app") as db:
        db.execute("select set_config('tieout.tenant', '*', false)")
        assert {table: count(db, table) for table in TABLES} == dict.fromkeys(TABLES, 0)


def test_the_fleet_writes_nothing(one_row_each, transaction):
    for table in ("sync.connections", *FLEET_SEES):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction("*") as tx:
            tx.execute(sql.SQL("delete from {}").format(sql.Identifier(*table.split("."))))


@pytest.fixture
def two_tenants(migrated, transaction) -> None:
    """A customer of tenant `default`, which the analyst is bound to, and one of another tenant."""
    for tenant in ("default", "other"):
        with transaction(tenant) as tx:
            tx.execute(
                "insert into ledger.customers (tenant_id, name, currency, changed_by) values (%s, %s, 'USD', 'me')",
                (tenant, f"Customer of {tenant}"),
            )


def seen_by(db) -> list[str]:
    return [name for (name,) in db.execute("select customer_name from analytics.customer_balances")]


def test_the_analyst_sees_the_views_of_its_tenant_and_no_table(two_tenants, migrated):
    with migrated.connect("analyst") as db:
        assert seen_by(db) == ["Customer of default"]
        for table in ("ledger.customers", "mirror.invoices", "sync.secrets", "sync.role_tenants"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(f"select * from {table}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("set role tieout_app")


def test_the_analyst_cannot_switch_to_another_tenant(two_tenants, migrated):
    with migrated.connect("analyst") as db:
        db.execute("select set_config('tieout.tenant', 'other', false)")
        assert seen_by(db) == ["Customer of default"]
        db.execute("select set_config('tieout.tenant', '*', false)")
        assert seen_by(db) == ["Customer of default"]
        bind_analyst(migrated.url(), "other")
        assert seen_by(db) == ["Customer of default"]


def test_an_analyst_bound_to_no_tenant_sees_nothing_whatever_it_says(two_tenants, migrated):
    with migrated.connect("superuser") as db:
        db.execute("delete from sync.role_tenants")
    with migrated.connect("analyst") as db:
        assert seen_by(db) == []
        db.execute("select set_config('tieout.tenant', 'other', false)")
        assert seen_by(db) == []


def test_a_transaction_of_the_writer_in_which_nobody_works_is_ended_at_some_time(migrated):
    for _ in range(2):
        bind_writer(migrated.url(), "default")

    with migrated.connect("writer") as db:
        assert db.execute("show idle_in_transaction_session_timeout").fetchone() == ("10min",)
