"""The tables behind the gateway, as SQLAlchemy Core definitions for the migrations.

Belongs here: their columns and keys. The statements on them are in `api_keys.py` and `repeats.py`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "sync"


def define_gateway_tables(metadata: sa.MetaData) -> None:
    """Add sync.api_keys and sync.repeats to `metadata`; both hold a tenant's rows."""
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
