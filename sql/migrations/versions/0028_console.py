"""Who is logged in to the console, and the links that log in once."""

import sqlalchemy as sa
from alembic import op

from sql.guards import guard

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "console_sessions",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("session_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of what the cookie holds"),
        sa.Column("key_id", sa.Text(), comment="the API key it was begun with: revoked, the session is over"),
        sa.Column("name", sa.Text(), nullable=False, comment="who it is: what is done in it is signed so"),
        sa.Column("role", sa.Text(), nullable=False, comment="viewer, operator or admin"),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), comment="when somebody logged out"),
        sa.PrimaryKeyConstraint("session_hash", name="console_sessions_pkey"),
        schema="sync",
        comment="Who is logged in to the console. What is in the cookie is kept nowhere.",
    )
    op.create_table(
        "console_links",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("link_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of what the link carries"),
        sa.Column("name", sa.Text(), nullable=False, comment="whom it logs in"),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("link_hash", name="console_links_pkey"),
        schema="sync",
        comment="Links that log in to the console once, soon after they were made.",
    )
    for table in ("console_sessions", "console_links"):
        guard("sync", table)


def downgrade() -> None:
    op.drop_table("console_links", schema="sync")
    op.drop_table("console_sessions", schema="sync")
