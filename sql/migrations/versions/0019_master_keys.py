"""Which master keys anything may be sealed with: a wrong one is known at the start, one taken away seals no more."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SEALED = ("secrets", "token_journal")
KEY_OF_EACH = "which master key wraps its data key"


def upgrade() -> None:
    op.create_table(
        "master_keys",
        sa.Column("key_id", sa.Text(), nullable=False, comment="hash of a key in memory, or the name of one in a service"),
        sa.Column("sealed_check", sa.LargeBinary(), comment="something sealed with it; null: not seen since this is kept"),
        sa.Column(
            "since", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("key_id", name="master_keys_pkey"),
        schema="sync",
        comment="The master keys that anything may be sealed with: whoever starts must be able to open all of them.",
    )
    op.execute("grant select, insert, update, delete on sync.master_keys to tieout_app")
    for table in SEALED:
        op.execute(f"alter table sync.{table} no force row level security")
        op.execute(f"insert into sync.master_keys (key_id) select distinct key_id from sync.{table} on conflict do nothing")
        op.create_foreign_key(
            f"{table}_key_id_fkey", table, "master_keys", ["key_id"], ["key_id"], source_schema="sync", referent_schema="sync"
        )
        op.execute(f"alter table sync.{table} force row level security")
    op.alter_column("token_journal", "key_id", schema="sync", comment=KEY_OF_EACH)


def downgrade() -> None:
    op.alter_column("token_journal", "key_id", schema="sync", comment=None, existing_comment=KEY_OF_EACH)
    for table in SEALED:
        op.drop_constraint(f"{table}_key_id_fkey", table, schema="sync", type_="foreignkey")
    op.drop_table("master_keys", schema="sync")
