"""Master data bound in several connections: what wakes a push must see which of them have still to be told."""

from alembic import op

from sql.guards import FLEET_ROLE, let_the_fleet_see

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Whether a company has a row's version, and whether an open error holds it there: names, ids and versions.
SEEN = {
    "bindings": ("connection", "entity", "ledger_id", "ledger_version"),
    "errors": ("connection", "entity", "external_id", "stage", "resolved_at"),
}


def upgrade() -> None:
    for table, columns in SEEN.items():
        let_the_fleet_see("sync", table, columns)


def downgrade() -> None:
    for table, columns in SEEN.items():
        op.execute(f"drop policy whole_fleet on sync.{table}")
        op.execute(f"revoke select ({', '.join(columns)}) on sync.{table} from {FLEET_ROLE}")
