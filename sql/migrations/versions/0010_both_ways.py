"""Writing both ways: edits noted by trigger, intents, conflicts, switches, policies, code maps."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sql.guards import fill_in, guard, let_the_fleet_read, note_edits

revision = "0010"
down_revision = "0002"
branch_labels = None
depends_on = None

# Each entity of the ledger with the tables of its parts.
BOOKS = {
    "customers": (),
    "vendors": (),
    "items": (),
    "invoices": ("invoice_lines",),
    "credit_memos": ("credit_memo_lines",),
    "payments": ("payment_applications",),
    "bills": ("bill_lines",),
    "vendor_credits": ("vendor_credit_lines",),
    "bill_payments": ("bill_payment_applications",),
    "purchase_orders": ("purchase_order_lines",),
}
# What outsiders may leave out because the rest of the row says it.
FILLED_IN = {
    "invoices": "document",
    "credit_memos": "document",
    "bills": "document",
    "vendor_credits": "document",
    "purchase_orders": "order",
    "payments": "payment",
    "bill_payments": "payment",
    "payment_applications": "application",
    "bill_payment_applications": "application",
}
NEW_TABLES = ("edits", "outbox", "conflicts", "switches", "policies", "code_maps")

FUNCTIONS = """
create function sync.current_actor() returns text language sql stable as $$
  select case when named like 'sync:%' then session_user::text else coalesce(nullif(named, ''), session_user::text) end
    from current_setting('tieout.actor', true) as named
$$;
comment on function sync.current_actor() is
  'Who writes: whom the transaction named in tieout.actor, else the login. Nobody is the sync by saying so.';

create function sync.is_sync() returns boolean language sql stable as $$
  select current_setting('tieout.is_sync', true) is not distinct from 'on' and current_user = 'tieout_app'
$$;
comment on function sync.is_sync() is
  'Whether the sync itself writes, on behalf of a connection; everybody else is noted in sync.edits.';

create function sync.new_part_key() returns text language sql volatile as $$
  select '~' || gen_random_uuid()
$$;
comment on function sync.new_part_key() is
  'The key of a line that the ERP has not numbered yet.';

-- The functions of triggers run with their owner's rights: an outsider may use neither schema sync nor histories.
create function sync.sign_edit() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
begin
  if tg_op = 'INSERT' then
    new.version := 1;
    new.changed_at := now();
    if new.changed_by is null or new.changed_by like 'sync:%' then
      new.changed_by := sync.current_actor();
    end if;
  elsif new.changed_by = old.changed_by or new.changed_by like 'sync:%' then
    new.changed_by := sync.current_actor();
  end if;
  new.run_id := null;
  return new;
end
$$;

create function sync.note_edit() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
begin
  insert into sync.edits as e (tenant_id, entity, ledger_id, version, connection)
  select w.tenant_id, tg_table_name, w.ledger_id, w.version, w.connection from written w
  on conflict (tenant_id, entity, ledger_id) do update
     set version = excluded.version, connection = excluded.connection, noted_at = clock_timestamp(), looked_at = null;
  return null;
end
$$;

create function sync.note_part_edit() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
declare
  parents text := case tg_op
    when 'INSERT' then 'select %2$I from written'
    when 'DELETE' then 'select %2$I from replaced'
    else 'select %2$I from written union select %2$I from replaced'
  end;
begin
  -- Once a transaction is enough: nobody else sees what lies between its statements.
  execute format(
    'update ledger.%1$I set changed_by = sync.current_actor() where ledger_id in (' || parents || ') '
    'and (changed_at <> now() or run_id is not null)', tg_argv[0], tg_argv[1]
  );
  return null;
end
$$;

create function sync.fill_in_document() returns trigger language plpgsql as $$
begin
  new.net_amount := coalesce(new.net_amount, new.total_amount - new.tax_amount);
  new.open_amount := coalesce(new.open_amount, new.total_amount);
  return new;
end
$$;

create function sync.fill_in_order() returns trigger language plpgsql as $$
begin
  new.net_amount := coalesce(new.net_amount, new.total_amount - new.tax_amount);
  new.status := coalesce(new.status, 'open');
  return new;
end
$$;

create function sync.fill_in_payment() returns trigger language plpgsql as $$
begin
  new.applied_amount := coalesce(new.applied_amount, new.total_amount - new.unapplied_amount, 0);
  new.unapplied_amount := coalesce(new.unapplied_amount, new.total_amount - new.applied_amount);
  return new;
end
$$;

create function sync.fill_in_application() returns trigger language plpgsql security definer
set search_path = pg_catalog as $$
begin
  if new.document_key is null then
    select b.external_id into new.document_key from sync.bindings b
     where b.entity = new.document_entity and b.ledger_id = new.document_id limit 1;
    new.document_key := coalesce(new.document_key, '#' || new.document_id);
  end if;
  return new;
end
$$;

create function sync.refuse_delete() returns trigger language plpgsql as $$
begin
  raise exception 'deleting ledger.%: found a delete of row %, expected none: set is_deleted (or is_void) instead, '
    'so that the ERP is told', tg_table_name, old.ledger_id using errcode = 'restrict_violation';
end
$$;
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)
    op.execute("alter function sync.keep_history() security definer set search_path = pg_catalog")
    for entity, parts in BOOKS.items():
        for table in (entity, f"{entity}_history"):
            op.add_column(table, sa.Column("connection", sa.Text()), schema="ledger")
            op.add_column(table, sa.Column("run_id", sa.BigInteger()), schema="ledger")
        op.alter_column(entity, "changed_by", server_default=sa.text("sync.current_actor()"), schema="ledger")
        # Numbers of rows come from the sequence alone: one that somebody chose would one day be given out again.
        op.execute(f"alter table ledger.{entity} alter ledger_id set generated always")
        for table in (entity, *parts):
            op.alter_column(table, "tenant_id", server_default=sa.text("sync.current_tenant()"), schema="ledger")
        op.execute(
            f"comment on column ledger.{entity}.connection is "
            "'the company it belongs to; empty in a new row means the tenant''s only one'"
        )
        op.execute(f"comment on column ledger.{entity}.run_id is 'sync.runs, where the sync wrote it'")
        for part in parts:
            op.alter_column(
                part,
                "part_key",
                server_default=sa.text("sync.new_part_key()"),
                comment="the ERP's line id, # and the position, or ~ and a number of ours until the ERP has numbered it",
                schema="ledger",
            )
        _fill_connection(entity)
        guard("ledger", entity)
        note_edits(entity, parts)
    for table, kind in FILLED_IN.items():
        fill_in(table, kind)
    op.add_column(
        "connections",
        sa.Column(
            "meeting",
            sa.Text(),
            server_default=sa.text("'done'"),
            nullable=False,
            comment="pending: books that know nothing of each other yet, nothing is merged or pushed; done",
        ),
        schema="sync",
    )
    op.create_table(
        "code_maps",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("list", sa.Text(), nullable=False, comment="accounts, terms, payment_methods, tax_codes"),
        sa.Column("code", sa.Text(), nullable=False, comment="our word"),
        sa.Column("external_id", sa.Text(), nullable=False, comment="what the ERP calls it"),
        sa.PrimaryKeyConstraint("connection", "list", "code", name="code_maps_pkey"),
        schema="sync",
        comment="Our codes and the ERP's ids for the same account, term, method or tax code.",
    )
    op.create_table(
        "conflicts",
        sa.Column("conflict_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("ledger_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True, comment="empty while the record is not in the ERP"),
        sa.Column(
            "kind",
            sa.Text(),
            nullable=False,
            comment="concurrent_update, delete_conflict, validation_conflict, possible_duplicate",
        ),
        sa.Column("says", sa.Text(), nullable=False, comment="what is in conflict, as a sentence"),
        sa.Column(
            "fields", postgresql.JSONB(), nullable=False, comment="the fields in conflict: name, base, ours, theirs"
        ),
        sa.Column("base", sa.Text(), nullable=True, comment="canonical record both sides last agreed on, as JSON"),
        sa.Column(
            "ours", sa.Text(), nullable=True, comment="canonical record of the ledger, as JSON; empty if it is deleted"
        ),
        sa.Column(
            "theirs", sa.Text(), nullable=True, comment="canonical record of the ERP, as JSON; empty if it is deleted"
        ),
        sa.Column("ledger_version", sa.BigInteger(), nullable=False, comment="the ledger row that was shown"),
        sa.Column("version_token", sa.Text(), nullable=True, comment="the ERP's record that was shown"),
        sa.Column(
            "state", sa.Text(), server_default=sa.text("'open'"), nullable=False, comment="open, resolved, settled"
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when what it shows last changed",
        ),
        sa.Column(
            "checked_at", sa.DateTime(timezone=True), nullable=True, comment="when the conflict check last looked at it"
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ended_by", sa.Text(), nullable=True, comment="who resolved it; sync:NAME where both sides came to agree"
        ),
        sa.Column("resolution", postgresql.JSONB(), nullable=True, comment="field by field: ours or theirs"),
        sa.Column("run_id", sa.BigInteger(), nullable=True, comment="sync.runs"),
        sa.PrimaryKeyConstraint("conflict_id", name="conflicts_pkey"),
        schema="sync",
        comment="Records that both sides changed, held for a person. At most one open conflict a record.",
    )
    op.create_index(
        "conflicts_open_external_id_idx",
        "conflicts",
        ["connection", "entity", "external_id"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "conflicts_open_key",
        "conflicts",
        ["connection", "entity", "ledger_id"],
        unique=True,
        schema="sync",
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "edits",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("ledger_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="the newest that the sync did not write"),
        sa.Column("connection", sa.Text(), nullable=True, comment="the company the row names"),
        sa.Column("noted_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column(
            "looked_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when a plan last looked at it and could not take it",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "entity", "ledger_id", name="edits_pkey"),
        schema="sync",
        comment="Ledger rows that somebody else than the sync has written: to be planned. Noted by trigger.",
    )
    op.create_index(
        "edits_due_idx",
        "edits",
        ["tenant_id", "connection"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("looked_at is null"),
    )
    op.create_table(
        "outbox",
        sa.Column("intent_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False),
        sa.Column("ledger_id", sa.BigInteger(), nullable=False),
        sa.Column("ledger_version", sa.BigInteger(), nullable=False, comment="the version of the row that was planned"),
        sa.Column("operation", sa.Text(), nullable=False, comment="create, update, void, delete"),
        sa.Column("key", sa.Text(), nullable=False, comment="the idempotency key it is sent with"),
        sa.Column(
            "marker", sa.Text(), nullable=True, comment="what the record it makes carries so that it can be found again"
        ),
        sa.Column(
            "batch_key", sa.Text(), nullable=True, comment="the key of the batch it went with, empty if it went alone"
        ),
        sa.Column("external_id", sa.Text(), nullable=True, comment="the record it changes, or made"),
        sa.Column("version_token", sa.Text(), nullable=True, comment="the ERP's token of the base that was merged"),
        sa.Column("body", sa.Text(), nullable=False, comment="what is sent, as JSON"),
        sa.Column("record", sa.Text(), nullable=False, comment="the canonical record it stands for, as JSON"),
        sa.Column("state", sa.Text(), nullable=False, comment="waiting, sent, done, refused, stale"),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column(
            "due_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when an intent in doubt may be looked into again",
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True, comment="what ended it, as a sentence"),
        sa.Column("run_id", sa.BigInteger(), nullable=True, comment="sync.runs"),
        sa.PrimaryKeyConstraint("intent_id", name="outbox_pkey"),
        sa.UniqueConstraint("connection", "key", name="outbox_connection_key_key"),
        schema="sync",
        comment="Intents to write into an ERP, kept before anything is sent.",
    )
    op.create_index(
        "outbox_marker_idx",
        "outbox",
        ["connection", "entity", "marker"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("operation = 'create'"),
    )
    op.create_index(
        "outbox_due_idx",
        "outbox",
        ["due_at"],
        unique=False,
        schema="sync",
        postgresql_where=sa.text("state in ('sent', 'waiting')"),
    )
    op.create_index("outbox_entity_ledger_id_idx", "outbox", ["entity", "ledger_id"], unique=False, schema="sync")
    op.create_index(
        "outbox_open_key",
        "outbox",
        ["connection", "entity", "ledger_id"],
        unique=True,
        schema="sync",
        postgresql_where=sa.text("state in ('sent', 'waiting')"),
    )
    op.create_table(
        "policies",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("entity", sa.Text(), nullable=False, comment="empty for every entity"),
        sa.Column("field", sa.Text(), nullable=False, comment="empty for every field that nobody owns"),
        sa.Column("policy", sa.Text(), nullable=False, comment="erp_wins, ledger_wins, newest_wins, manual"),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "entity", "field", name="policies_pkey"),
        schema="sync",
        comment="Who wins where both sides changed the same field. No row: as the entity declares it.",
    )
    op.create_table(
        "switches",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False, comment="empty for maintenance of the whole tenant"),
        sa.Column("module", sa.Text(), nullable=False, comment="ar, ap, all"),
        sa.Column("direction", sa.Text(), nullable=False, comment="pull, push, bidirectional"),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("switched_by", sa.Text(), nullable=False),
        sa.Column(
            "switched_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("tenant_id", "connection", "module", "direction", name="switches_pkey"),
        schema="sync",
        comment="What is switched off, and by whom. No row: it is on.",
    )
    for table in NEW_TABLES:
        guard("sync", table)
    for table in ("edits", "outbox", "conflicts", "switches"):
        let_the_fleet_read("sync", table)
    op.execute("grant usage on schema ledger to tieout_writer")
    op.execute("grant usage, select on all sequences in schema ledger to tieout_writer")
    for entity, parts in BOOKS.items():
        op.execute(f"grant select, insert, update on ledger.{entity} to tieout_writer")
        for part in parts:
            op.execute(f"grant select, insert, update, delete on ledger.{part} to tieout_writer")


def _fill_connection(entity: str) -> None:
    """What is bound belongs to the company it came from. Quietly: neither versions nor history are touched by it."""
    op.execute(f"alter table ledger.{entity} disable trigger user")
    op.execute(f"alter table ledger.{entity} no force row level security")
    op.execute("alter table sync.bindings no force row level security")
    op.execute(
        f"update ledger.{entity} l set connection = b.connection from sync.bindings b "
        f"where b.entity = '{entity}' and b.ledger_id = l.ledger_id"
    )
    op.execute("alter table sync.bindings force row level security")
    op.execute(f"alter table ledger.{entity} force row level security")
    op.execute(f"alter table ledger.{entity} enable trigger user")


def downgrade() -> None:
    op.execute("revoke all on all tables in schema ledger from tieout_writer")
    op.execute("revoke all on all sequences in schema ledger from tieout_writer")
    op.execute("revoke all on schema ledger from tieout_writer")
    op.execute("alter function sync.keep_history() security invoker reset search_path")
    for name in ("sign_edit", "note_edit", "note_part_edit", "refuse_delete"):
        op.execute(f"drop function sync.{name}() cascade")
    for kind in ("document", "order", "payment", "application"):
        op.execute(f"drop function sync.fill_in_{kind}() cascade")
    for table in NEW_TABLES:
        op.drop_table(table, schema="sync")
    op.drop_column("connections", "meeting", schema="sync")
    for entity, parts in BOOKS.items():
        for part in parts:
            op.alter_column(
                part,
                "part_key",
                server_default=None,
                comment="the ERP's line id, or # and the position",
                schema="ledger",
            )
        op.alter_column(entity, "changed_by", server_default=None, schema="ledger")
        op.execute(f"alter table ledger.{entity} alter ledger_id set generated by default")
        for table in (entity, *parts):
            op.alter_column(table, "tenant_id", server_default=None, schema="ledger")
        for table in (entity, f"{entity}_history"):
            op.drop_column(table, "connection", schema="ledger")
            op.drop_column(table, "run_id", schema="ledger")
        guard("ledger", entity)
    op.execute("drop function sync.new_part_key()")
    op.execute("drop function sync.is_sync()")
    op.execute("drop function sync.current_actor()")
