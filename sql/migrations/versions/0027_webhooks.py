"""Webhooks out: who is told, of what, and how that stands. What happened is written down by triggers, with the change.

A statement that changes the books asks once whether anybody of the tenant is told of anything; if not, nothing more
is done. If so, its rows become events in one statement.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from sql.guards import guard, let_the_fleet_see

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLES = ("webhooks", "events", "deliveries")
# They run with their owner's rights: an outsider may use neither schema sync nor what webhooks there are.
FUNCTIONS = """
create function sync.has_webhooks() returns boolean language sql stable security definer
set search_path = pg_catalog as $$
  select exists (select from sync.webhooks where is_enabled)
$$;
comment on function sync.has_webhooks() is
  'Whether anybody of this tenant is told of anything: asked once a statement, before its rows are looked at.';

create function sync.as_told(of_row jsonb) returns jsonb language sql immutable set search_path = pg_catalog as $$
  select jsonb_object_agg(key, case when jsonb_typeof(value) = 'number' and (key like '%amount' or key = 'exchange_rate')
                                    then to_jsonb(value #>> '{}') else value end)
    from jsonb_each(of_row) where key not in ('tenant_id', 'run_id')
$$;
comment on function sync.as_told(jsonb) is 'A row as an event tells it: amounts as texts, nothing of how it is kept.';

-- Taking events down and whom to tell, for one statement: `told` has them in the order in which they are told.
create type sync.told as (type text, tenant_id text, subject text, connection text, data jsonb);
create function sync.tell(told sync.told[]) returns void language sql security definer
set search_path = pg_catalog as $$
  with new as (
    insert into sync.events (type, tenant_id, subject, connection, data)
    select t.type, t.tenant_id, t.subject, t.connection, t.data from unnest(told) with ordinality t
     where exists (select from sync.webhooks h where h.is_enabled and h.tenant_id = t.tenant_id and t.type = any(h.events))
     order by t.ordinality
    returning seq, tenant_id, type, subject
  )
  insert into sync.deliveries (tenant_id, webhook_id, seq, subject)
  select e.tenant_id, h.webhook_id, e.seq, e.subject from new e
    join sync.webhooks h on h.is_enabled and h.tenant_id = e.tenant_id and e.type = any(h.events)
   order by e.seq
$$;
revoke all on function sync.tell(sync.told[]) from public;

create function sync.tell_of_document() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
declare
  noun text := rtrim(tg_table_name, 's');
begin
  -- What a company brought when it was first read is its stock, and no news. Nobody but the sync can sign as it.
  if tg_op = 'INSERT' then
    perform sync.tell(array_agg(
      (n.type, w.tenant_id, tg_table_name || '/' || w.ledger_id, w.connection, sync.as_told(to_jsonb(w)))::sync.told
      order by w.ledger_id, n.place))
      from written w
      cross join lateral (values
        (1, 'invoice.created', noun = 'invoice'),
        (2, 'payment.received', noun = 'payment' and not (to_jsonb(w) ->> 'is_void')::boolean),
        (3, 'bill.approved', noun = 'bill' and sync.is_owed(to_jsonb(w)))
      ) as n (place, type, is_so)
     where n.is_so and (w.changed_by not like 'sync:%' or exists (
       select from sync.connections c where c.connection = w.connection and c.taken_in_at is not null));
  else
    perform sync.tell(array_agg(
      (n.type, w.tenant_id, tg_table_name || '/' || w.ledger_id, w.connection, sync.as_told(to_jsonb(w)))::sync.told
      order by w.ledger_id, n.place))
      from written w join replaced r on r.ledger_id = w.ledger_id
      cross join lateral (select to_jsonb(w) as is_now, to_jsonb(r) as was) b
      cross join lateral (values
        (1, 'invoice.updated', noun = 'invoice'),
        (2, 'invoice.voided', noun = 'invoice' and (is_now ->> 'is_void')::boolean and not (was ->> 'is_void')::boolean),
        (3, 'invoice.paid', noun = 'invoice' and (is_now ->> 'open_amount')::numeric = 0
            and (was ->> 'open_amount')::numeric <> 0 and (is_now ->> 'total_amount')::numeric <> 0
            and not (is_now ->> 'is_void')::boolean and not w.is_deleted),
        (4, 'bill.approved', noun = 'bill' and sync.is_owed(is_now) and not sync.is_owed(was)
            and not (was ->> 'is_void')::boolean)
      ) as n (place, type, is_so)
     where n.is_so and (w.changed_by not like 'sync:%' or exists (
       select from sync.connections c where c.connection = w.connection and c.taken_in_at is not null));
  end if;
  return null;
end
$$;

create function sync.is_owed(of_row jsonb) returns boolean language sql immutable set search_path = pg_catalog as $$
  select not (of_row ->> 'is_void')::boolean and not (of_row ->> 'is_deleted')::boolean
     and (of_row ->> 'open_amount')::numeric <> 0
$$;
comment on function sync.is_owed(jsonb) is 'Whether a bill counts: one that waits for approval has nothing open.';

create function sync.tell_of_conflict() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
begin
  perform sync.tell(array[(
    case when new.state = 'open' then 'conflict.opened' else 'conflict.resolved' end, new.tenant_id,
    'conflicts/' || new.conflict_id, new.connection,
    jsonb_build_object('conflict_id', new.conflict_id, 'entity', new.entity, 'ledger_id', new.ledger_id,
      'external_id', new.external_id, 'kind', new.kind, 'says', new.says, 'state', new.state,
      'ended_by', new.ended_by, 'resolution', new.resolution)
  )::sync.told]);
  return null;
end
$$;

create function sync.tell_of_break() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
begin
  perform sync.tell(array[(
    'reconciliation.break', new.tenant_id, 'breaks/' || new.break_id, new.connection,
    jsonb_build_object('break_id', new.break_id, 'module', new.module, 'currency', new.currency,
      'amount', new.amount::text, 'cause', new.cause, 'severity', new.severity, 'entity', new.entity,
      'ledger_id', new.ledger_id, 'external_id', new.external_id, 'says', new.says)
  )::sync.told]);
  return null;
end
$$;

create function sync.tell_of_run() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
begin
  perform sync.tell(array[(
    'sync.failed', new.tenant_id, 'runs/' || new.run_id, new.connection,
    jsonb_build_object('run_id', new.run_id, 'kind', new.kind, 'started_at', new.started_at, 'ended_at', new.ended_at,
      'errors', (select coalesce(jsonb_agg(jsonb_build_object('code', e.code, 'kind', e.kind, 'message', e.message,
                   'next_step', e.next_step) order by e.error_id), '[]')
                   from sync.errors e where e.run_id = new.run_id and e.entity = '' and e.resolved_at is null))
  )::sync.told]);
  return null;
end
$$;
"""
TRIGGERS = """
create trigger tell_on_insert after insert on ledger.{documents} referencing new table as written
  for each statement when (sync.has_webhooks()) execute function sync.tell_of_document();
create trigger tell_on_update after update on ledger.{documents} referencing old table as replaced new table as written
  for each statement when (sync.has_webhooks()) execute function sync.tell_of_document();
"""
OTHERS = """
create trigger tell_on_insert after insert on sync.conflicts
  for each row when (new.state = 'open' and sync.has_webhooks()) execute function sync.tell_of_conflict();
create trigger tell_on_update after update of state on sync.conflicts
  for each row when (old.state <> new.state and sync.has_webhooks()) execute function sync.tell_of_conflict();
create trigger tell_on_insert after insert on reconciliation.breaks
  for each row when (new.state = 'open' and sync.has_webhooks()) execute function sync.tell_of_break();
create trigger tell_on_update after update on reconciliation.breaks
  for each row when (new.state = 'open' and (old.state <> 'open' or old.amount <> new.amount) and sync.has_webhooks())
  execute function sync.tell_of_break();
create trigger tell_on_update after update of state on sync.runs
  for each row when (new.state = 'failed' and old.state <> 'failed' and sync.has_webhooks())
  execute function sync.tell_of_run();
"""


def upgrade() -> None:
    op.add_column(
        "connections",
        sa.Column(
            "taken_in_at",
            sa.DateTime(timezone=True),
            comment="when all its books were here: what comes later is news",
        ),
        schema="sync",
    )
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", ARRAY(sa.Text()), nullable=False, comment="which types it is told of"),
        sa.Column("is_enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name="webhooks_pkey"),
        schema="sync",
        comment="Who is told of what happens here; what deliveries are signed with is in sync.secrets.",
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger(), sa.Identity(), nullable=False, comment="the order within a subject"),
        sa.Column("event_id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="what it is about: invoices/12, conflicts/3"),
        sa.Column("connection", sa.Text()),
        sa.Column("data", JSONB(), nullable=False, comment="as it was told; amounts as texts"),
        sa.Column("happened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="events_pkey"),
        schema="sync",
        comment="What webhooks tell of, written by trigger with the change itself, and only if somebody is told.",
    )
    op.create_index("events_happened_at_idx", "events", ["happened_at"], schema="sync")
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="of sync.events"),
        sa.Column("subject", sa.Text(), nullable=False, comment="of the event: told in order"),
        sa.Column(
            "state",
            sa.Text(),
            server_default=sa.text("'waiting'"),
            nullable=False,
            comment="waiting, delivered, dead",
        ),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("claim", sa.Uuid(), comment="of whoever sends it now; due_at is when others may take it over"),
        sa.Column("tried_at", sa.DateTime(timezone=True)),
        sa.Column("status", sa.Integer(), comment="what it was answered last"),
        sa.Column("says", sa.Text(), comment="how the last attempt ended, as a sentence"),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("delivery_id", name="deliveries_pkey"),
        schema="sync",
        comment="Which event is told to which webhook, and how that stands.",
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index("deliveries_due_idx", "deliveries", ["due_at"], schema="sync", postgresql_where=waiting)
    op.create_index(
        "deliveries_order_idx",
        "deliveries",
        ["webhook_id", "subject", "seq"],
        schema="sync",
        postgresql_where=waiting,
    )
    op.create_index("deliveries_webhook_id_idx", "deliveries", ["webhook_id", "delivery_id"], schema="sync")
    op.create_index("deliveries_seq_idx", "deliveries", ["seq"], schema="sync")
    for table in TABLES:
        guard("sync", table)
    let_the_fleet_see("sync", "deliveries", ("tenant_id", "state", "due_at"))
    # What was synced to the end before has no stock left to come in.
    op.execute("alter table sync.connections no force row level security")
    op.execute("alter table sync.runs no force row level security")
    op.execute(
        "update sync.connections c set taken_in_at = now() where meeting = 'done' and exists (select from sync.runs r"
        " where r.connection = c.connection and r.state = 'done' and r.kind in ('delta', 'full'))"
    )
    op.execute("alter table sync.runs force row level security")
    op.execute("alter table sync.connections force row level security")
    op.execute(FUNCTIONS)
    for documents in ("invoices", "payments", "bills"):
        op.execute(TRIGGERS.format(documents=documents))
    op.execute(OTHERS)


def downgrade() -> None:
    for kind in ("document", "conflict", "break", "run"):
        op.execute(f"drop function sync.tell_of_{kind}() cascade")
    op.execute("drop function sync.has_webhooks() cascade")
    op.execute("drop function sync.tell(sync.told[])")
    op.execute("drop type sync.told")
    op.execute("drop function sync.is_owed(jsonb)")
    op.execute("drop function sync.as_told(jsonb)")
    for table in ("deliveries", "events", "webhooks"):
        op.drop_table(table, schema="sync")
    op.drop_column("connections", "taken_in_at", schema="sync")
