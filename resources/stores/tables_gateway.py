"""The tables behind the gateway, as SQLAlchemy Core definitions for the migrations.

Belongs here: their columns and keys. The statements on them are in `api_keys.py`, `repeats.py`, `inbox.py`, `apps.py`,
`consents.py` and `webhooks.py`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

SCHEMA = "sync"


def define_gateway_tables(metadata: sa.MetaData) -> None:
    """Add the keys, what is told us and what we tell to `metadata`; all hold a tenant's rows."""
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
        sa.Index("inbox_received_at_idx", "received_at"),
        sa.Index("inbox_waiting_idx", "connection", "received_at", postgresql_where=sa.text("taken_at is null")),
        schema=SCHEMA,
        comment="What ERPs told by webhook: which record may have changed, kept before it is answered.",
    )
    _define_connecting(metadata)
    _define_webhooks(metadata)


def _define_connecting(metadata: sa.MetaData) -> None:
    sa.Table(
        "apps",
        metadata,
        sa.Column("tenant_id", sa.Text, primary_key=True),
        sa.Column("erp", sa.Text, primary_key=True),
        sa.Column("base_url", sa.Text, comment="where a simulator listens; empty for the ERP itself"),
        sa.Column("settings", JSONB, nullable=False, comment="what is not secret, in the ERP's own words"),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        schema=SCHEMA,
        comment="The app of a tenant by which companies of an ERP are connected; its secrets are in sync.secrets.",
    )
    sa.Table(
        "consents",
        metadata,
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("state_hash", sa.LargeBinary, primary_key=True, comment="SHA-256 of the state that went to the ERP"),
        sa.Column("erp", sa.Text, nullable=False),
        sa.Column("connection", sa.Text, nullable=False, comment="what is to be connected, or connected again"),
        sa.Column("begun_by", sa.Text, nullable=False),
        sa.Column("browser_hash", sa.LargeBinary, nullable=False, comment="SHA-256 of what its browser was given"),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("return_to", sa.Text, nullable=False, comment="a path of our own; empty: none"),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), comment="when its answer came: it is taken once"),
        sa.Column("choices", JSONB, comment="the companies a person is to choose from"),
        sa.Column("chosen_at", sa.DateTime(timezone=True)),
        schema=SCHEMA,
        comment="Consents that were begun: who asked, and whether the answer has come.",
    )


def _define_webhooks(metadata: sa.MetaData) -> None:
    sa.Table(
        "webhooks",
        metadata,
        sa.Column("webhook_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", ARRAY(sa.Text), nullable=False, comment="which types it is told of"),
        sa.Column("is_enabled", sa.Boolean, nullable=False, server_default=sa.text("true")),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        schema=SCHEMA,
        comment="Who is told of what happens here; what deliveries are signed with is in sync.secrets.",
    )
    sa.Table(
        "events",
        metadata,
        sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True, comment="the order within a subject"),
        sa.Column("event_id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False, comment="what it is about: invoices/12, conflicts/3"),
        sa.Column("connection", sa.Text),
        sa.Column("data", JSONB, nullable=False, comment="as it was told; amounts as texts"),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Index("events_happened_at_idx", "happened_at"),
        schema=SCHEMA,
        comment="What webhooks tell of, written by trigger with the change itself, and only if somebody is told.",
    )
    sa.Table(
        "deliveries",
        metadata,
        sa.Column("delivery_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("webhook_id", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False, comment="of sync.events"),
        sa.Column("subject", sa.Text, nullable=False, comment="of the event: told in order"),
        sa.Column(
            "state", sa.Text, nullable=False, server_default=sa.text("'waiting'"), comment="waiting, delivered, dead"
        ),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("claim", sa.Uuid, comment="of whoever sends it now; due_at is when others may take it over"),
        sa.Column("tried_at", sa.DateTime(timezone=True)),
        sa.Column("status", sa.Integer, comment="what it was answered last"),
        sa.Column("says", sa.Text, comment="how the last attempt ended, as a sentence"),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Index("deliveries_due_idx", "due_at", postgresql_where=sa.text("state = 'waiting'")),
        sa.Index("deliveries_dead_idx", "webhook_id", postgresql_where=sa.text("state = 'dead'")),
        sa.Index("deliveries_order_idx", "webhook_id", "subject", "seq", postgresql_where=sa.text("state = 'waiting'")),
        sa.Index("deliveries_webhook_id_idx", "webhook_id", "delivery_id"),
        sa.Index("deliveries_seq_idx", "seq"),
        schema=SCHEMA,
        comment="Which event is told to which webhook, and how that stands.",
    )
