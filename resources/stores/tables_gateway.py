"""The tables behind the gateway, as SQLAlchemy Core definitions for the migrations.

Belongs here: their columns and keys. The statements on them are in `api_keys.py`, `repeats.py` and `inbox.py`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

SCHEMA = "sync"


def define_gateway_tables(metadata: sa.MetaData) -> None:
    """Add sync.api_keys, sync.repeats and sync.inbox to `metadata`; all hold a tenant's rows."""
    sa.Table(
        "api_keys",
        metadata,
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, primary_key=True, comment="the part of a key that is no secret"),
        sa.Column(
            "key_hash", sa.LargeBinary, nullable=False, comment="SHA-256 of the whole key, 256 random bits in it"
        ),
        sa.Column("name", sa.Text, nullable=False, comment="who has it: what it does is signed so"),
        sa.Column("role", sa.Text, nullable=False, comment="viewer, operator or admin"),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        schema=SCHEMA,
        comment="Who may call the gateway, and to do what. The keys themselves are shown once and kept nowhere.",
    )
    sa.Table(
        "repeats",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text, primary_key=True, comment="the API key that it came with"),
        sa.Column("idempotency_key", sa.Text, primary_key=True),
        sa.Column("request_hash", sa.LargeBinary, nullable=False, comment="of method, path and body"),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("answer", JSONB, nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        schema=SCHEMA,
        comment="What writes through the gateway were answered, committed with them: a repeat gets the same.",
    )
    sa.Table(
        "inbox",
        metadata,
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("event_key", sa.Text, primary_key=True, comment="the same in every copy of a notice"),
        sa.Column("entities", ARRAY(sa.Text), nullable=False, comment="what the record may be"),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False, comment="in the ERP's word"),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False, comment="by the ERP's clock"),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")
        ),
        sa.Column("taken_at", sa.DateTime(timezone=True), comment="when a sync had acted on it"),
        sa.Index("inbox_waiting_idx", "connection", "received_at", postgresql_where=sa.text("taken_at is null")),
        schema=SCHEMA,
        comment="What ERPs told by webhook: which record may have changed, kept before it is answered.",
    )
