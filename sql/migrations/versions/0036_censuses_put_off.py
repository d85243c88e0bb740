"""How often a census has failed, and when it is taken again: one that never works must not cost calls with each sync."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0034"
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


def downgrade() -> None:
    op.drop_column("cursors", "census_again_at", schema="sync")
    op.drop_column("cursors", "census_failures", schema="sync")
