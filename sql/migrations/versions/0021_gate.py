"""Rows that fail a data-quality check are kept, and a verdict says what was expected of how many rows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from sql.guards import guard

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

COLUMNS = (
    sa.Column("is_blocking", sa.Boolean(), nullable=False, server_default=sa.text("true")),
    sa.Column("says", sa.Text(), nullable=False, server_default=sa.text("''"), comment="what was expected"),
    sa.Column("row_count", sa.BigInteger(), nullable=False, server_default=sa.text("0"), comment="rows looked at"),
    sa.Column("page", sa.Text(), comment="where Data Docs shows it"),
)


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("verdicts", column.copy(), schema="sync")
    op.create_table(
        "failing_rows",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("check_name", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False, comment="its ledger id, or table/id of what is no row of it"),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("called", sa.Text(), nullable=True, comment="its number or name"),
        sa.Column("found", JSONB(), nullable=False, comment="what the check looks at, as it stood then"),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("connection", "entity", "check_name", "row_key", name=op.f("failing_rows_pkey")),
        schema="sync",
        comment="Rows that failed a data-quality check, and when they stopped failing.",
    )
    guard("sync", "failing_rows")


def downgrade() -> None:
    op.drop_table("failing_rows", schema="sync")
    for column in reversed(COLUMNS):
        op.drop_column("verdicts", column.name, schema="sync")
