"""The tables of the audit, as SQLAlchemy Core definitions for the migrations; the statements are in `audit.py`."""

from __future__ import annotations

import sqlalchemy as sa

SCHEMA = "sync"


def define_audit_tables(metadata: sa.MetaData) -> None:
    """Add sync.audit and sync.audit_heads to `metadata`; both hold a tenant's rows."""
    audit = sa.Table(
        "audit",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column(
            "seq",
            sa.BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="counts the tenant's entries from 1, without gaps",
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text, nullable=False, comment="a person, an application, or sync:<connection>"),
        sa.Column("login", sa.Text, nullable=False, comment="the database login it came through"),
        sa.Column("action", sa.Text, nullable=False, comment="what was done, such as push.create or switch.off"),
        sa.Column("connection", sa.Text),
        sa.Column("entity", sa.Text),
        sa.Column("ledger_id", sa.BigInteger),
        sa.Column("external_id", sa.Text),
        sa.Column("detail", sa.Text, nullable=False, comment="the rest, as JSON"),
        sa.Column(
            "previous_hash",
            sa.LargeBinary,
            nullable=False,
            comment="hash of the entry before, 32 zeros before the first",
        ),
        sa.Column("hash", sa.LargeBinary, nullable=False, comment="SHA-256 of previous_hash and this entry"),
        schema=SCHEMA,
        comment="What was done to either book. Append-only; a changed, missing or moved entry breaks the chain.",
    )
    sa.Index(
        "audit_entity_ledger_id_idx",
        audit.c.entity,
        audit.c.ledger_id,
        postgresql_where=sa.text("ledger_id is not null"),
    )
    sa.Index(
        "audit_switched_idx",
        audit.c.tenant_id,
        audit.c.seq,
        postgresql_where=sa.text("action in ('switch.off', 'switch.on', 'maintenance.off', 'maintenance.on')"),
    )
    sa.Table(
        "audit_heads",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        schema=SCHEMA,
        comment="The last entry of each tenant's audit: says that none is missing behind it.",
    )
