"""Less to write for each record: payloads as sent, bases that the mirror holds anyway, parts without a foreign key."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sql.guards import HISTORY_SUFFIX

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# Each table of parts with the column of its record.
PARTS = {
    "invoice_lines": "invoice_id",
    "credit_memo_lines": "credit_memo_id",
    "payment_applications": "payment_id",
    "bill_lines": "bill_id",
    "vendor_credit_lines": "vendor_credit_id",
    "bill_payment_applications": "bill_payment_id",
    "purchase_order_lines": "purchase_order_id",
}
MIRRORED = (
    "select table_name from information_schema.tables where table_schema = 'mirror' and table_type = 'BASE TABLE'"
)
SAYS_NUMBERED = "the canonical record both sides last agreed on, as JSON"
SAYS_SPARSE = "the canonical record both sides last agreed on, as JSON; empty: what the mirror's base_seq says"

# What a foreign key did, for those who are not the sync: it writes parts only of records that it has just written, and
# ledger rows are never deleted. On every line of every document the key cost more than all the rest of writing it.
NOTE_PART_EDIT = """
create or replace function sync.note_part_edit() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
declare
  parents text := case tg_op
    when 'INSERT' then 'select %2$I from written'
    when 'DELETE' then 'select %2$I from replaced'
    else 'select %2$I from written union select %2$I from replaced'
  end;
  lacking bigint;
begin
  -- Once a transaction is enough: nobody else sees what lies between its statements.
  execute format(
    'update ledger.%1$I set changed_by = sync.current_actor() where ledger_id in (' || parents || ') '
    'and (changed_at <> now() or run_id is not null)', tg_argv[0], tg_argv[1]
  );
  {check}return null;
end
$$;
"""
CHECK = """if tg_op <> 'DELETE' then
    execute format(
      'select w.%2$I from written w where not exists (select from ledger.%1$I l where l.ledger_id = w.%2$I) limit 1',
      tg_argv[0], tg_argv[1]
    ) into lacking;
    if lacking is not null then
      raise exception 'writing ledger.%: found % %, expected one that ledger.% has', tg_table_name, tg_argv[1],
        lacking, tg_argv[0] using errcode = 'foreign_key_violation';
    end if;
  end if;
  """



def upgrade() -> None:
    for table in _names(MIRRORED):
        _retype(table, "json")
        _say_of_hash(table, "SHA-256 of the payload as sent")
    op.add_column(
        "bindings",
        sa.Column("base_seq", sa.BigInteger(), comment="the mirror's change that both sides last agreed on"),
        schema="sync",
    )
    op.alter_column("bindings", "base", nullable=True, comment=SAYS_SPARSE, schema="sync")
    # Whoever comes from below for the second time has bases again that only the mirror holds.
    op.execute("alter table sync.bindings no force row level security")
    op.execute(
        "update sync.bindings set base_seq = (base::json ->> 'base_seq')::bigint, base = null "
        "where base like '{\"base_seq\"%'"
    )
    op.execute("alter table sync.bindings force row level security")
    for table, parent in PARTS.items():
        op.drop_constraint(f"{table}_{parent}_fkey", table, schema="ledger")
    op.execute(NOTE_PART_EDIT.replace("{check}", CHECK))


def downgrade() -> None:
    op.execute(NOTE_PART_EDIT.replace("{check}", "").replace("  lacking bigint;\n", ""))
    for table, parent in PARTS.items():
        op.create_foreign_key(
            f"{table}_{parent}_fkey",
            table,
            f"{parent.removesuffix('_id')}s",
            [parent],
            ["ledger_id"],
            source_schema="ledger",
            referent_schema="ledger",
        )
    # A base that only the mirror holds cannot be written back by SQL: its number keeps the place, for the way up and
    # until the next version of the record brings a base.
    op.execute("alter table sync.bindings no force row level security")
    op.execute("update sync.bindings set base = json_build_object('base_seq', base_seq) where base is null")
    op.execute("alter table sync.bindings force row level security")
    op.alter_column("bindings", "base", nullable=False, comment=SAYS_NUMBERED, schema="sync")
    op.drop_column("bindings", "base_seq", schema="sync")
    for table in _names(MIRRORED):
        _retype(table, "jsonb")
        _say_of_hash(table, "SHA-256 of the payload, keys sorted")


def _retype(table: str, to: str) -> None:
    kind = postgresql.JSON() if to == "json" else postgresql.JSONB()
    op.alter_column(table, "payload", type_=kind, postgresql_using=f"payload::{to}", schema="mirror")


def _say_of_hash(table: str, says: str) -> None:
    if not table.endswith(HISTORY_SUFFIX):
        op.execute(f"comment on column mirror.{table}.content_hash is '{says}'")


def _names(query: str) -> list[str]:
    return [name for (name,) in op.get_bind().execute(sa.text(query))]
