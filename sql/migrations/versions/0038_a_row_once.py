"""A row is one record of a connection: what it was bound to besides is taken by the next merge, as a row of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

# Forced, row-level security would show the owner none of the rows that are to be looked at.
TABLES = ("bindings", "conflicts", "earlier_bindings", "errors", "outbox")

# Of several, the record that the row was made as, if it was made from here, else the one it was bound to first.
BESIDES = """
with ranked as (
  select b.ctid as place, row_number() over (
           partition by b.connection, b.entity, b.ledger_id
           order by not exists (select from sync.outbox o where o.connection = b.connection and o.entity = b.entity
                                  and o.ledger_id = b.ledger_id and o.operation = 'create' and o.state = 'done'
                                  and o.external_id = b.external_id),
                    b.bound_at, b.external_id) as place_of
    from sync.bindings b
), besides as (
  delete from sync.bindings b using ranked where b.ctid = ranked.place and ranked.place_of > 1
  returning b.tenant_id, b.connection, b.entity, b.external_id, b.ledger_id
)
insert into sync.errors (tenant_id, connection, entity, external_id, stage, kind, code, severity, is_retryable, field,
                         found, expected, message, next_step)
select tenant_id, connection, entity, external_id, 'merge', 'mapping', 'SYNC_004', 'error', false, 'the whole record',
       'a row that is another record already', 'a record that is a row of its own',
       format('%s: merging %s/%s: found that row %s is another record already, expected a row of its own',
              connection, entity, external_id, ledger_id),
       'nothing: the next sync enters it as a row of its own'
  from besides
on conflict (connection, entity, external_id, stage) where resolved_at is null do nothing
"""


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"alter table sync.{table} no force row level security")
    op.execute(BESIDES)
    # What a question lists is decided as it was shown: the next check of conflicts notes which versions those are.
    op.execute("update sync.conflicts set checked_at = null where state = 'open' and kind = 'possible_duplicate'")
    for table in TABLES:
        op.execute(f"alter table sync.{table} force row level security")
    op.create_index(
        "bindings_row_idx", "bindings", ["connection", "entity", "ledger_id"], unique=True, schema="sync"
    )


def downgrade() -> None:
    op.drop_index("bindings_row_idx", "bindings", schema="sync")
