"""Where to read from while an ERP's clock stands behind the watermark: what changes then bears times before it."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "cursors",
        sa.Column(
            "reread_from",
            sa.DateTime(timezone=True),
            comment="how far was read under a clock that stands behind the watermark: it was set back",
        ),
        schema="sync",
    )


def downgrade() -> None:
    op.drop_column("cursors", "reread_from", schema="sync")
