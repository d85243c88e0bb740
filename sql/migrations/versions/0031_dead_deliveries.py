"""Deliveries that were given up are counted without reading the others."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "deliveries_dead_idx",
        "deliveries",
        ["webhook_id"],
        schema="sync",
        postgresql_where=sa.text("state = 'dead'"),
    )


def downgrade() -> None:
    op.drop_index("deliveries_dead_idx", "deliveries", schema="sync")
