"""Breaks that last from run to run, what could not be compared, tolerances, ageing, and documents ready to compare.

What was `breaks` before, a row for each run and difference, is `sightings` from here on.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from sql.guards import guard

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("breaks", "statements", "tolerances", "ageing", "documents")
RENAMED = (
    "alter table reconciliation.{old} rename to {new}",
    "alter table reconciliation.{new} rename column {old_id} to {new_id}",
    "alter index reconciliation.{old}_pkey rename to {new}_pkey",
    "alter index reconciliation.{old}_result_id_idx rename to {new}_result_id_idx",
    "alter table reconciliation.{new} rename constraint {old}_result_id_fkey to {new}_result_id_fkey",
    "alter sequence reconciliation.{old}_{old_id}_seq rename to {new}_{new_id}_seq",
)


def upgrade() -> None:
    for statement in RENAMED:
        op.execute(statement.format(old="breaks", new="sightings", old_id="break_id", new_id="sighting_id"))
    op.create_table_comment(
        "sightings",
        "What differed in one result, and why. The sightings of a result add up to its difference.",
        schema="reconciliation",
    )
    op.create_table('breaks',
    sa.Column('break_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('connection', sa.Text(), nullable=False),
    sa.Column('module', sa.Text(), nullable=False, comment='ar or ap'),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('identity', sa.Text(), nullable=False, comment='what it is about; the same from run to run'),
    sa.Column('kind', sa.Text(), nullable=False, comment='what differs: missing_in_erp, total, open, party ...'),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('amount', sa.Numeric(), nullable=False, comment='erp less ledger'),
    sa.Column('severity', sa.Text(), nullable=False, comment='notice, warning, critical: by the tolerances'),
    sa.Column('entity', sa.Text(), nullable=True, comment='of the document it is about; empty if it is about a party or account'),
    sa.Column('external_id', sa.Text(), nullable=True),
    sa.Column('ledger_id', sa.BigInteger(), nullable=True),
    sa.Column('party_external_id', sa.Text(), nullable=True),
    sa.Column('party_name', sa.Text(), nullable=True),
    sa.Column('fields', JSONB(), nullable=False, comment='what differs: name, ledger, erp'),
    sa.Column('says', sa.Text(), nullable=False, comment='the difference as a sentence'),
    sa.Column('state', sa.Text(), server_default=sa.text("'open'"), nullable=False, comment='open, explained, resolved'),
    sa.Column('owner', sa.Text(), nullable=True, comment='who looks after it'),
    sa.Column('note', sa.Text(), nullable=True, comment='what a person wrote to it'),
    sa.Column('changed_by', sa.Text(), nullable=True, comment='who last owned, noted or explained it'),
    sa.Column('first_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('run_id', sa.BigInteger(), nullable=True, comment='sync.runs, which saw it last'),
    sa.PrimaryKeyConstraint('break_id', name=op.f('breaks_pkey')),
    schema='reconciliation',
    comment='Differences between both books: each one row for as long as it lasts, and again if it comes back.'
    )
    op.create_index('breaks_identity_key', 'breaks', ['connection', 'module', 'currency', 'identity'], unique=True, schema='reconciliation')
    op.create_index('breaks_unresolved_idx', 'breaks', ['connection'], unique=False, schema='reconciliation', postgresql_where=sa.text("state <> 'resolved'"))
    op.create_table('statements',
    sa.Column('statement_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('connection', sa.Text(), nullable=False),
    sa.Column('module', sa.Text(), nullable=False),
    sa.Column('cutoff_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('code', sa.Text(), nullable=False, comment='report_failed, counts_differ, empty_ledger ...'),
    sa.Column('is_blocking', sa.Boolean(), nullable=False, comment='nothing ties out while it holds'),
    sa.Column('says', sa.Text(), nullable=False),
    sa.Column('run_id', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('statement_id', name=op.f('statements_pkey')),
    schema='reconciliation',
    comment='What could not be compared, or has to be known to read a result.'
    )
    op.create_index(op.f('statements_connection_module_cutoff_at_idx'), 'statements', ['connection', 'module', 'cutoff_at'], unique=False, schema='reconciliation')
    op.create_table('tolerances',
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False, comment='empty for every currency without a row of its own'),
    sa.Column('warning_amount', sa.Numeric(), nullable=False, comment='more than this is a warning'),
    sa.Column('critical_amount', sa.Numeric(), nullable=False, comment='more than this is critical'),
    sa.Column('set_by', sa.Text(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'currency', name=op.f('tolerances_pkey')),
    schema='reconciliation',
    comment='How much a break must amount to. No row: 100 and 1,000.'
    )
    op.create_table('ageing',
    sa.Column('ageing_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('connection', sa.Text(), nullable=False),
    sa.Column('module', sa.Text(), nullable=False),
    sa.Column('book', sa.Text(), nullable=False, comment='ledger, mirror, or erp: its own report'),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('party_external_id', sa.Text(), nullable=False),
    sa.Column('party_name', sa.Text(), nullable=False),
    sa.Column('bucket', sa.Text(), nullable=False, comment='current, 1-30, 31-60, 61-90, over 90 days past due'),
    sa.Column('currency', sa.Text(), nullable=True, comment='empty where the book tells home amounts only'),
    sa.Column('amount', sa.Numeric(), nullable=True, comment='in that currency; credits are negative'),
    sa.Column('home_currency', sa.Text(), nullable=False),
    sa.Column('home_amount', sa.Numeric(), nullable=True, comment="at each document's own rate; empty where a rate is missing"),
    sa.Column('document_count', sa.BigInteger(), nullable=True),
    sa.Column('run_id', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('ageing_id', name=op.f('ageing_pkey')),
    schema='reconciliation',
    comment='The newest ageing of each book: what is open with each party, by days past due.'
    )
    op.create_index(op.f('ageing_connection_module_idx'), 'ageing', ['connection', 'module'], unique=False, schema='reconciliation')
    op.create_table('documents',
    sa.Column('connection', sa.Text(), nullable=False),
    sa.Column('entity', sa.Text(), nullable=False),
    sa.Column('external_id', sa.Text(), nullable=False),
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('change_seq', sa.BigInteger(), nullable=False, comment="the mirror's change it was read from"),
    sa.Column('is_deleted', sa.Boolean(), nullable=False),
    sa.Column('is_readable', sa.Boolean(), nullable=False, comment='false: no mapping can read it, the rest is empty'),
    sa.Column('party_external_id', sa.Text(), nullable=True),
    sa.Column('document_number', sa.Text(), nullable=True),
    sa.Column('document_date', sa.Date(), nullable=True),
    sa.Column('due_date', sa.Date(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=True),
    sa.Column('exchange_rate', sa.Numeric(), nullable=True),
    sa.Column('total_amount', sa.Numeric(), nullable=True),
    sa.Column('tax_amount', sa.Numeric(), nullable=True),
    sa.Column('open_amount', sa.Numeric(), nullable=True, comment='still owed, or not yet applied; positive for credits too'),
    sa.Column('is_void', sa.Boolean(), nullable=True),
    sa.Column('parts_hash', sa.Text(), nullable=True, comment='MD5 of its lines or applications, as ledger rows are hashed'),
    sa.Column('applications', JSONB(), nullable=True, comment='what a payment settles: entity, key, amount'),
    sa.PrimaryKeyConstraint('connection', 'entity', 'external_id', name=op.f('documents_pkey')),
    schema='reconciliation',
    comment="The mirror's documents in the form in which they are compared, read again as the mirror changes."
    )
    op.create_index(op.f('documents_connection_entity_change_seq_idx'), 'documents', ['connection', 'entity', 'change_seq'], unique=False, schema='reconciliation')
    op.add_column(
        "sightings",
        sa.Column("break_id", sa.BigInteger(), nullable=True, comment="the break seen"),
        schema="reconciliation",
    )
    op.create_foreign_key(
        "sightings_break_id_fkey",
        "sightings",
        "breaks",
        ["break_id"],
        ["break_id"],
        source_schema="reconciliation",
        referent_schema="reconciliation",
    )
    for table in TABLES:
        guard("reconciliation", table)


def downgrade() -> None:
    op.drop_column("sightings", "break_id", schema="reconciliation")
    for table in reversed(TABLES):
        op.drop_table(table, schema="reconciliation")
    for statement in RENAMED:
        op.execute(statement.format(old="sightings", new="breaks", old_id="sighting_id", new_id="break_id"))
    op.create_table_comment(
        "breaks", "What differed, and why. The breaks of a result add up to its difference.", schema="reconciliation"
    )
