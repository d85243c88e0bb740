"""A company of an ERP is connected once, whoever's it is: the index sees the rows that row-level security hides."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# Which setting said so until now, by ERP.
COMPANY_KEYS = {"quickbooks": "realm_id", "xero": "tenant_id"}

TWINS = """
do $$
declare
  twins text;
begin
  select string_agg(named, '; ') into twins from (
    select erp || ' ' || company_id || ' is ' || string_agg(connection, ' and ' order by connection) as named
      from sync.connections where state <> 'removed' and company_id is not null
     group by erp, rtrim(coalesce(base_url, ''), '/'), company_id having count(*) > 1) found;
  if twins is not null then
    raise exception 'companies that are connected more than once (%), expected each once: run `tieout connections '
      'remove` for all but one of each with the version before, then this again', twins;
  end if;
end
$$
"""


def upgrade() -> None:
    op.add_column(
        "connections",
        sa.Column("company_id", sa.Text(), comment="the ERP's own id of the company, which is connected once"),
        schema="sync",
    )
    # Forced, it would show the owner none of the rows that are to be filled and looked at.
    op.execute("alter table sync.connections no force row level security")
    for erp, key in COMPANY_KEYS.items():
        op.execute(f"update sync.connections set company_id = settings ->> '{key}' where erp = '{erp}'")
    op.execute(TWINS)
    op.execute("alter table sync.connections force row level security")
    op.create_index(
        "connections_company_idx",
        "connections",
        ["erp", sa.text("rtrim(coalesce(base_url, ''::text), '/'::text)"), "company_id"],
        unique=True,
        schema="sync",
        postgresql_where=sa.text("state <> 'removed'"),
    )


def downgrade() -> None:
    op.drop_index("connections_company_idx", "connections", schema="sync")
    op.drop_column("connections", "company_id", schema="sync")
