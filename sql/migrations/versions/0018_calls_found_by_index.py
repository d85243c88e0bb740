"""The next free call, and the calls that a holder gives back, are found without reading all of a company's."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("api_slots_free_idx", "api_slots", ["company", "lane", "free_at"], schema="sync")
    is_held = sa.text("holder is not null")
    op.create_index("api_slots_holder_idx", "api_slots", ["holder"], schema="sync", postgresql_where=is_held)


def downgrade() -> None:
    op.drop_index("api_slots_holder_idx", "api_slots", schema="sync")
    op.drop_index("api_slots_free_idx", "api_slots", schema="sync")
