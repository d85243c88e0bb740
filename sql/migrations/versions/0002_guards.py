"""What the tables do by themselves: versions, history, tenants kept apart, and who may do what."""

import sqlalchemy as sa
from alembic import op

from sql.guards import HISTORY_SUFFIX, grant_to_app, guard, keep_in_row, let_the_fleet_read

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SCHEMAS = ("mirror", "ledger", "sync", "reconciliation")
# Read across tenants by whoever schedules work: they say that something is due, never what is in it.
FLEET_TABLES = ("sync.connections", "sync.runs", "sync.cursors")
# No tenant's rows: names of work, of tenants and of roles, and call limits that a company's tenants share.
SHARED_TABLES = ("sync.leases", "sync.api_slots", "sync.tenants", "sync.role_tenants", "sync.schema_version")

OWN_TABLES = (
    "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE' "
    "and table_schema in ('mirror', 'ledger', 'sync', 'reconciliation')"
)

FUNCTIONS = """
create function sync.current_tenant() returns text
language sql stable security definer set search_path = pg_catalog as $$
  select coalesce(
    (select tenant_id from sync.role_tenants where role_name = session_user),
    case when pg_has_role(session_user, 'tieout_app', 'member')
         then nullif(current_setting('tieout.tenant', true), '') end
  )
$$;
comment on function sync.current_tenant() is
  'Whose rows this session may see: the tenant its login is bound to, else, for a login of the application, the one its transaction named.';

create function sync.count_version() returns trigger language plpgsql as $$
begin
  new.version := old.version + 1;
  new.changed_at := now();
  return new;
end
$$;

create function sync.touch() returns trigger language plpgsql as $$
begin
  new.changed_at := now();
  return new;
end
$$;

create function sync.keep_history() returns trigger language plpgsql as $$
begin
  execute format(
    'insert into %I.%I (%s) select %s from replaced',
    tg_table_schema, tg_table_name || '_history', tg_argv[0], tg_argv[0]
  );
  return null;
end
$$;
"""


def _rows(query: str) -> list[tuple]:
    return [tuple(row) for row in op.get_bind().execute(sa.text(query))]


def upgrade() -> None:
    op.execute(FUNCTIONS)
    for schema in SCHEMAS:
        op.execute(f"grant usage on schema {schema} to tieout_app")
    for schema, table in _rows(OWN_TABLES):
        if f"{schema}.{table}" in SHARED_TABLES:
            grant_to_app(schema, table)
        elif not table.endswith(HISTORY_SUFFIX):
            guard(schema, table)
    for name in FLEET_TABLES:
        let_the_fleet_read(*name.split("."))
    keep_in_row("sync", "bindings")
    op.execute("revoke insert, update, delete on sync.schema_version, sync.role_tenants from tieout_app")
    op.execute("revoke update, delete on sync.tenants from tieout_app")


def downgrade() -> None:
    for schema, table, policy in _rows(
        "select schemaname, tablename, policyname from pg_policies "
        "where schemaname in ('mirror', 'ledger', 'sync', 'reconciliation')"
    ):
        op.execute(f"drop policy {policy} on {schema}.{table}")
        op.execute(f"alter table {schema}.{table} no force row level security")
        op.execute(f"alter table {schema}.{table} disable row level security")
    op.execute("drop function sync.keep_history() cascade")
    op.execute("drop function sync.count_version() cascade")
    op.execute("drop function sync.touch() cascade")
    op.execute("drop function sync.current_tenant() cascade")
    for schema in SCHEMAS:
        op.execute(f"revoke all on all sequences in schema {schema} from tieout_app")
        op.execute(f"revoke all on all tables in schema {schema} from tieout_app")
        op.execute(f"revoke all on schema {schema} from tieout_app")
