"""Functions that read the tables as they stood at an instant: `ledger.invoices_at('2026-11-01')` and so on.

One for each table that keeps a history, in its schema, with its columns, and `sync.bindings_at` for which record was
which row. Recreated on deploy like the views, so that they follow the tables' columns. Each is a plain query over the
table and its history, which the planner puts in place of the call; rows of other tenants stay out of sight.

A version counts from the instant at which the transaction that wrote it began until that of the one that replaced it.
"""

from __future__ import annotations

import sqlalchemy as sa

SUFFIX = "_at"
_TABLES = """
select c.table_schema, c.table_name, array_agg(c.column_name::text order by c.ordinal_position) as columns
  from information_schema.columns c
 where c.table_schema in ('ledger', 'mirror')
   and to_regclass(format('%I.%I', c.table_schema, c.table_name || '_history')) is not null
 group by 1, 2 order by 1, 2
"""
_BINDINGS = """
create function sync.bindings_at(timestamptz)
returns table (connection text, entity text, external_id text, ledger_id bigint) language sql stable as $$
  select b.connection, b.entity, b.external_id, b.ledger_id from sync.bindings b where b.bound_at <= $1
  union all
  select b.connection, b.entity, b.external_id, b.ledger_id from sync.earlier_bindings b
   where b.bound_at <= $1 and b.unbound_at > $1
$$;
comment on function sync.bindings_at(timestamptz) is 'Which record there was which row here at an instant.';
"""


def create_instants(connection: sa.Connection) -> None:
    """Create the functions; `drop_instants` comes first where they may be there already."""
    for schema, table, columns in connection.execute(sa.text(_TABLES)).all():
        since = "seen_at" if schema == "mirror" else "changed_at"
        listed = ", ".join(f'"{name}"' for name in columns)
        connection.exec_driver_sql(
            f"create function {schema}.{table}{SUFFIX}(timestamptz) returns setof {schema}.{table} "
            f"language sql stable as $$ "
            f"select {listed} from {schema}.{table} where {since} <= $1 union all "
            f"select {listed} from {schema}.{table}_history where {since} <= $1 and replaced_at > $1 $$"
        )
        connection.exec_driver_sql(
            f"comment on function {schema}.{table}{SUFFIX}(timestamptz) is "
            f"'{schema}.{table} as it stood at an instant.'"
        )
    connection.exec_driver_sql(_BINDINGS)


def drop_instants(connection: sa.Connection) -> None:
    """Drop the functions, which would hold on to the tables' columns."""
    found = connection.execute(
        sa.text(
            "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace "
            "where n.nspname in ('ledger', 'mirror', 'sync') and p.proname like '%\\_at' "
            "and p.proargtypes::text = (select oid::text from pg_type where typname = 'timestamptz')"
        )
    ).all()
    for (signature,) in found:
        connection.exec_driver_sql(f"drop function {signature}")
