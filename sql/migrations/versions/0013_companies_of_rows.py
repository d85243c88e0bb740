"""A row that stands for a record of one company is not moved to another one."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ENTITIES = (
    "customers",
    "vendors",
    "items",
    "invoices",
    "credit_memos",
    "payments",
    "bills",
    "vendor_credits",
    "bill_payments",
    "purchase_orders",
)

# Runs with its owner's rights: an outsider may not read schema sync. An intent under way may have made the record.
FUNCTION = """
create function sync.refuse_move() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
declare
  bound text;
begin
  select b.connection into bound from sync.bindings b
   where b.connection = coalesce(old.connection, b.connection) and b.entity = tg_table_name
     and b.ledger_id = old.ledger_id and b.connection is distinct from new.connection
  union all
  select o.connection from sync.outbox o
   where o.connection = coalesce(old.connection, o.connection) and o.entity = tg_table_name
     and o.ledger_id = old.ledger_id and o.connection is distinct from new.connection and o.state in ('sent', 'waiting')
   limit 1;
  if bound is not null then
    raise exception 'changing ledger.% %: found connection %, expected %, where the record is: delete this row and make '
      'another for the other company', tg_table_name, old.ledger_id, coalesce(new.connection, 'nothing'), bound
      using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
"""


def upgrade() -> None:
    op.execute(FUNCTION)
    for entity in ENTITIES:
        op.execute(
            f"create trigger refuse_move before update of connection on ledger.{entity} for each row "
            "when (not sync.is_sync() and old.connection is distinct from new.connection) "
            "execute function sync.refuse_move()"
        )


def downgrade() -> None:
    op.execute("drop function sync.refuse_move() cascade")
