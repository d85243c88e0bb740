"""What waits its time: a census that has failed, so that one that never works does not cost calls with each sync; and
pulls, of which those that wait for too long are due as well, so that each tick reads all, few as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "cursors",
        sa.Column(
            "census_failures",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="how many censuses have failed since one ran to its end",
        ),
        schema="sync",
    )
    op.add_column(
        "cursors",
        sa.Column(
            "census_again_at",
            sa.DateTime(timezone=True),
            comment="before this, a census that failed is not taken again by itself",
        ),
        schema="sync",
    )
    op.drop_index("connections_due_idx", "connections", schema="sync")


def downgrade() -> None:
    op.create_index(
        "connections_due_idx",
        "connections",
        ["next_pull_at"],
        schema="sync",
        postgresql_where=sa.text("state = 'active'"),
    )
    op.drop_column("cursors", "census_again_at", schema="sync")
    op.drop_column("cursors", "census_failures", schema="sync")
