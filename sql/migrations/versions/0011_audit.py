"""The audit: what was done to either book, append-only, each entry sealed together with the one before it."""

import sqlalchemy as sa
from alembic import op

from sql.guards import keep_tenants_apart

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

FUNCTIONS = """
create function sync.seal_audit(
  previous_hash bytea, tenant_id text, seq bigint, at timestamptz, actor text, login text, action text,
  connection text, entity text, ledger_id bigint, external_id text, detail text
) returns bytea language sql stable set search_path = pg_catalog as $$
  select sha256(previous_hash || convert_to(jsonb_build_array(
    tenant_id, seq, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), actor, login, action,
    connection, entity, ledger_id, external_id, detail
  )::text, 'UTF8'))
$$;
comment on function sync.seal_audit is
  'SHA-256 of an entry of sync.audit and of the hash before it; resources/stores/audit.py checks it by its own words.';

create function sync.append_audit(
  tenant text, actor text, action text, connection text, entity text, ledger_id bigint, external_id text, detail text
) returns bigint language plpgsql security definer set search_path = pg_catalog as $$
declare
  head sync.audit_heads;
  now_at timestamptz;
  seal bytea;
begin
  if tenant is distinct from sync.current_tenant() then
    raise exception 'appending to the audit: found tenant %, expected %: open a transaction of that tenant',
      tenant, coalesce(sync.current_tenant(), 'none') using errcode = 'insufficient_privilege';
  end if;
  select * into head from sync.audit_heads h where h.tenant_id = tenant for update;
  if not found then
    insert into sync.audit_heads (tenant_id, seq, hash) values (tenant, 0, decode(repeat('00', 32), 'hex'))
    on conflict do nothing;
    select * into strict head from sync.audit_heads h where h.tenant_id = tenant for update;
  end if;
  -- Read under the lock, so that times stand in the order of the entries as far as the clock allows.
  now_at := clock_timestamp();
  seal := sync.seal_audit(
    head.hash, tenant, head.seq + 1, now_at, actor, session_user::text, action, connection, entity, ledger_id,
    external_id, detail
  );
  insert into sync.audit (
    tenant_id, seq, at, actor, login, action, connection, entity, ledger_id, external_id, detail, previous_hash, hash
  ) values (
    tenant, head.seq + 1, now_at, actor, session_user::text, action, connection, entity, ledger_id, external_id,
    detail, head.hash, seal
  );
  update sync.audit_heads h set seq = head.seq + 1, hash = seal where h.tenant_id = tenant;
  return head.seq + 1;
end
$$;
comment on function sync.append_audit is
  'The only way into sync.audit. Locks the tenant''s head until the transaction ends: call it last.';

create function sync.refuse_audit_change() returns trigger language plpgsql as $$
begin
  -- Nested, because only the heads have a number to compare.
  if tg_table_name = 'audit_heads' and tg_op = 'UPDATE' then
    if new.tenant_id = old.tenant_id and new.seq = old.seq + 1 then
      return new;
    end if;
  end if;
  raise exception '%: found %, expected entries to be appended and nothing else: sync.append_audit does that',
    tg_table_schema || '.' || tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end
$$;
"""


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="counts the tenant's entries from 1, without gaps"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="a person, an application, or sync:<connection>"),
        sa.Column("login", sa.Text(), nullable=False, comment="the database login it came through"),
        sa.Column("action", sa.Text(), nullable=False, comment="what was done, such as push.create or switch.off"),
        sa.Column("connection", sa.Text(), nullable=True),
        sa.Column("entity", sa.Text(), nullable=True),
        sa.Column("ledger_id", sa.BigInteger(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False, comment="the rest, as JSON"),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False, comment="hash of the entry before, 32 zeros before the first"),
        sa.Column("hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of previous_hash and this entry"),
        sa.PrimaryKeyConstraint("tenant_id", "seq", name="audit_pkey"),
        schema="sync",
        comment="What was done to either book. Append-only; a changed, missing or moved entry breaks the chain.",
    )
    op.create_index(
        "audit_entity_ledger_id_idx",
        "audit",
        ["entity", "ledger_id"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("ledger_id is not null"),
    )
    op.create_table(
        "audit_heads",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="audit_heads_pkey"),
        schema="sync",
        comment="The last entry of each tenant's audit: says that none is missing behind it.",
    )
    op.execute(FUNCTIONS)
    for table in ("audit", "audit_heads"):
        keep_tenants_apart("sync", table)
        op.execute(f"grant select on sync.{table} to tieout_app")
        for name, events, each in (
            ("refuse_change", "update or delete", "row"),
            ("refuse_truncate", "truncate", "statement"),
        ):
            op.execute(
                f"create trigger {name} before {events} on sync.{table} "
                f"for each {each} execute function sync.refuse_audit_change()"
            )
    op.execute("revoke all on function sync.append_audit from public")
    op.execute("grant execute on function sync.append_audit to tieout_app")


def downgrade() -> None:
    op.execute("drop function sync.append_audit")
    op.drop_table("audit_heads", schema="sync")
    op.drop_table("audit", schema="sync")
    op.execute("drop function sync.refuse_audit_change()")
    op.execute("drop function sync.seal_audit")
