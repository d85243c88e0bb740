"""The tables behind the console, as SQLAlchemy Core definitions for the migrations.

Belongs here: their columns and keys. The statements on them are in `console_sessions.py`.
"""

from __future__ import annotations

import sqlalchemy as sa

SCHEMA = "sync"


def define_console_tables(metadata: sa.MetaData) -> None:
    """Add sync.console_sessions and sync.console_links to `metadata`; both hold a tenant's rows."""
    sa.Table(
        "console_sessions",
        metadata,
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("session_hash", sa.LargeBinary, primary_key=True, comment="SHA-256 of what the cookie holds"),
        sa.Column("key_id", sa.Text, comment="the API key it was begun with: revoked, the session is over"),
        sa.Column("name", sa.Text, nullable=False, comment="who it is: what is done in it is signed so"),
        sa.Column("role", sa.Text, nullable=False, comment="viewer, operator or admin"),
        _instant("begun_at", default="now()"),
        _instant("expires_at"),
        sa.Column("ended_at", sa.DateTime(timezone=True), comment="when somebody logged out"),
        schema=SCHEMA,
        comment="Who is logged in to the console. What is in the cookie is kept nowhere.",
    )
    sa.Table(
        "console_links",
        metadata,
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("link_hash", sa.LargeBinary, primary_key=True, comment="SHA-256 of what the link carries"),
        sa.Column("name", sa.Text, nullable=False, comment="whom it logs in"),
        sa.Column("role", sa.Text, nullable=False),
        _instant("made_at", default="now()"),
        _instant("expires_at"),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        schema=SCHEMA,
        comment="Links that log in to the console once, soon after they were made.",
    )


def _instant(name: str, *, default: str | None = None) -> sa.Column:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=server_default)
