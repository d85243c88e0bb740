"""Documents refer to customers and vendors without a foreign key: the sync looks up what it writes, others are asked."""

from alembic import op

from sql.guards import keep_references

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Each document with the column that names its customer or vendor, and where those are.
REFERENCES = {
    "invoices": ("customer_id", "customers"),
    "credit_memos": ("customer_id", "customers"),
    "payments": ("customer_id", "customers"),
    "bills": ("vendor_id", "vendors"),
    "vendor_credits": ("vendor_id", "vendors"),
    "bill_payments": ("vendor_id", "vendors"),
    "purchase_orders": ("vendor_id", "vendors"),
}
MASTER_DATA = ("customers", "vendors", "items")

# What a foreign key did, for those who are not the sync, and of the writer's own tenant only. The sync writes ledger
# ids that it has just read from its bindings, and ledger rows are never deleted; on every document the key cost as much
# as writing the document.
KEEP_REFERENCES = """
create function sync.keep_references() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
declare
  lacking bigint;
begin
  execute format(
    'select w.%1$I from written w where w.%1$I is not null '
    'and not exists (select from ledger.%2$I l where l.ledger_id = w.%1$I) limit 1', tg_argv[0], tg_argv[1]
  ) into lacking;
  if lacking is not null then
    raise exception 'writing ledger.%: found % %, expected one that ledger.% has', tg_table_name, tg_argv[0], lacking,
      tg_argv[1] using errcode = 'foreign_key_violation';
  end if;
  return null;
end
$$;
"""
# The one way in which an outsider could take a row's id away from those that refer to it.
REFUSE_RENUMBERING = """
create function sync.refuse_renumbering() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
  raise exception 'changing ledger.% %: found a new ledger_id, expected the one it has: others refer to it',
    tg_table_name, old.ledger_id using errcode = 'restrict_violation';
end
$$;
"""


def upgrade() -> None:
    op.execute(KEEP_REFERENCES)
    op.execute(REFUSE_RENUMBERING)
    for entity, (column, target) in REFERENCES.items():
        op.drop_constraint(f"{entity}_{column}_fkey", entity, schema="ledger")
        keep_references(entity, column, target)
    for entity in (*MASTER_DATA, *REFERENCES):
        op.execute(
            f"create trigger refuse_renumbering before update of ledger_id on ledger.{entity} for each row "
            "when (not sync.is_sync() and old.ledger_id is distinct from new.ledger_id) "
            "execute function sync.refuse_renumbering()"
        )


def downgrade() -> None:
    op.execute("drop function sync.keep_references() cascade")
    op.execute("drop function sync.refuse_renumbering() cascade")
    for entity, (column, target) in REFERENCES.items():
        op.create_foreign_key(
            f"{entity}_{column}_fkey",
            entity,
            target,
            [column],
            ["ledger_id"],
            source_schema="ledger",
            referent_schema="ledger",
        )
