"""Both books as of any instant: times of versions that never run backwards, earlier bindings, closed months."""

import sqlalchemy as sa
from alembic import op

from sql.guards import guard

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# A transaction's time is when it began. One that began first and waited for another's row would replace a version that
# is younger than itself: so a version begins when its transaction did, and never before the one that it replaces.
MONOTONIC = """
create or replace function sync.count_version() returns trigger language plpgsql as $$
begin
  new.version := old.version + 1;
  new.changed_at := greatest(now(), old.changed_at);
  return new;
end
$$;

create or replace function sync.touch() returns trigger language plpgsql as $$
begin
  new.changed_at := greatest(now(), old.changed_at);
  return new;
end
$$;

create or replace function sync.keep_history() returns trigger language plpgsql
security definer set search_path = pg_catalog as $$
begin
  execute format(
    'insert into %I.%I (%s, replaced_at) select %s, greatest(now(), %I) from replaced',
    tg_table_schema, tg_table_name || '_history', tg_argv[0], tg_argv[0],
    case tg_table_schema when 'mirror' then 'seen_at' else 'changed_at' end
  );
  return null;
end
$$;
"""
AS_BEFORE = """
create or replace function sync.count_version() returns trigger language plpgsql as $$
begin
  new.version := old.version + 1;
  new.changed_at := now();
  return new;
end
$$;

create or replace function sync.touch() returns trigger language plpgsql as $$
begin
  new.changed_at := now();
  return new;
end
$$;

create or replace function sync.keep_history() returns trigger language plpgsql
security definer set search_path = pg_catalog as $$
begin
  execute format(
    'insert into %I.%I (%s) select %s from replaced',
    tg_table_schema, tg_table_name || '_history', tg_argv[0], tg_argv[0]
  );
  return null;
end
$$;
"""
KEEP_BINDING = """
create function sync.keep_binding() returns trigger language plpgsql
security definer set search_path = pg_catalog as $$
begin
  insert into sync.earlier_bindings (tenant_id, connection, entity, external_id, ledger_id, bound_at, unbound_at)
  values (old.tenant_id, old.connection, old.entity, old.external_id, old.ledger_id, old.bound_at,
          greatest(now(), old.bound_at));
  if tg_op = 'UPDATE' then
    new.bound_at := greatest(now(), old.bound_at);
    return new;
  end if;
  return old;
end
$$;

create trigger keep_binding_on_update before update on sync.bindings
  for each row when (old.ledger_id <> new.ledger_id) execute function sync.keep_binding();
create trigger keep_binding_on_delete before delete on sync.bindings
  for each row execute function sync.keep_binding();
"""


def _text(name: str, **more: object) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=False, **more)


def _at(name: str, **more: object) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, **more)


def upgrade() -> None:
    op.execute(MONOTONIC)
    op.create_table(
        "earlier_bindings",
        sa.Column("earlier_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        _text("tenant_id"),
        _text("connection"),
        _text("entity"),
        _text("external_id"),
        sa.Column("ledger_id", sa.BigInteger(), nullable=False),
        _at("bound_at"),
        _at("unbound_at"),
        sa.PrimaryKeyConstraint("earlier_id", name=op.f("earlier_bindings_pkey")),
        schema="sync",
        comment="Which record there was which row here, until when; written by trigger.",
    )
    op.create_index(
        op.f("earlier_bindings_connection_entity_idx"), "earlier_bindings", ["connection", "entity"], schema="sync"
    )
    guard("sync", "earlier_bindings")
    op.execute(KEEP_BINDING)
    op.create_table(
        "closings",
        sa.Column("closing_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        _text("tenant_id"),
        _text("connection"),
        _text("module", comment="ar or ap"),
        sa.Column("month_end_date", sa.Date(), nullable=False, comment="the last day of the closed month"),
        _at("closed_at", comment="the instant whose books are the closed ones"),
        _text("home_currency"),
        _text("kept_by"),
        _at("kept_at", server_default=sa.text("clock_timestamp()")),
        sa.PrimaryKeyConstraint("closing_id", name=op.f("closings_pkey")),
        schema="reconciliation",
        comment="Closed months: what both books said of a month's last evening, as they stood when it was closed.",
    )
    op.create_index(
        "closings_instant_key",
        "closings",
        ["connection", "module", "month_end_date", "closed_at"],
        unique=True,
        schema="reconciliation",
    )
    op.create_table(
        "closing_figures",
        sa.Column("closing_id", sa.BigInteger(), nullable=False),
        _text("book", comment="ledger or mirror"),
        _text("party_external_id"),
        _text("currency"),
        _text("bucket", comment="current, 1-30, 31-60, 61-90, over 90 days past due"),
        _text("tenant_id"),
        sa.Column("amount", sa.Numeric(), nullable=False, comment="in that currency; credits are negative"),
        sa.Column("home_amount", sa.Numeric(), nullable=True, comment="empty where a rate is missing"),
        sa.ForeignKeyConstraint(
            ["closing_id"],
            ["reconciliation.closings.closing_id"],
            name=op.f("closing_figures_closing_id_fkey"),
        ),
        sa.PrimaryKeyConstraint(
            "closing_id", "book", "party_external_id", "currency", "bucket", name=op.f("closing_figures_pkey")
        ),
        schema="reconciliation",
        comment="The figures of closed months, which recomputing has to give again.",
    )
    guard("reconciliation", "closings")
    guard("reconciliation", "closing_figures")


def downgrade() -> None:
    op.drop_table("closing_figures", schema="reconciliation")
    op.drop_table("closings", schema="reconciliation")
    op.execute("drop trigger keep_binding_on_update on sync.bindings")
    op.execute("drop trigger keep_binding_on_delete on sync.bindings")
    op.execute("drop function sync.keep_binding()")
    op.drop_table("earlier_bindings", schema="sync")
    op.execute(AS_BEFORE)
