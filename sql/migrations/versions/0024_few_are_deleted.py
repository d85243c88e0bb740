"""The few documents that are deleted are found without reading all: the views of parts leave out what is theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

WITH_PARTS = ("invoices", "credit_memos", "payments", "bills", "vendor_credits", "bill_payments", "purchase_orders")


def upgrade() -> None:
    for entity in WITH_PARTS:
        op.create_index(
            f"{entity}_deleted_idx", entity, ["ledger_id"], schema="ledger", postgresql_where=sa.text("is_deleted")
        )


def downgrade() -> None:
    for entity in WITH_PARTS:
        op.drop_index(f"{entity}_deleted_idx", entity, schema="ledger")
