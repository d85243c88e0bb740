"""Migrations: up, down, up again over data, equal to the specs, one clear message when the database is not there."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from resources.errors import ErrorKind, TieoutError
from resources.stores import errors
from resources.stores.embedded import free_port
from resources.stores.migrate import downgrade, migrate, pending_revisions
from resources.stores.tables import metadata

OUR_SCHEMAS = ("ledger", "mirror", "sync", "reconciliation")


def shape(database) -> list[tuple]:
    """Every column, index, trigger and policy of the product's schemas."""
    with database.connect() as db:
        return [
            *db.execute(
                "select table_schema, table_name, column_name, data_type, is_nullable, column_default "
                "from information_schema.columns where table_schema = any(%s) order by 1, 2, 3",
                ([*OUR_SCHEMAS, "analytics"],),
            ),
            *db.execute(
                "select schemaname, indexname, indexdef from pg_indexes where schemaname = any(%s) order by 1, 2",
                (list(OUR_SCHEMAS),),
            ),
            *db.execute("select tgrelid::regclass::text, tgname from pg_trigger where not tgisinternal order by 1, 2"),
            *db.execute("select schemaname, tablename, policyname, qual from pg_policies order by 1, 2, 3"),
        ]


def differences(database) -> list:
    engine = sa.create_engine(
        sa.engine.make_url(database.url()).set(drivername="postgresql+psycopg"), poolclass=sa.pool.NullPool
    )
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_schemas": True,
                "include_name": lambda name, kind, parents: name in OUR_SCHEMAS if kind == "schema" else True,
                "version_table": "schema_version",
                "version_table_schema": "sync",
            },
        )
        return compare_metadata(context, metadata)


def test_the_migrated_tables_are_the_ones_the_specs_describe(migrated):
    assert differences(migrated) == []


def test_a_second_run_changes_nothing(migrated):
    before = shape(migrated)
    assert pending_revisions(migrated.url()) == []
    migrate(migrated.url())
    assert shape(migrated) == before


def test_down_to_nothing_and_up_again_is_the_same_database(fresh_database):
    migrate(fresh_database.url())
    built = shape(fresh_database)
    with fresh_database.connect() as db:
        db.execute("set role tieout_owner")
        db.execute("create schema theirs")
        db.execute("create table theirs.keep as select 1 as one")

    downgrade(fresh_database.url())

    assert shape(fresh_database) == [row for row in built if row[0] == "sync" and "schema_version" in row[1]]
    assert pending_revisions(fresh_database.url())
    migrate(fresh_database.url())
    assert shape(fresh_database) == built
    with fresh_database.connect() as db:
        db.execute("set role tieout_owner")
        assert db.execute("select one from theirs.keep").fetchone() == (1,)


def test_steps_over_populated_tables_keep_their_rows(migrated, transaction):
    with transaction() as tx:
        tx.execute(
            "insert into mirror.terms (connection, external_id, tenant_id, content_hash, payload) "
            "values ('qbo', '1', 'default', '', '{}')"
        )
        tx.execute(
            "insert into ledger.customers (tenant_id, name, currency, changed_by) values ('default', 'A', 'USD', 'me')"
        )

    downgrade(migrated.url(), "0001")
    migrate(migrated.url())

    with transaction() as tx:
        assert tx.execute("select count(*) from mirror.terms").fetchone() == (1,)
        assert tx.execute("update ledger.customers set name = 'B' returning version").fetchone() == (2,)
        assert tx.execute("select name from ledger.customers_history").fetchone() == ("A",)
        assert tx.execute("select open_amount from analytics.customer_balances").fetchone() == (0,)


def test_runs_of_every_tenant_that_ended_before_are_counted_too(migrated, transaction):
    downgrade(migrated.url(), "0034")
    for tenant in ("default", "other"):
        with transaction(tenant) as tx:
            tx.cursor().executemany(
                "insert into sync.runs (tenant_id, connection, kind, outcome) values (%s, 'qbo', 'delta', %s)",
                [(tenant, '{"bills": {"pulled": 2}, "items": {"pulled": 3}}'), (tenant, "{}"), (tenant, None)],
            )

    migrate(migrated.url())

    for tenant in ("default", "other"):
        with transaction(tenant) as tx:
            rows = tx.execute("select pulled_count from sync.runs order by run_id").fetchall()
        assert rows == [(5,), (0,), (None,)]


def test_companies_that_two_tenants_had_connected_are_named_before_anything_is_changed(migrated, transaction):
    downgrade(migrated.url(), "0029")
    for tenant, name in (("default", "ours"), ("other", "theirs")):
        with transaction(tenant) as tx:
            tx.execute("insert into sync.tenants (tenant_id) values (%s) on conflict do nothing", (tenant,))
            tx.execute(
                "insert into sync.connections (connection, tenant_id, erp, settings, partition_key, "
                "pull_interval_seconds) values (%s, %s, 'quickbooks', '{\"realm_id\": \"1\"}', %s, 300)",
                (name, tenant, name),
            )

    with pytest.raises(TieoutError, match=r"connected more than once \(quickbooks 1 is ours and theirs\)"):
        migrate(migrated.url())

    assert pending_revisions(migrated.url())[0] == "0030"
    with transaction("other") as tx:
        tx.execute("update sync.connections set state = 'removed'")
    migrate(migrated.url())
    with transaction("default") as tx:
        assert tx.execute("select company_id from sync.connections").fetchone() == ("1",)


def test_a_row_that_was_two_records_stays_the_first_and_the_other_is_for_the_next_merge(migrated, transaction):
    downgrade(migrated.url(), "0036")
    with transaction() as tx:
        for external_id, minute in (("8", 2), ("7", 1)):
            tx.execute(
                "insert into sync.bindings (connection, tenant_id, entity, external_id, ledger_id, ledger_version, "
                "bound_at) values ('qbo', 'default', 'customers', %s, 1, 1, make_timestamptz(2026, 1, 1, 0, %s, 0))",
                (external_id, minute),
            )

    migrate(migrated.url())

    with transaction() as tx:
        assert tx.execute("select external_id from sync.bindings").fetchall() == [("7",)]
        assert errors.held_ids(tx, "qbo", "customers", "merge") == ["8"]
    downgrade(migrated.url(), "0036")
    with transaction() as tx:
        assert tx.execute("select external_id from sync.bindings").fetchall() == [("7",)]
    migrate(migrated.url())


def test_an_unreachable_database_is_one_clear_message_without_the_password():
    port = free_port()
    with pytest.raises(TieoutError) as failure:
        migrate(f"postgresql://someone:very-secret@127.0.0.1:{port}/books")
    assert failure.value.kind is ErrorKind.CONNECTION
    assert f"someone@127.0.0.1:{port}/books" in str(failure.value)
    assert "very-secret" not in str(failure.value)
    assert "TIEOUT_DATABASE_URL" in failure.value.next_step


def test_a_login_that_may_not_make_roles_is_told_what_to_ask_for(fresh_database):
    with fresh_database.connect("superuser") as db:
        db.execute("create role test_powerless login password 'weak'")
    try:
        url = fresh_database.url().split("@")[1]
        with pytest.raises(TieoutError) as failure:
            migrate(f"postgresql://test_powerless:weak@{url}")
        assert failure.value.kind is ErrorKind.AUTHORIZATION
        assert "grant tieout_owner, tieout_app to test_powerless" in failure.value.next_step
    finally:
        with fresh_database.connect("superuser") as db:
            db.execute("drop role test_powerless")
