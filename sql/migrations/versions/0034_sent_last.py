"""When an intent was sent last: its latest request may be on its way for that long, whenever the first one went."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table sync.outbox add column tried_at timestamptz")
    op.execute("alter table sync.outbox no force row level security")
    op.execute("update sync.outbox set tried_at = sent_at")
    op.execute("alter table sync.outbox force row level security")
    op.execute("alter table sync.outbox alter column tried_at set not null, alter column tried_at set default now()")
    op.execute("comment on column sync.outbox.sent_at is 'when it was sent first'")
    op.execute("comment on column sync.outbox.tried_at is 'when it was sent last'")


def downgrade() -> None:
    op.execute("alter table sync.outbox drop column tried_at")
    op.execute("comment on column sync.outbox.sent_at is null")
