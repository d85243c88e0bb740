"""Every table, as SQLAlchemy metadata: the ledger's and the mirror's from the entity specs, the rest by hand.

Belongs here: the shape of what is stored. Does not: triggers, row-level security and roles (they are in the migrations,
which a test holds equal to this) and any query.

Schemas: `mirror` (what ERPs sent), `ledger` (our book), `sync` (how the two are kept in step), `reconciliation`
(what was compared, and what differed).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON, JSONB

from ledger.entities import REFERENCE_ENTITIES
from ledger.spec import EntitySpec, FieldSpec, PartSpec, RefersTo, RefersToAny, entities, parent_column
from resources.stores.tables_audit import define_audit_tables
from resources.stores.tables_console import define_console_tables
from resources.stores.tables_gateway import define_gateway_tables
from resources.stores.tables_push import define_push_tables
from resources.stores.tables_reconciliation import define_reconciliation_tables
from resources.stores.tables_secrets import define_secret_tables

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

MIRRORED = tuple(e.name for e in entities()) + REFERENCE_ENTITIES
_COLUMN_TYPES = {str: sa.Text, int: sa.BigInteger, bool: sa.Boolean, Decimal: sa.Numeric, date: sa.Date}


def _instant(name: str, *, is_required: bool = True, default: str | None = None) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not is_required, server_default=_text(default))


def _text(default: str | None) -> sa.TextClause | None:
    return None if default is None else sa.text(default)


def _tenant(default: str | None = None) -> sa.Column:
    return sa.Column("tenant_id", sa.Text, nullable=False, server_default=_text(default))


def _column(field: FieldSpec, *, has_key: bool = False) -> sa.Column:
    """A column of a record, or of a part. What documents and their parts refer to is resolved by the merge, asked of
    others by triggers and watched by the quality suites instead of by foreign keys: on every line of every document
    those cost as much as all the rest of writing it.
    """
    if field.reference is not None:
        target = (
            [sa.ForeignKey(f"ledger.{field.reference.entity}.ledger_id")]
            if has_key and isinstance(field.reference, RefersTo)
            else []
        )
        return sa.Column(field.column, sa.BigInteger, *target, nullable=field.is_optional, comment=field.says or None)
    default = None
    if field.default is not msgspec.NODEFAULT and field.default is not None:
        literal = {True: "true", False: "false"}.get(field.default) if field.kind is bool else f"{field.default}"
        default = f"'{literal}'" if field.kind is str else literal
    return sa.Column(
        field.name,
        _COLUMN_TYPES[field.kind],
        nullable=field.is_optional,
        server_default=_text(default),
        comment=field.says or None,
    )


def _ledger_tables(spec: EntitySpec) -> None:
    """The entity's table, one for each kind of part, and the history of each."""
    own = [
        sa.Column("ledger_id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _tenant("sync.current_tenant()"),
        *[_column(f, has_key=not spec.is_document) for f in spec.fields],
        sa.Column(
            "is_deleted",
            sa.Boolean,
            nullable=False,
            server_default=sa.text("false"),
            comment="gone in the ERP, kept here",
        ),
        sa.Column("version", sa.BigInteger, nullable=False, server_default=sa.text("1"), comment="counts every change"),
        sa.Column(
            "changed_by",
            sa.Text,
            nullable=False,
            server_default=sa.text("sync.current_actor()"),
            comment="a person, an application, or sync:<connection>",
        ),
        _instant("changed_at", default="now()"),
        sa.Column(
            "connection",
            sa.Text,
            comment="the company it belongs to; empty in a new row means the tenant's only one",
        ),
        sa.Column("run_id", sa.BigInteger, comment="sync.runs, where the sync wrote it"),
    ]
    table = sa.Table(spec.name, metadata, *own, schema="ledger", comment=spec.says)
    for field in spec.fields:
        if field.reference is not None:
            sa.Index(None, table.c[field.column])
    _history_of(table)
    if spec.parts:
        sa.Index(f"{spec.name}_deleted_idx", table.c.ledger_id, postgresql_where=sa.text("is_deleted"))
    for part in spec.parts:
        _part_tables(spec, part)


def _part_tables(spec: EntitySpec, part: PartSpec) -> None:
    parent = parent_column(spec)
    table = sa.Table(
        spec.part_table_names[part.name],
        metadata,
        sa.Column("part_id", sa.BigInteger, sa.Identity(), primary_key=True),
        # No foreign key: the sync writes parts of what it has just written, whoever else writes them a trigger asks.
        sa.Column(parent, sa.BigInteger, nullable=False),
        sa.Column(
            "part_key",
            sa.Text,
            nullable=False,
            server_default=sa.text("sync.new_part_key()"),
            comment="the ERP's line id, # and the position, or ~ and a number of ours until the ERP has numbered it",
        ),
        _tenant("sync.current_tenant()"),
        *[_column(f) for f in part.fields],
        _instant("changed_at", default="now()"),
        sa.UniqueConstraint(parent, "part_key"),
        schema="ledger",
        comment=part.says,
    )
    for field in part.fields:
        if isinstance(field.reference, RefersToAny):
            # Parts that name a document which has not arrived: few, looked through after every merge.
            sa.Index(
                f"{table.name}_loose_idx",
                table.c[field.reference.entity_field],
                postgresql_where=sa.text(f"{field.column} is null"),
            )
    _history_of(table)


def _history_of(table: sa.Table) -> None:
    """Earlier versions of a table's rows: its columns, none of its constraints, and when each was replaced."""
    columns = [sa.Column(c.name, c.type, nullable=True) for c in table.columns]
    key = [c.name for c in table.primary_key.columns]
    history = sa.Table(
        f"{table.name}_history",
        metadata,
        sa.Column("history_id", sa.BigInteger, sa.Identity(), primary_key=True),
        *columns,
        _instant("replaced_at", default="now()"),
        schema=table.schema,
        comment=f"Earlier versions of {table.schema}.{table.name}, written by trigger.",
    )
    sa.Index(None, *[history.c[name] for name in key])


def _mirror_tables(entity: str) -> None:
    table = sa.Table(
        entity,
        metadata,
        sa.Column("connection", sa.Text, primary_key=True),
        sa.Column("external_id", sa.Text, primary_key=True),
        _tenant(),
        sa.Column("version_token", sa.Text, comment="what the ERP checks on write"),
        sa.Column("modified_at", sa.DateTime(timezone=True), comment="by the ERP's clock"),
        sa.Column("content_hash", sa.LargeBinary, nullable=False, comment="SHA-256 of the payload as sent"),
        sa.Column("payload", JSON, nullable=False, comment="the record as sent"),
        sa.Column("is_deleted", sa.Boolean, nullable=False, server_default=sa.text("false"), comment="a tombstone"),
        sa.Column(
            "change_seq",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("nextval('mirror.change_seq')"),
            comment="order in which changes arrived; the merge reads on from the last one it took",
        ),
        _instant("seen_at", default="now()"),
        sa.Column("run_id", sa.BigInteger, comment="sync.runs"),
        schema="mirror",
        comment=f"{entity} as each connection sent them, newest version of each.",
    )
    sa.Index(None, table.c.connection, table.c.change_seq)
    _history_of(table)


sa.Sequence("change_seq", schema="mirror", metadata=metadata, data_type=sa.BigInteger)

sa.Table(
    "tenants",
    metadata,
    sa.Column("tenant_id", sa.Text, primary_key=True),
    _instant("created_at", default="now()"),
    schema="sync",
    comment="Whose books these are.",
)
sa.Table(
    "role_tenants",
    metadata,
    sa.Column("role_name", sa.Text, primary_key=True),
    sa.Column("tenant_id", sa.Text, nullable=False),
    schema="sync",
    comment="Database roles that are bound to one tenant, whatever their session says.",
)
sa.Table(
    "connections",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    _tenant(),
    sa.Column("erp", sa.Text, nullable=False),
    sa.Column("base_url", sa.Text, comment="where a simulator listens; empty for the ERP itself"),
    sa.Column("settings", JSONB, nullable=False, comment="what is not secret, in the ERP's own words"),
    sa.Column(
        "state",
        sa.Text,
        nullable=False,
        server_default=sa.text("'active'"),
        comment="active, paused, reconnect, disconnected, removed",
    ),
    sa.Column("partition_key", sa.Text, nullable=False, comment="what is synced together; its own name by default"),
    sa.Column("company_name", sa.Text),
    sa.Column("home_currency", sa.Text),
    sa.Column(
        "meeting",
        sa.Text,
        nullable=False,
        server_default=sa.text("'done'"),
        comment="pending: books that know nothing of each other yet, nothing is merged or pushed; done",
    ),
    sa.Column("pull_interval_seconds", sa.Integer, nullable=False),
    _instant("next_pull_at", default="now()"),
    sa.Column(
        "next_push_at",
        sa.DateTime(timezone=True),
        nullable=False,
        server_default=sa.text("now()"),
        comment="while an error stops all pushes: when the next may be woken",
    ),
    _instant("created_at", default="now()"),
    sa.Column(
        "taken_in_at", sa.DateTime(timezone=True), comment="when all its books were here: what comes later is news"
    ),
    sa.Column("company_id", sa.Text, comment="the ERP's own id of the company, which is connected once"),
    # Across all tenants. A company at a simulator is another one than that of the same id at the ERP.
    sa.Index(
        "connections_company_idx",
        "erp",
        sa.text("rtrim(coalesce(base_url, ''::text), '/'::text)"),
        "company_id",
        unique=True,
        postgresql_where=sa.text("state <> 'removed'"),
    ),
    schema="sync",
    comment="ERP companies we talk to.",
)
sa.Table(
    "cursors",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("entity", sa.Text, primary_key=True),
    _tenant(),
    sa.Column("watermark", sa.DateTime(timezone=True), comment="all the ERP changed before this has been stored"),
    sa.Column("merged_seq", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("is_census_due", sa.Boolean, nullable=False, server_default=sa.text("false")),
    _instant("pulled_at", is_required=False),
    _instant("census_at", is_required=False),
    sa.Column(
        "reread_from",
        sa.DateTime(timezone=True),
        comment="how far was read under a clock that stands behind the watermark: it was set back",
    ),
    sa.Column(
        "census_failures",
        sa.Integer,
        nullable=False,
        server_default=sa.text("0"),
        comment="how many censuses have failed since one ran to its end",
    ),
    sa.Column(
        "census_again_at",
        sa.DateTime(timezone=True),
        comment="before this, a census that failed is not taken again by itself",
    ),
    schema="sync",
    comment="How far each connection and entity has been read and merged.",
)
sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("owner", sa.Text),
    _instant("expires_at"),
    schema="sync",
    comment="Who works on what, until when. Every commit of the work checks the epoch.",
)
_bindings = sa.Table(
    "bindings",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("entity", sa.Text, primary_key=True),
    sa.Column("external_id", sa.Text, primary_key=True),
    _tenant(),
    sa.Column("ledger_id", sa.BigInteger, nullable=False),
    sa.Column(
        "base",
        sa.Text,
        comment="the canonical record both sides last agreed on, as JSON; empty: what the mirror's base_seq says",
    ),
    sa.Column("base_seq", sa.BigInteger, comment="the mirror's change that both sides last agreed on"),
    sa.Column("version_token", sa.Text, comment="the ERP's token of that base"),
    sa.Column("ledger_version", sa.BigInteger, nullable=False, comment="the ledger row's version of that base"),
    _instant("bound_at", default="now()"),
    schema="sync",
    comment="Which record there is which row here.",
)
# The connection last: no plan may take it for a way to a record's id, not even one made while the table is empty.
sa.Index("bindings_row_idx", _bindings.c.entity, _bindings.c.ledger_id, _bindings.c.connection, unique=True)
sa.Table(
    "earlier_bindings",
    metadata,
    sa.Column("earlier_id", sa.BigInteger, sa.Identity(), primary_key=True),
    _tenant(),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("external_id", sa.Text, nullable=False),
    sa.Column("ledger_id", sa.BigInteger, nullable=False),
    _instant("bound_at"),
    _instant("unbound_at"),
    sa.Index(None, "connection", "entity"),
    schema="sync",
    comment="Which record there was which row here, until when; written by trigger.",
)
sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.BigInteger, sa.Identity(), primary_key=True),
    _tenant(),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False, comment="delta, full, window or reconcile"),
    sa.Column("dagster_run_id", sa.Text),
    _instant("started_at", default="clock_timestamp()"),
    _instant("ended_at", is_required=False),
    sa.Column("state", sa.Text, nullable=False, server_default=sa.text("'running'"), comment="running, done, failed"),
    sa.Column("api_calls", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("outcome", JSONB, comment="by entity: pulled, inserted, updated, deleted, held, seconds"),
    sa.Column(
        "pulled_count",
        sa.BigInteger,
        sa.Computed("sync.pulled_count(outcome)", persisted=True),
        comment="records it read, of all entities",
    ),
    sa.Index("runs_connection_started_at_idx", "connection", sa.text("started_at desc")),
    schema="sync",
    comment="The sync log.",
)
sa.Table(
    "errors",
    metadata,
    sa.Column("error_id", sa.BigInteger, sa.Identity(), primary_key=True),
    _tenant(),
    sa.Column("connection", sa.Text, nullable=False),
    sa.Column("entity", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("external_id", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("stage", sa.Text, nullable=False, comment="pull, merge, push, reconcile"),
    sa.Column("kind", sa.Text, nullable=False, comment="connection, timeout, validation, mapping, ..."),
    sa.Column("code", sa.Text, nullable=False, comment="SYNC_001 and so on"),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("is_retryable", sa.Boolean, nullable=False),
    sa.Column("field", sa.Text),
    sa.Column("found", sa.Text),
    sa.Column("expected", sa.Text),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("next_step", sa.Text),
    sa.Column("raw", sa.Text, comment="what could not be stored in the mirror, as text"),
    sa.Column("occurrences", sa.Integer, nullable=False, server_default=sa.text("1")),
    _instant("first_seen_at", default="now()"),
    _instant("last_seen_at", default="now()"),
    _instant("resolved_at", is_required=False),
    sa.Column("run_id", sa.BigInteger),
    sa.Index(
        "errors_open_key",
        "connection",
        "entity",
        "external_id",
        "stage",
        unique=True,
        postgresql_where=sa.text("resolved_at is null"),
    ),
    sa.Index(
        "errors_held_by_push_idx",
        "connection",
        "error_id",
        postgresql_where=sa.text("resolved_at is null and stage = 'push'"),
    ),
    schema="sync",
    comment="What failed, or is held, until it is resolved.",
)
sa.Table(
    "verdicts",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("entity", sa.Text, primary_key=True),
    sa.Column("check_name", sa.Text, primary_key=True),
    _tenant(),
    sa.Column("is_passed", sa.Boolean, nullable=False),
    sa.Column("failed_count", sa.BigInteger, nullable=False),
    sa.Column("sample", JSONB, nullable=False, comment="ledger ids of the first failing rows"),
    _instant("checked_at", default="clock_timestamp()"),
    sa.Column("is_blocking", sa.Boolean, nullable=False, server_default=sa.text("true")),
    sa.Column("says", sa.Text, nullable=False, server_default=sa.text("''"), comment="what was expected"),
    sa.Column("row_count", sa.BigInteger, nullable=False, server_default=sa.text("0"), comment="rows looked at"),
    sa.Column("page", sa.Text, comment="where Data Docs shows it"),
    schema="sync",
    comment="The last verdict of each data-quality check; reconciliation asks here.",
)
sa.Table(
    "failing_rows",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("entity", sa.Text, primary_key=True),
    sa.Column("check_name", sa.Text, primary_key=True),
    sa.Column("row_key", sa.Text, primary_key=True, comment="its ledger id, or table/id of what is no row of it"),
    _tenant(),
    sa.Column("external_id", sa.Text),
    sa.Column("called", sa.Text, comment="its number or name"),
    sa.Column("found", JSONB, nullable=False, comment="what the check looks at, as it stood then"),
    _instant("first_seen_at", default="now()"),
    _instant("last_seen_at", default="now()"),
    _instant("cleared_at", is_required=False),
    schema="sync",
    comment="Rows that failed a data-quality check, and when they stopped failing.",
)
for _spec in entities():
    _ledger_tables(_spec)
for _entity in MIRRORED:
    _mirror_tables(_entity)
define_push_tables(metadata)
define_reconciliation_tables(metadata)
define_audit_tables(metadata)
define_secret_tables(metadata)
define_gateway_tables(metadata)
define_console_tables(metadata)
