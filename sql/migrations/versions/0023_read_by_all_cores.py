"""Queries under row-level security may be shared among workers: whose rows a session sees may be asked in each."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # It reads a table and settings of the session, which its workers share; as it was, one mention of it, and so every
    # policy, kept the whole query on one core.
    op.execute("alter function sync.current_tenant() parallel safe")


def downgrade() -> None:
    op.execute("alter function sync.current_tenant() parallel unsafe")
