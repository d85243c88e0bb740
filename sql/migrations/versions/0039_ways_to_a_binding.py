"""No plan takes the wrong way to a binding: the unique index of rows begins with the row, and a first sync counts."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

# Only its owner may count a table, and the sync is not.
COUNT = """
create function sync.count_bindings() returns void language plpgsql
security definer set search_path = pg_catalog as $$
begin
  -- Whoever has it locked counts it, or does what is worth more.
  analyze (skip_locked) sync.bindings;
end
$$;
comment on function sync.count_bindings() is 'Statistics of sync.bindings as they are now, for the planner.';
"""


def upgrade() -> None:
    # A plan made while the table was empty may take any index whose first columns are asked for: begun with the
    # connection, it was read whole for each record of a first sync. It serves what the plain one did as well.
    op.drop_index("bindings_row_idx", "bindings", schema="sync")
    op.drop_index("bindings_entity_ledger_id_idx", "bindings", schema="sync")
    op.create_index(
        "bindings_row_idx", "bindings", ["entity", "ledger_id", "connection"], unique=True, schema="sync"
    )
    op.execute(COUNT)
    op.execute("revoke all on function sync.count_bindings from public")
    op.execute("grant execute on function sync.count_bindings to tieout_app")


def downgrade() -> None:
    op.execute("drop function sync.count_bindings()")
    op.drop_index("bindings_row_idx", "bindings", schema="sync")
    op.create_index("bindings_entity_ledger_id_idx", "bindings", ["entity", "ledger_id"], schema="sync")
    op.create_index(
        "bindings_row_idx", "bindings", ["connection", "entity", "ledger_id"], unique=True, schema="sync"
    )
