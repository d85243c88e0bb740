"""Who may call the gateway, what its writes were answered, and what ERPs told it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from sql.guards import guard

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False, comment="the part of a key that is no secret"),
        sa.Column(
            "key_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the whole key, 256 random bits in it"
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="who has it: what it does is signed so"),
        sa.Column("role", sa.Text(), nullable=False, comment="viewer, operator or admin"),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("key_id", name="api_keys_pkey"),
        schema="sync",
        comment="Who may call the gateway, and to do what. The keys themselves are shown once and kept nowhere.",
    )
    op.create_table(
        "repeats",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False, comment="the API key that it came with"),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False, comment="of method, path and body"),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", JSONB(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key_id", "idempotency_key", name="repeats_pkey"),
        schema="sync",
        comment="What writes through the gateway were answered, committed with them: a repeat gets the same.",
    )
    op.create_table(
        "inbox",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("event_key", sa.Text(), nullable=False, comment="the same in every copy of a notice"),
        sa.Column("entities", ARRAY(sa.Text()), nullable=False, comment="what the record may be"),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False, comment="in the ERP's word"),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False, comment="by the ERP's clock"),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("taken_at", sa.DateTime(timezone=True), comment="when a sync had acted on it"),
        sa.PrimaryKeyConstraint("connection", "event_key", name="inbox_pkey"),
        schema="sync",
        comment="What ERPs told by webhook: which record may have changed, kept before it is answered.",
    )
    op.create_index(
        "inbox_waiting_idx",
        "inbox",
        ["connection", "received_at"],
        schema="sync",
        postgresql_where=sa.text("taken_at is null"),
    )
    for table in ("api_keys", "repeats", "inbox"):
        guard("sync", table)


def downgrade() -> None:
    op.drop_table("inbox", schema="sync")
    op.drop_table("repeats", schema="sync")
    op.drop_table("api_keys", schema="sync")
