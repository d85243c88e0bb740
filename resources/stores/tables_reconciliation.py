"""The tables behind comparing both books, as SQLAlchemy Core definitions for the migrations.

Belongs here: columns and keys of results, of the breaks that persons look after, of what each run saw of them, and of
the ERP's documents in the form in which they are compared. The statements on them are in `reconciliation.py`,
`breaks.py`, `documents.py` and `ageing.py`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

SCHEMA = "reconciliation"


def define_reconciliation_tables(metadata: sa.MetaData) -> None:
    """Add the tables of schema reconciliation to `metadata`; all hold a tenant's rows."""
    sa.Table(
        "results",
        metadata,
        sa.Column("result_id", sa.BigInteger, sa.Identity(), primary_key=True),
        _tenant(),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("module", sa.Text, nullable=False, comment="ar or ap"),
        sa.Column("currency", sa.Text, nullable=False),
        _instant("cutoff_at"),
        sa.Column("ledger_amount", sa.Numeric, nullable=False),
        sa.Column(
            "erp_amount",
            sa.Numeric,
            nullable=False,
            comment="the ERP's control account, or its parties' sum without one",
        ),
        sa.Column("parties_amount", sa.Numeric, nullable=False, comment="the sum of the parties' balances in the ERP"),
        sa.Column("difference_amount", sa.Numeric, nullable=False, comment="erp less ledger"),
        sa.Column("run_id", sa.BigInteger),
        sa.Index("results_connection_cutoff_idx", "connection", "module", sa.text("cutoff_at desc")),
        schema=SCHEMA,
        comment="Control totals of both books, by currency.",
    )
    breaks = sa.Table(
        "breaks",
        metadata,
        sa.Column("break_id", sa.BigInteger, sa.Identity(), primary_key=True),
        _tenant(),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("module", sa.Text, nullable=False, comment="ar or ap"),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False, comment="what it is about; the same from run to run"),
        sa.Column("kind", sa.Text, nullable=False, comment="what differs: missing_in_erp, total, open, party ..."),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("amount", sa.Numeric, nullable=False, comment="erp less ledger"),
        sa.Column("severity", sa.Text, nullable=False, comment="notice, warning, critical: by the tolerances"),
        sa.Column("entity", sa.Text, comment="of the document it is about; empty if it is about a party or account"),
        sa.Column("external_id", sa.Text),
        sa.Column("ledger_id", sa.BigInteger),
        sa.Column("party_external_id", sa.Text),
        sa.Column("party_name", sa.Text),
        sa.Column("fields", JSONB, nullable=False, comment="what differs: name, ledger, erp"),
        sa.Column("says", sa.Text, nullable=False, comment="the difference as a sentence"),
        sa.Column(
            "state", sa.Text, nullable=False, server_default=sa.text("'open'"), comment="open, explained, resolved"
        ),
        sa.Column("owner", sa.Text, comment="who looks after it"),
        sa.Column("note", sa.Text, comment="what a person wrote to it"),
        sa.Column("changed_by", sa.Text, comment="who last owned, noted or explained it"),
        _instant("first_seen_at"),
        _instant("last_seen_at"),
        _instant("resolved_at", is_required=False),
        sa.Column("run_id", sa.BigInteger, comment="sync.runs, which saw it last"),
        schema=SCHEMA,
        comment="Differences between both books: each one row for as long as it lasts, and again if it comes back.",
    )
    sa.Index(
        "breaks_identity_key",
        breaks.c.connection,
        breaks.c.module,
        breaks.c.currency,
        breaks.c.identity,
        unique=True,
    )
    # The console lists those of a state by their amount, a page at a time.
    sa.Index("breaks_amount_idx", breaks.c.state, sa.text("abs(amount)"), breaks.c.break_id)
    sa.Index("breaks_unresolved_idx", breaks.c.connection, postgresql_where=sa.text("state <> 'resolved'"))
    sa.Table(
        "sightings",
        metadata,
        sa.Column("sighting_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("result_id", sa.BigInteger, sa.ForeignKey("reconciliation.results.result_id"), nullable=False),
        _tenant(),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("party_external_id", sa.Text),
        sa.Column("party_name", sa.Text),
        sa.Column("amount", sa.Numeric, nullable=False, comment="erp less ledger"),
        sa.Column("says", sa.Text, nullable=False, comment="the difference as a sentence"),
        sa.Column("break_id", sa.BigInteger, sa.ForeignKey("reconciliation.breaks.break_id"), comment="the break seen"),
        sa.Index(None, "result_id"),
        schema=SCHEMA,
        comment="What differed in one result, and why. The sightings of a result add up to its difference.",
    )
    sa.Table(
        "statements",
        metadata,
        sa.Column("statement_id", sa.BigInteger, sa.Identity(), primary_key=True),
        _tenant(),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("module", sa.Text, nullable=False),
        _instant("cutoff_at"),
        sa.Column("code", sa.Text, nullable=False, comment="report_failed, counts_differ, empty_ledger ..."),
        sa.Column("is_blocking", sa.Boolean, nullable=False, comment="nothing ties out while it holds"),
        sa.Column("says", sa.Text, nullable=False),
        sa.Column("run_id", sa.BigInteger),
        sa.Index(None, "connection", "module", "cutoff_at"),
        schema=SCHEMA,
        comment="What could not be compared, or has to be known to read a result.",
    )
    sa.Table(
        "tolerances",
        metadata,
        _tenant(is_key=True),
        sa.Column("currency", sa.Text, primary_key=True, comment="empty for every currency without a row of its own"),
        sa.Column("warning_amount", sa.Numeric, nullable=False, comment="more than this is a warning"),
        sa.Column("critical_amount", sa.Numeric, nullable=False, comment="more than this is critical"),
        sa.Column("set_by", sa.Text, nullable=False),
        _instant("set_at", default="clock_timestamp()"),
        schema=SCHEMA,
        comment="How much a break must amount to. No row: 100 and 1,000.",
    )
    ageing = sa.Table(
        "ageing",
        metadata,
        sa.Column("ageing_id", sa.BigInteger, sa.Identity(), primary_key=True),
        _tenant(),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("module", sa.Text, nullable=False),
        sa.Column("book", sa.Text, nullable=False, comment="ledger, mirror, or erp: its own report"),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("party_external_id", sa.Text, nullable=False),
        sa.Column("party_name", sa.Text, nullable=False),
        sa.Column("bucket", sa.Text, nullable=False, comment="current, 1-30, 31-60, 61-90, over 90 days past due"),
        sa.Column("currency", sa.Text, comment="empty where the book tells home amounts only"),
        sa.Column("amount", sa.Numeric, comment="in that currency; credits are negative"),
        sa.Column("home_currency", sa.Text, nullable=False),
        sa.Column("home_amount", sa.Numeric, comment="at each document's own rate; empty where a rate is missing"),
        sa.Column("document_count", sa.BigInteger),
        sa.Column("run_id", sa.BigInteger),
        schema=SCHEMA,
        comment="The newest ageing of each book: what is open with each party, by days past due.",
    )
    sa.Index(None, ageing.c.connection, ageing.c.module)
    closings = sa.Table(
        "closings",
        metadata,
        sa.Column("closing_id", sa.BigInteger, sa.Identity(), primary_key=True),
        _tenant(),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("module", sa.Text, nullable=False, comment="ar or ap"),
        sa.Column("month_end_date", sa.Date, nullable=False, comment="the last day of the closed month"),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="the instant whose books are the closed ones",
        ),
        sa.Column("home_currency", sa.Text, nullable=False),
        sa.Column("kept_by", sa.Text, nullable=False),
        _instant("kept_at", default="clock_timestamp()"),
        schema=SCHEMA,
        comment="Closed months: what both books said of a month's last evening, as they stood when it was closed.",
    )
    sa.Index(
        "closings_instant_key",
        closings.c.connection,
        closings.c.module,
        closings.c.month_end_date,
        closings.c.closed_at,
        unique=True,
    )
    sa.Table(
        "closing_figures",
        metadata,
        sa.Column("closing_id", sa.BigInteger, sa.ForeignKey("reconciliation.closings.closing_id"), primary_key=True),
        sa.Column("book", sa.Text, primary_key=True, comment="ledger or mirror"),
        sa.Column("party_external_id", sa.Text, primary_key=True),
        sa.Column("currency", sa.Text, primary_key=True),
        sa.Column("bucket", sa.Text, primary_key=True, comment="current, 1-30, 31-60, 61-90, over 90 days past due"),
        _tenant(),
        sa.Column("amount", sa.Numeric, nullable=False, comment="in that currency; credits are negative"),
        sa.Column("home_amount", sa.Numeric, comment="empty where a rate is missing"),
        schema=SCHEMA,
        comment="The figures of closed months, which recomputing has to give again.",
    )
    aged_totals = sa.Table(
        "aged_totals",
        metadata,
        sa.Column("aged_total_id", sa.BigInteger, sa.Identity(), primary_key=True),
        _tenant(),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("module", sa.Text, nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("home_currency", sa.Text, nullable=False),
        sa.Column("bucket", sa.Text, nullable=False, comment="current, 1-30, 31-60, 61-90, over 90 days past due"),
        sa.Column("ledger_amount", sa.Numeric, comment="empty: not known"),
        sa.Column("mirror_amount", sa.Numeric, comment="empty: not known"),
        sa.Column("reported_amount", sa.Numeric, comment="by the ERP's own report; empty: not known"),
        sa.Column("run_id", sa.BigInteger),
        schema=SCHEMA,
        comment="What is open by days past due in the home currency, of every reconciliation.",
    )
    sa.Index(None, aged_totals.c.connection, aged_totals.c.run_id)
    reports = sa.Table(
        "reports",
        metadata,
        sa.Column("key", sa.Text, primary_key=True, comment="its name in the object store: run and checksum"),
        _tenant(),
        sa.Column("connection", sa.Text, nullable=False),
        sa.Column("run_id", sa.BigInteger, nullable=False, comment="the reconciliation it is on"),
        sa.Column("format", sa.Text, nullable=False, comment="pdf, html, json, csv"),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        _instant("written_at"),
        schema=SCHEMA,
        comment="The files of reports that were written.",
    )
    sa.Index(None, reports.c.connection, reports.c.run_id)
    documents = sa.Table(
        "documents",
        metadata,
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("entity", sa.Text, primary_key=True),
        sa.Column("external_id", sa.Text, primary_key=True),
        _tenant(),
        sa.Column("change_seq", sa.BigInteger, nullable=False, comment="the mirror's change it was read from"),
        sa.Column("is_deleted", sa.Boolean, nullable=False),
        sa.Column(
            "is_readable", sa.Boolean, nullable=False, comment="false: no mapping can read it, the rest is empty"
        ),
        sa.Column("party_external_id", sa.Text),
        sa.Column("document_number", sa.Text),
        sa.Column("document_date", sa.Date),
        sa.Column("due_date", sa.Date),
        sa.Column("currency", sa.Text),
        sa.Column("exchange_rate", sa.Numeric),
        sa.Column("total_amount", sa.Numeric),
        sa.Column("tax_amount", sa.Numeric),
        sa.Column("open_amount", sa.Numeric, comment="still owed, or not yet applied; positive for credits too"),
        sa.Column("is_void", sa.Boolean),
        sa.Column("parts_hash", sa.Text, comment="MD5 of its lines or applications, as ledger rows are hashed"),
        sa.Column("applications", JSONB, comment="what a payment settles: entity, key, amount"),
        schema=SCHEMA,
        comment="The mirror's documents in the form in which they are compared, read again as the mirror changes.",
    )
    sa.Index(None, documents.c.connection, documents.c.entity, documents.c.change_seq)


def _tenant(*, is_key: bool = False) -> sa.Column:
    return sa.Column("tenant_id", sa.Text, primary_key=is_key, nullable=False)


def _instant(name: str, *, is_required: bool = True, default: str | None = None) -> sa.Column:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        nullable=not is_required,
        server_default=None if default is None else sa.text(default),
    )
