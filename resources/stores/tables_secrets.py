"""The tables behind secrets, tokens and call limits, as SQLAlchemy Core definitions for the migrations.

Belongs here: their columns and keys. The statements on them are in `vault.py`, `token_journal.py` and `quota.py`.
Everything a token or secret consists of is sealed (`resources/crypto.py`) before it comes here.
"""

from __future__ import annotations

import sqlalchemy as sa

SCHEMA = "sync"


def define_secret_tables(metadata: sa.MetaData) -> None:
    """Add sync.master_keys, sync.secrets, sync.token_attempts, sync.token_journal and sync.api_slots to `metadata`.

    Secrets and tokens are a tenant's rows and belong under row-level security. Master keys are everybody's. So is
    `sync.api_slots`: a company's limits count for all tenants that call it, and its key is a hash that tells nothing.
    """
    sa.Table(
        "master_keys",
        metadata,
        sa.Column(
            "key_id", sa.Text, primary_key=True, comment="hash of a key in memory, or the name of one in a service"
        ),
        sa.Column(
            "sealed_check", sa.LargeBinary, comment="something sealed with it; null: not seen since this is kept"
        ),
        _now_column("since"),
        schema=SCHEMA,
        comment="The master keys that anything may be sealed with: whoever starts must be able to open all of them.",
    )
    sa.Table(
        "secrets",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True, comment="what it is, in the ERP's own word: client_secret ..."),
        sa.Column("version", sa.Integer, primary_key=True, comment="counts up; the highest is the secret"),
        _key_column(),
        sa.Column("sealed", sa.LargeBinary, nullable=False, comment="wrapped data key, nonces and ciphertext"),
        _now_column("created_at"),
        schema=SCHEMA,
        comment="Credentials, encrypted; the last three versions of each.",
    )
    sa.Table(
        "token_attempts",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("attempt_id", sa.Uuid, primary_key=True),
        sa.Column("fingerprint", sa.Text, nullable=False, comment="first 16 hex digits of the used token's SHA-256"),
        sa.Column("holder", sa.Text, nullable=False, comment="host and process that refreshes"),
        _now_column("started_at"),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False, comment="when others may take over"),
        sa.Column("ended_at", sa.DateTime(timezone=True), comment="null while it runs, or if its process died"),
        sa.Column("outcome", sa.Text, comment="journaled, refused, unanswered or abandoned"),
        sa.Index("token_attempts_open", "tenant_id", "connection", postgresql_where=sa.text("ended_at is null")),
        schema=SCHEMA,
        comment="Every refresh of a token, written before the call, so that a crash leaves a trace.",
    )
    sa.Table(
        "token_journal",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("attempt_id", sa.Uuid, primary_key=True, comment="the refresh, or the consent, that brought it"),
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), nullable=False, comment="the order of arrival"),
        sa.Column("source", sa.Text, nullable=False, comment="consent, refresh or spool"),
        sa.Column("fingerprint", sa.Text, nullable=False, comment="of its refresh token, which often stays the same"),
        sa.Column("is_late", sa.Boolean, nullable=False, comment="came after another process had taken over"),
        _key_column(),
        sa.Column("sealed", sa.LargeBinary, nullable=False, comment="the token endpoint's answer, encrypted"),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("access_expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refresh_expires_at", sa.DateTime(timezone=True), comment="when the grant ends if it is not used"),
        sa.Column("refused_at", sa.DateTime(timezone=True), comment="when the ERP answered invalid_grant to it"),
        schema=SCHEMA,
        comment="Every token set received, encrypted, written before it is used: of the last three refresh tokens.",
    )
    sa.Table(
        "api_slots",
        metadata,
        sa.Column("company", sa.Text, primary_key=True, comment="hash of ERP, app and company"),
        sa.Column("lane", sa.Text, primary_key=True, comment="window, flight or pause"),
        sa.Column("slot", sa.Integer, primary_key=True),
        sa.Column("free_at", sa.DateTime(timezone=True), nullable=False, comment="when it may be taken (again)"),
        sa.Column("holder", sa.Uuid, comment="the call that holds it"),
        sa.Index("api_slots_free_idx", "company", "lane", "free_at"),
        sa.Index("api_slots_holder_idx", "holder", postgresql_where=sa.text("holder is not null")),
        schema=SCHEMA,
        comment="The calls that one company still allows: a row for each call of a window and each one in flight.",
    )


def _now_column(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()"))


def _key_column() -> sa.Column[object]:
    # A key that was taken away seals nothing more, whoever still holds it.
    key = sa.ForeignKey(f"{SCHEMA}.master_keys.key_id")
    return sa.Column("key_id", sa.Text, key, nullable=False, comment="which master key wraps its data key")
