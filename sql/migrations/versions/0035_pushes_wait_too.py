"""When a push that was forbidden may be woken again: what stops all pushes is not asked for with every tick."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "connections",
        sa.Column(
            "next_push_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="while an error stops all pushes: when the next may be woken",
        ),
        schema="sync",
    )


def downgrade() -> None:
    op.drop_column("connections", "next_push_at", schema="sync")
