"""What the console lists without reading all of it: breaks by their amount, notices by when they came."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "breaks_amount_idx", "breaks", ["state", sa.text("abs(amount)"), "break_id"], schema="reconciliation"
    )
    op.create_index("inbox_received_at_idx", "inbox", ["received_at"], schema="sync")


def downgrade() -> None:
    op.drop_index("inbox_received_at_idx", "inbox", schema="sync")
    op.drop_index("breaks_amount_idx", "breaks", schema="reconciliation")
