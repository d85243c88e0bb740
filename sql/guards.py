"""What every table of ours gets in the migration that makes it: history, versions, tenants kept apart, rights.

Migrations call these and nothing else calls them. All may be repeated: a table that gained a column is guarded again,
so that its history keeps the new column too.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

HISTORY_SUFFIX = "_history"
FLEET_ROLE = "tieout_fleet"
# A document is 2 to 4 kB. Kept in its row it costs a page; compressed and moved out, as Postgres does above 2 kB, it
# costs more time than everything else in writing it.
DOCUMENT_ROW_BYTES = 8160

_OUTSIDER = "when (not sync.is_sync())"
# What a trigger sees of a statement of each kind.
_SEEN = {
    "insert": "referencing new table as written",
    "update": "referencing old table as replaced new table as written",
    "delete": "referencing old table as replaced",
}


def guard(schema: str, table: str) -> None:
    """Guard one table of one tenant's rows, and its history where it has one."""
    keep_tenants_apart(schema, table)
    grant_to_app(schema, table)
    if schema == "mirror":
        keep_in_row(schema, table)
    if _rows(f"select 1 where to_regclass('{schema}.{table}{HISTORY_SUFFIX}') is not null"):
        keep_history(schema, table)
        guard(schema, f"{table}{HISTORY_SUFFIX}")


def keep_history(schema: str, table: str) -> None:
    """Copy replaced and deleted rows into the history table, count versions, note the time of a change."""
    columns = [
        name
        for (name,) in _rows(
            "select column_name from information_schema.columns "
            f"where table_schema = '{schema}' and table_name = '{table}' order by ordinal_position"
        )
    ]
    listed = ", ".join(f'"{name}"' for name in columns)
    for event in ("update", "delete"):
        op.execute(
            f"create or replace trigger keep_history_on_{event} after {event} on {schema}.{table} "
            f"referencing old table as replaced for each statement execute function sync.keep_history('{listed}')"
        )
    if "version" in columns:
        _before_update(schema, table, "count_version")
    elif "changed_at" in columns:
        _before_update(schema, table, "touch")


def note_edits(entity: str, parts: Sequence[str]) -> None:
    """Sign and note whatever somebody else than the sync writes into a ledger table or the tables of its parts."""
    # Its name sorts it before count_version, which then counts what was signed.
    op.execute(
        f"create or replace trigger a_sign_edit before insert or update on ledger.{entity} "
        f"for each row {_OUTSIDER} execute function sync.sign_edit()"
    )
    op.execute(
        f"create or replace trigger refuse_delete before delete on ledger.{entity} "
        f"for each row {_OUTSIDER} execute function sync.refuse_delete()"
    )
    for event in ("insert", "update"):
        op.execute(
            f"create or replace trigger note_edit_on_{event} after {event} on ledger.{entity} {_SEEN[event]} "
            f"for each statement {_OUTSIDER} execute function sync.note_edit()"
        )
    for part in parts:
        for event, seen in _SEEN.items():
            op.execute(
                f"create or replace trigger note_part_edit_on_{event} after {event} on ledger.{part} {seen} "
                f"for each statement {_OUTSIDER} "
                f"execute function sync.note_part_edit('{entity}', '{entity.removesuffix('s')}_id')"
            )


def keep_references(entity: str, column: str, target: str) -> None:
    """Refuse what somebody else than the sync writes into a ledger table and refers to no row of `target`."""
    for event in ("insert", "update"):
        op.execute(
            f"create or replace trigger keep_references_on_{event} after {event} on ledger.{entity} "
            f"referencing new table as written for each statement {_OUTSIDER} "
            f"execute function sync.keep_references('{column}', '{target}')"
        )


def fill_in(table: str, kind: str) -> None:
    """Let outsiders leave out what follows from the rest of a row: see sync.fill_in_<kind>."""
    op.execute(
        f"create or replace trigger fill_in before insert on ledger.{table} "
        f"for each row {_OUTSIDER} execute function sync.fill_in_{kind}()"
    )


def keep_tenants_apart(schema: str, table: str) -> None:
    """Row-level security by tenant, for the table's owner too."""
    op.execute(f"alter table {schema}.{table} enable row level security")
    op.execute(f"alter table {schema}.{table} force row level security")
    op.execute(f"drop policy if exists own_tenant on {schema}.{table}")
    op.execute(
        f"create policy own_tenant on {schema}.{table} using (tenant_id = (select sync.current_tenant())) "
        "with check (tenant_id = (select sync.current_tenant()))"
    )


def let_the_fleet_read(schema: str, table: str) -> None:
    """Let whoever schedules work read whole rows across tenants, as it was before migration 0014."""
    op.execute(f"create policy whole_fleet on {schema}.{table} for select using ((select sync.current_tenant()) = '*')")


def let_the_fleet_see(schema: str, table: str, columns: Sequence[str] = ()) -> None:
    """Let the role that schedules work read these columns (none named: all) of every tenant, and nobody else."""
    listed = f"({', '.join(columns)})" if columns else ""
    op.execute(f"grant select {listed} on {schema}.{table} to {FLEET_ROLE}")
    # The application's own role is a member of it, and sees no more as long as it does not act as it.
    op.execute(
        f"create policy whole_fleet on {schema}.{table} for select using ((select current_user) = '{FLEET_ROLE}')"
    )


def keep_in_row(schema: str, table: str) -> None:
    """Store documents in their rows, uncompressed, as long as they fit into a page."""
    op.execute(f"alter table {schema}.{table} set (toast_tuple_target = {DOCUMENT_ROW_BYTES})")


def grant_to_app(schema: str, table: str) -> None:
    """The application reads and writes; it owns nothing."""
    op.execute(f"grant select, insert, update, delete on {schema}.{table} to tieout_app")
    op.execute(f"grant usage, select on all sequences in schema {schema} to tieout_app")


def _before_update(schema: str, table: str, name: str) -> None:
    op.execute(
        f"create or replace trigger {name} before update on {schema}.{table} "
        f"for each row execute function sync.{name}()"
    )


def _rows(query: str) -> list[tuple]:
    return [tuple(row) for row in op.get_bind().execute(sa.text(query))]
