"""Who switched what, and what a push holds, are listed without reading the whole audit or all open errors."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "audit_switched_idx",
        "audit",
        ["tenant_id", "seq"],
        schema="sync",
        postgresql_where=sa.text("action in ('switch.off', 'switch.on', 'maintenance.off', 'maintenance.on')"),
    )
    op.create_index(
        "errors_held_by_push_idx",
        "errors",
        ["connection", "error_id"],
        schema="sync",
        postgresql_where=sa.text("resolved_at is null and stage = 'push'"),
    )


def downgrade() -> None:
    op.drop_index("errors_held_by_push_idx", "errors", schema="sync")
    op.drop_index("audit_switched_idx", "audit", schema="sync")
