"""Who schedules work sees that there is some, never what; a row names a company there is, or its tenant's only one."""

from alembic import op

from sql.guards import FLEET_ROLE, let_the_fleet_read, let_the_fleet_see

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# What finding due work takes: names, ids, kinds, states and times. A connection's row holds nothing secret and no books.
SEEN = {
    "connections": (),
    "edits": ("tenant_id", "entity", "ledger_id", "version", "connection", "looked_at"),
    "outbox": ("tenant_id", "connection", "entity", "ledger_id", "state", "due_at"),
    "conflicts": ("conflict_id", "tenant_id", "connection", "entity", "ledger_id", "state", "changed_at", "checked_at"),
    "switches": ("tenant_id", "connection", "module", "direction"),
}
# Read by nobody who works for the fleet.
UNSEEN = ("runs", "cursors")

MASTER_DATA = ("customers", "vendors", "items")
DOCUMENTS = (
    "invoices",
    "credit_memos",
    "payments",
    "bills",
    "vendor_credits",
    "bill_payments",
    "purchase_orders",
)

# Runs with its owner's rights: an outsider may not read schema sync.
FUNCTION = """
create function sync.find_company() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
declare
  companies text[];
begin
  if tg_op = 'UPDATE' and new.connection is not distinct from old.connection then
    return new;
  end if;
  if new.connection is not null then
    perform from sync.connections c
      where c.connection = new.connection and c.tenant_id = new.tenant_id and c.state <> 'removed';
    if found then
      return new;
    end if;
  end if;
  select array_agg(c.connection order by c.connection) into companies from sync.connections c
   where c.tenant_id = new.tenant_id and c.state <> 'removed';
  if new.connection is not null then
    raise exception 'writing ledger.%: found connection %, expected %: it would wait for a company that is not '
      'connected', tg_table_name, new.connection, coalesce(array_to_string(companies, ' or '), 'none yet')
      using errcode = 'foreign_key_violation';
  end if;
  -- Master data waits for the first document that needs it, in whichever company; a document is one company's.
  if tg_argv[0] = 'document' then
    if cardinality(companies) > 1 then
      raise exception 'writing ledger.%: found no connection, expected %: a document belongs to one company',
        tg_table_name, array_to_string(companies, ' or ') using errcode = 'not_null_violation';
    end if;
    new.connection := companies[1];
  end if;
  return new;
end
$$;
"""


def upgrade() -> None:
    op.execute(f"grant usage on schema sync to {FLEET_ROLE}")
    op.execute(f"grant select (tenant_id) on sync.tenants to {FLEET_ROLE}")
    for table in (*SEEN, *UNSEEN):
        op.execute(f"drop policy whole_fleet on sync.{table}")
    for table, columns in SEEN.items():
        let_the_fleet_see("sync", table, columns)
    op.execute(FUNCTION)
    for kind, tables in (("master data", MASTER_DATA), ("document", DOCUMENTS)):
        for table in tables:
            op.execute(
                f"create trigger find_company before insert or update of connection on ledger.{table} "
                f"for each row when (not sync.is_sync()) execute function sync.find_company('{kind}')"
            )


def downgrade() -> None:
    op.execute("drop function sync.find_company() cascade")
    for table in SEEN:
        op.execute(f"drop policy whole_fleet on sync.{table}")
    for table in (*SEEN, *UNSEEN):
        let_the_fleet_read("sync", table)
    op.execute(f"revoke all on all tables in schema sync from {FLEET_ROLE}")
    op.execute(f"revoke all on schema sync from {FLEET_ROLE}")
