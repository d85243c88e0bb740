"""The tables behind writing into an ERP, as SQLAlchemy Core definitions for the migrations.

Belongs here: columns and keys of what is edited here, intended, held in conflict, switched and mapped. The statements
on them are in `edits.py`, `outbox.py`, `conflicts.py`, `switches.py`, `policies.py` and `code_maps.py`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "sync"
_OPEN = sa.text("'open'")


def define_push_tables(metadata: sa.MetaData) -> None:
    """Add sync.edits, outbox, conflicts, switches, policies and code_maps to `metadata`; all hold a tenant's rows."""
    sa.Table(
        "edits",
        metadata,
        _tenant(is_key=True),
        sa.Column("entity", sa.Text, primary_key=True),
        sa.Column("ledger_id", sa.BigInteger, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False, comment="the newest that the sync did not write"),
        sa.Column("connection", sa.Text, comment="the company the row names"),
        _instant("noted_at", default="clock_timestamp()"),
        _instant("looked_at", is_required=False, comment="when a plan last looked at it and could not take it"),
        sa.Index("edits_due_idx", "tenant_id", "connection", postgresql_where=sa.text("looked_at is null")),
        schema=SCHEMA,
        comment="Ledger rows that somebody else than the sync has written: to be planned. Noted by trigger.",
    )
    outbox = sa.Table(
        "outbox",
        metadata,
        sa.Column("intent_id", sa.BigInteger, sa.Identity(), primary_key=True),
        _tenant(),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("ledger_id", sa.BigInteger, nullable=False),
        sa.Column("ledger_version", sa.BigInteger, nullable=False, comment="the version of the row that was planned"),
        sa.Column("operation", sa.Text, nullable=False, comment="create, update, void, delete"),
        sa.Column("key", sa.Text, nullable=False, comment="the idempotency key it is sent with"),
        sa.Column("marker", sa.Text, comment="what the record it makes carries so that it can be found again"),
        sa.Column("batch_key", sa.Text, comment="the key of the batch it went with, empty if it went alone"),
        sa.Column("external_id", sa.Text, comment="the record it changes, or made"),
        sa.Column("version_token", sa.Text, comment="the ERP's token of the base that was merged"),
        sa.Column("body", sa.Text, nullable=False, comment="what is sent, as JSON"),
        sa.Column("record", sa.Text, nullable=False, comment="the canonical record it stands for, as JSON"),
        sa.Column("state", sa.Text, nullable=False, comment="waiting, sent, done, refused, stale"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("1")),
        _instant("sent_at", default="clock_timestamp()", comment="when it was sent first"),
        _instant("tried_at", default="now()", comment="when it was sent last"),
        _instant("due_at", default="clock_timestamp()", comment="when an intent in doubt may be looked into again"),
        _instant("ended_at", is_required=False),
        sa.Column("answer", sa.Text, comment="what ended it, as a sentence"),
        sa.Column("run_id", sa.BigInteger, comment="sync.runs"),
        sa.UniqueConstraint("connection", "key"),
        schema=SCHEMA,
        comment="Intents to write into an ERP, kept before anything is sent.",
    )
    sa.Index(
        "outbox_open_key",
        outbox.c.connection,
        outbox.c.entity,
        outbox.c.ledger_id,
        unique=True,
        postgresql_where=sa.text("state in ('sent', 'waiting')"),
    )
    sa.Index(
        "outbox_marker_idx",
        outbox.c.connection,
        outbox.c.entity,
        outbox.c.marker,
        postgresql_where=sa.text("operation = 'create'"),
    )
    sa.Index("outbox_due_idx", outbox.c.due_at, postgresql_where=sa.text("state in ('sent', 'waiting')"))
    sa.Index(None, outbox.c.entity, outbox.c.ledger_id)
    conflicts = sa.Table(
        "conflicts",
        metadata,
        sa.Column("conflict_id", sa.BigInteger, sa.Identity(), primary_key=True),
        _tenant(),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("ledger_id", sa.BigInteger, nullable=False),
        sa.Column("external_id", sa.Text, comment="empty while the record is not in the ERP"),
        sa.Column(
            "kind",
            sa.Text,
            nullable=False,
            comment="concurrent_update, delete_conflict, validation_conflict, possible_duplicate",
        ),
        sa.Column("says", sa.Text, nullable=False, comment="what is in conflict, as a sentence"),
        sa.Column("fields", JSONB, nullable=False, comment="the fields in conflict: name, base, ours, theirs"),
        sa.Column("base", sa.Text, comment="canonical record both sides last agreed on, as JSON"),
        sa.Column("ours", sa.Text, comment="canonical record of the ledger, as JSON; empty if it is deleted"),
        sa.Column("theirs", sa.Text, comment="canonical record of the ERP, as JSON; empty if it is deleted"),
        sa.Column("ledger_version", sa.BigInteger, nullable=False, comment="the ledger row that was shown"),
        sa.Column("version_token", sa.Text, comment="the ERP's record that was shown"),
        sa.Column(
            "state", sa.Text, nullable=False, server_default=sa.text("'open'"), comment="open, resolved, settled"
        ),
        _instant("opened_at", default="clock_timestamp()"),
        _instant("changed_at", default="clock_timestamp()", comment="when what it shows last changed"),
        _instant("checked_at", is_required=False, comment="when the conflict check last looked at it"),
        _instant("ended_at", is_required=False),
        sa.Column("ended_by", sa.Text, comment="who resolved it; sync:NAME where both sides came to agree"),
        sa.Column("resolution", JSONB, comment="field by field: ours or theirs"),
        sa.Column("run_id", sa.BigInteger, comment="sync.runs"),
        schema=SCHEMA,
        comment="Records that both sides changed, held for a person. At most one open conflict a record.",
    )
    sa.Index(
        "conflicts_open_key",
        conflicts.c.connection,
        conflicts.c.entity,
        conflicts.c.ledger_id,
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    sa.Index(
        "conflicts_open_external_id_idx",
        conflicts.c.connection,
        conflicts.c.entity,
        conflicts.c.external_id,
        postgresql_where=sa.text("state = 'open'"),
    )
    sa.Table(
        "switches",
        metadata,
        _tenant(is_key=True),
        sa.Column("connection", sa.Text, primary_key=True, comment="empty for maintenance of the whole tenant"),
        sa.Column("module", sa.Text, primary_key=True, comment="ar, ap, all"),
        sa.Column("direction", sa.Text, primary_key=True, comment="pull, push, bidirectional"),
        sa.Column("reason", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("switched_by", sa.Text, nullable=False),
        _instant("switched_at", default="clock_timestamp()"),
        schema=SCHEMA,
        comment="What is switched off, and by whom. No row: it is on.",
    )
    sa.Table(
        "policies",
        metadata,
        _tenant(is_key=True),
        sa.Column("entity", sa.Text, primary_key=True, comment="empty for every entity"),
        sa.Column("field", sa.Text, primary_key=True, comment="empty for every field that nobody owns"),
        sa.Column("policy", sa.Text, nullable=False, comment="erp_wins, ledger_wins, newest_wins, manual"),
        sa.Column("set_by", sa.Text, nullable=False),
        _instant("set_at", default="clock_timestamp()"),
        schema=SCHEMA,
        comment="Who wins where both sides changed the same field. No row: as the entity declares it.",
    )
    sa.Table(
        "code_maps",
        metadata,
        _tenant(),
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("list", sa.Text, primary_key=True, comment="accounts, terms, payment_methods, tax_codes"),
        sa.Column("code", sa.Text, primary_key=True, comment="our word"),
        sa.Column("external_id", sa.Text, nullable=False, comment="what the ERP calls it"),
        schema=SCHEMA,
        comment="Our codes and the ERP's ids for the same account, term, method or tax code.",
    )


def _tenant(*, is_key: bool = False) -> sa.Column:
    return sa.Column("tenant_id", sa.Text, primary_key=is_key, nullable=False)


def _instant(
    name: str, *, is_required: bool = True, default: str | None = None, comment: str | None = None
) -> sa.Column:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        nullable=not is_required,
        server_default=None if default is None else sa.text(default),
        comment=comment,
    )
