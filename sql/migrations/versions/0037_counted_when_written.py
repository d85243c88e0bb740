"""What a run read, as a number beside its outcome: adding it up from the JSON of a million runs takes seconds."""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0034"
branch_labels = None
depends_on = None

FUNCTION = """
create function sync.pulled_count(outcome jsonb) returns bigint
language sql immutable parallel safe set search_path = pg_catalog as $$
  select case when jsonb_typeof(outcome) = 'object'
              then coalesce((select sum((o.value ->> 'pulled')::bigint) from jsonb_each(outcome) o), 0)::bigint end
$$;
comment on function sync.pulled_count(jsonb) is 'How many records a run read, of all entities; empty without an outcome.';
"""


def upgrade() -> None:
    op.execute(FUNCTION)
    # Generated, so that rows of every tenant get theirs: an update here would see none of them.
    op.add_column(
        "runs",
        sa.Column(
            "pulled_count",
            sa.BigInteger,
            sa.Computed("sync.pulled_count(outcome)", persisted=True),
            comment="records it read, of all entities",
        ),
        schema="sync",
    )


def downgrade() -> None:
    op.drop_column("runs", "pulled_count", schema="sync")
    op.execute("drop function sync.pulled_count(jsonb)")
