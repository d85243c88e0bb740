"""The unique index of rows begins with the row, so that no plan takes it for the way to a record's id."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A plan made while the table was empty may take any index whose first columns are asked for: begun with the
    # connection, it was read whole for each record of a first sync. It serves what the plain one did as well.
    op.drop_index("bindings_row_idx", "bindings", schema="sync")
    op.drop_index("bindings_entity_ledger_id_idx", "bindings", schema="sync")
    op.create_index(
        "bindings_row_idx", "bindings", ["entity", "ledger_id", "connection"], unique=True, schema="sync"
    )


def downgrade() -> None:
    op.drop_index("bindings_row_idx", "bindings", schema="sync")
    op.create_index("bindings_entity_ledger_id_idx", "bindings", ["entity", "ledger_id"], schema="sync")
    op.create_index(
        "bindings_row_idx", "bindings", ["connection", "entity", "ledger_id"], unique=True, schema="sync"
    )
