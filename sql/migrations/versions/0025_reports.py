"""Reports: what each reconciliation's ageing came to, and the files that were written on it."""

import sqlalchemy as sa
from alembic import op

from sql.guards import guard

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('aged_totals',
    sa.Column('aged_total_id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('connection', sa.Text(), nullable=False),
    sa.Column('module', sa.Text(), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('home_currency', sa.Text(), nullable=False),
    sa.Column('bucket', sa.Text(), nullable=False, comment='current, 1-30, 31-60, 61-90, over 90 days past due'),
    sa.Column('ledger_amount', sa.Numeric(), nullable=True, comment='empty: not known'),
    sa.Column('mirror_amount', sa.Numeric(), nullable=True, comment='empty: not known'),
    sa.Column('reported_amount', sa.Numeric(), nullable=True, comment="by the ERP's own report; empty: not known"),
    sa.Column('run_id', sa.BigInteger(), nullable=True),
    sa.PrimaryKeyConstraint('aged_total_id', name=op.f('aged_totals_pkey')),
    schema='reconciliation',
    comment='What is open by days past due in the home currency, of every reconciliation.'
    )
    op.create_index(op.f('aged_totals_connection_run_id_idx'), 'aged_totals', ['connection', 'run_id'], schema='reconciliation')
    op.create_table('reports',
    sa.Column('key', sa.Text(), nullable=False, comment='its name in the object store: run and checksum'),
    sa.Column('tenant_id', sa.Text(), nullable=False),
    sa.Column('connection', sa.Text(), nullable=False),
    sa.Column('run_id', sa.BigInteger(), nullable=False, comment='the reconciliation it is on'),
    sa.Column('format', sa.Text(), nullable=False, comment='pdf, html, json, csv'),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('written_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('reports_pkey')),
    schema='reconciliation',
    comment='The files of reports that were written.'
    )
    op.create_index(op.f('reports_connection_run_id_idx'), 'reports', ['connection', 'run_id'], schema='reconciliation')
    for table in ('aged_totals', 'reports'):
        guard('reconciliation', table)


def downgrade() -> None:
    op.drop_table('reports', schema='reconciliation')
    op.drop_table('aged_totals', schema='reconciliation')
