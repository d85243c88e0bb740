"""Master data bound in several connections: what wakes a push must see which of them have still to be told."""

from alembic import op

from sql.guards import let_the_fleet_read

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None

TABLES = ("bindings", "errors")


def upgrade() -> None:
    for table in TABLES:
        let_the_fleet_read("sync", table)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"drop policy whole_fleet on sync.{table}")
