"""What is switched off: pulling or pushing a module of a connection, or all pushing of a tenant (maintenance).

Belongs here: reading and setting `sync.switches`. No row means on. Who asks: the stages at plan and at send, sensors
before they wake anybody. A module is one side of the books: `ar` receivables, `ap` payables; what both need (items,
accounts, terms ...) goes on while either is on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

import psycopg
from psycopg.rows import class_row

from ledger.spec import entities
from resources.stores import audit

MODULES = ("ar", "ap")
DIRECTIONS = ("pull", "push")
# What stands for all of them, in commands and in rows.
EVERY_MODULE = "all"
BOTH_DIRECTIONS = "bidirectional"

_MODULES_OF = {"receivables": ("ar",), "payables": ("ap",)}
_OWN_MODULES = {spec.name: _MODULES_OF[spec.side] for spec in entities() if spec.side in _MODULES_OF}
# In maintenance nothing is written into any ERP; what they changed is still read.
_MAINTENANCE = ("", EVERY_MODULE, "push")


@dataclass(frozen=True, slots=True)
class Switch:
    """One thing that is switched off. `connection` is empty for maintenance of the whole tenant."""

    connection: str
    module: str
    direction: str
    reason: str
    switched_by: str
    switched_at: datetime

    @property
    def place(self) -> str:
        """Names it among all of a tenant's, and puts them in an order."""
        return f"{self.connection} {self.module} {self.direction}"


@dataclass(frozen=True, slots=True)
class Switched:
    """What somebody switched, as the audit has it: `["ar push"]`. `connection` is None for maintenance."""

    at: datetime
    actor: str
    connection: str | None
    is_on: bool
    switched: list[str]
    reason: str


def modules_of(entity: str) -> tuple[str, ...]:
    """The modules that need an entity: it is on while one of them is."""
    return _OWN_MODULES.get(entity, MODULES)


def read_all(tx: psycopg.Connection[Any], tenant: str) -> list[Switch]:
    """Everything of a tenant that is switched off, maintenance first."""
    with tx.cursor(row_factory=class_row(Switch)) as rows:
        return rows.execute(
            "select connection, module, direction, reason, switched_by, switched_at from sync.switches "
            "where tenant_id = %s order by connection, module, direction",
            (tenant,),
        ).fetchall()


def history(tx: psycopg.Connection[Any], tenant: str, *, limit: int) -> list[Switched]:
    """What was switched last, the newest first."""
    with tx.cursor(row_factory=class_row(Switched)) as rows:
        return rows.execute(
            "select at, actor, connection, action like '%%.on' as is_on, "
            "array(select jsonb_array_elements_text(coalesce(detail::jsonb -> 'switched', '[]'))) as switched, "
            "coalesce(detail::jsonb ->> 'reason', '') as reason from sync.audit where tenant_id = %s "
            "and action in ('switch.off', 'switch.on', 'maintenance.off', 'maintenance.on') "
            "order by seq desc limit %s",
            (tenant, limit),
        ).fetchall()


def is_on(tx: psycopg.Connection[Any], tenant: str, connection: str, module: str, direction: str) -> bool:
    """Whether a module may go that way. `all` asks whether any may, `bidirectional` whether it may both ways."""
    off = _off(tx, tenant, connection)
    return any(
        all((one, way) not in off for way in _directions(direction))
        for one in (MODULES if module == EVERY_MODULE else (module,))
    )


def may_push(tx: psycopg.Connection[Any], tenant: str, connection: str, entity: str) -> bool:
    """Whether records of this entity may be written into the ERP now."""
    return not switched_off(tx, tenant, connection, "push", [entity])


def switched_off(
    tx: psycopg.Connection[Any], tenant: str, connection: str, direction: str, names: Iterable[str]
) -> list[str]:
    """Those of these entities that may not go that way now, in the order given."""
    off = _off(tx, tenant, connection)
    return [name for name in names if all((module, direction) in off for module in modules_of(name))]


def is_entity_on_sql(*, connection: str, entity: str, direction: str) -> str:
    """The same as a condition in SQL: `connection` is an alias of sync.connections, `entity` an expression.

    For sensors, which ask for all connections of all tenants in one query.
    """
    sides = {module: _listed(name for name, own in _OWN_MODULES.items() if own == (module,)) for module in MODULES}
    return f"""
      (select (case when {entity} in ({sides["ar"]}) then bool_or(s.module in ('ar', 'all'))
                    when {entity} in ({sides["ap"]}) then bool_or(s.module in ('ap', 'all'))
                    else bool_or(s.module in ('ar', 'all')) and bool_or(s.module in ('ap', 'all')) end) is not true
         from sync.switches s
        where s.tenant_id = {connection}.tenant_id and s.connection in ('', {connection}.connection)
          and s.direction in ('{direction}', 'bidirectional'))
    """


def connections_on(tx: psycopg.Connection[Any], direction: str) -> list[str]:
    """The active connections that may go that way with any module; in a fleet transaction those of all tenants."""
    # A name that is no entity's stands for what either module needs.
    condition = is_entity_on_sql(connection="c", entity="''", direction=direction)
    return [
        name
        for (name,) in tx.execute(
            f"select c.connection from sync.connections c where c.state = 'active' and {condition} order by 1"
        )
    ]


def switch(
    tx: psycopg.Connection[Any],
    *,
    tenant: str,
    connection: str,
    module: str,
    direction: str,
    is_on: bool,
    actor: str,
    reason: str,
) -> list[tuple[str, str]]:
    """Switch a module of a connection on or off; returns the (module, direction) that were otherwise before."""
    wanted = set(product(MODULES if module == EVERY_MODULE else (module,), _directions(direction)))
    # Rows that somebody wrote for several at once are taken apart, so that one of them can be switched alone.
    was_off = {s: _atoms(s) for s in read_all(tx, tenant) if s.connection == connection}
    changed = sorted(wanted & set().union(*was_off.values()) if is_on else wanted - set().union(*was_off.values()))
    if not changed:
        return []
    for row, atoms in was_off.items():
        if atoms & set(changed) or len(atoms) > 1:
            _delete(tx, tenant, connection, row.module, row.direction)
            for one, way in atoms - set(changed):
                _insert(tx, tenant, connection, one, way, row.switched_by, row.reason, row.switched_at)
    if not is_on:
        for one, way in changed:
            _insert(tx, tenant, connection, one, way, actor, reason, None)
    audit.append(
        tx,
        tenant=tenant,
        actor=actor,
        action="switch.on" if is_on else "switch.off",
        connection=connection,
        detail={"switched": [f"{one} {way}" for one, way in changed], "reason": reason},
    )
    return changed


def set_maintenance(tx: psycopg.Connection[Any], *, tenant: str, is_on: bool, actor: str, reason: str) -> bool:
    """Begin or end maintenance of a tenant; returns whether that changed anything."""
    if is_on == any(s.connection == "" for s in read_all(tx, tenant)):
        return False
    if is_on:
        _insert(tx, tenant, *_MAINTENANCE, actor, reason, None)
    else:
        tx.execute("delete from sync.switches where tenant_id = %s and connection = ''", (tenant,))
    audit.append(
        tx,
        tenant=tenant,
        actor=actor,
        action="maintenance.on" if is_on else "maintenance.off",
        detail={"reason": reason},
    )
    return True


def _off(tx: psycopg.Connection[Any], tenant: str, connection: str) -> set[tuple[str, str]]:
    """The (module, direction) that are off for a connection."""
    rows = [s for s in read_all(tx, tenant) if s.connection in ("", connection)]
    return set().union(*(_atoms(s) for s in rows))


def _atoms(row: Switch) -> set[tuple[str, str]]:
    return set(product(MODULES if row.module == EVERY_MODULE else (row.module,), _directions(row.direction)))


def _directions(direction: str) -> Sequence[str]:
    return DIRECTIONS if direction == BOTH_DIRECTIONS else (direction,)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _delete(tx: psycopg.Connection[Any], tenant: str, connection: str, module: str, direction: str) -> None:
    tx.execute(
        "delete from sync.switches where tenant_id = %s and connection = %s and module = %s and direction = %s",
        (tenant, connection, module, direction),
    )


def _insert(
    tx: psycopg.Connection[Any],
    tenant: str,
    connection: str,
    module: str,
    direction: str,
    actor: str,
    reason: str,
    at: datetime | None,
) -> None:
    tx.execute(
        "insert into sync.switches (tenant_id, connection, module, direction, switched_by, reason, switched_at) "
        "values (%s, %s, %s, %s, %s, %s, coalesce(%s, clock_timestamp())) on conflict do nothing",
        (tenant, connection, module, direction, actor, reason, at),
    )
