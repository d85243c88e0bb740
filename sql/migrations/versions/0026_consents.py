"""Connecting by OAuth: the app of a tenant, consents that were begun, a connection that was disconnected."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from sql.guards import guard

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "apps",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("erp", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), comment="where a simulator listens; empty for the ERP itself"),
        sa.Column("settings", JSONB(), nullable=False, comment="what is not secret, in the ERP's own words"),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "erp", name="apps_pkey"),
        schema="sync",
        comment="The app of a tenant by which companies of an ERP are connected; its secrets are in sync.secrets.",
    )
    op.create_table(
        "consents",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("state_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the state that went to the ERP"),
        sa.Column("erp", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False, comment="what is to be connected, or connected again"),
        sa.Column("begun_by", sa.Text(), nullable=False),
        sa.Column(
            "browser_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of what its browser was given"
        ),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("return_to", sa.Text(), nullable=False, comment="a path of our own; empty: none"),
        sa.Column(
            "begun_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), comment="when its answer came: it is taken once"),
        sa.Column("choices", JSONB(), comment="the companies a person is to choose from"),
        sa.Column("chosen_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("state_hash", name="consents_pkey"),
        schema="sync",
        comment="Consents that were begun: who asked, and whether the answer has come.",
    )
    for table in ("apps", "consents"):
        guard("sync", table)
    op.execute(
        "comment on column sync.connections.state is 'active, paused, reconnect, disconnected, removed'"
    )


def downgrade() -> None:
    op.execute("comment on column sync.connections.state is 'active, paused, reconnect, removed'")
    op.execute("alter table sync.connections no force row level security")
    op.execute("update sync.connections set state = 'reconnect' where state = 'disconnected'")
    op.execute("alter table sync.connections force row level security")
    op.drop_table("consents", schema="sync")
    op.drop_table("apps", schema="sync")
