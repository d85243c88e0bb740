"""What a tenant has set about who wins where both sides changed the same thing. No row: as the entity declares it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from ledger.policies import IS_DELETED, Policies, Policy
from ledger.spec import EntitySpec, entities, spec_of
from resources.errors import ErrorKind, TieoutError
from resources.stores import audit


@dataclass(frozen=True, slots=True)
class Set:
    """One row. An empty entity is every entity, an empty field every field that nobody owns."""

    entity: str
    field: str
    policy: str
    set_by: str
    set_at: datetime


def of(tx: psycopg.Connection[Any], entity: str, *, until: datetime | None = None) -> Policies:
    """The tenant's policies for one entity; what is set for it goes before what is set for every one. `until`: without
    those set since, for a conflict that was open by then.
    """
    rows = tx.execute(
        "select field, policy from sync.policies where tenant_id = sync.current_tenant() and entity in ('', %s) "
        "and set_at <= coalesce(%s::timestamptz, 'infinity') order by entity",
        (entity, until),
    )
    return Policies({field: Policy(policy) for field, policy in rows})


def list_all(tx: psycopg.Connection[Any]) -> list[Set]:
    with tx.cursor(row_factory=class_row(Set)) as rows:
        return rows.execute(
            "select entity, field, policy, set_by, set_at from sync.policies "
            "where tenant_id = sync.current_tenant() order by entity, field"
        ).fetchall()


def put(tx: psycopg.Connection[Any], *, tenant: str, entity: str, field: str, policy: Policy, by: str) -> None:
    """Set a policy. Raises TieoutError for an entity or field there is not."""
    _check(entity, field)
    was_set = tx.execute(
        """
        insert into sync.policies as p (tenant_id, entity, field, policy, set_by) values (%s, %s, %s, %s, %s)
        on conflict (tenant_id, entity, field) do update
           set policy = excluded.policy, set_by = excluded.set_by, set_at = clock_timestamp()
         where p.policy <> excluded.policy
        """,
        (tenant, entity, field, policy.value, by),
    ).rowcount
    if was_set:
        _audit(tx, tenant, by, "policy.set", {"entity": entity, "field": field, "policy": policy.value})


def drop(tx: psycopg.Connection[Any], *, tenant: str, entity: str, field: str, by: str) -> bool:
    """Unset a policy; says whether there was one. Raises TieoutError for an entity or field there is not."""
    _check(entity, field)
    was_set = tx.execute(
        "delete from sync.policies where tenant_id = %s and entity = %s and field = %s", (tenant, entity, field)
    ).rowcount
    if was_set:
        _audit(tx, tenant, by, "policy.unset", {"entity": entity, "field": field})
    return bool(was_set)


def _audit(tx: psycopg.Connection[Any], tenant: str, by: str, action: str, detail: dict[str, str]) -> None:
    audit.append(tx, tenant=tenant, actor=by, action=action, entity=detail["entity"] or None, detail=detail)


def names(spec: EntitySpec) -> list[str]:
    """Everything of an entity that a policy can be set for."""
    found = [IS_DELETED, *(f.name for f in spec.fields)]
    for part in spec.parts:
        found += [part.name, *(f"{part.name}.{f.name}" for f in part.fields)]
    return found


def _check(entity: str, field: str) -> None:
    known = [spec.name for spec in entities()]
    if entity and entity not in known:
        raise _refused(f"entity {entity!r}", f"one of {', '.join(known)}")
    specs = [spec_of(entity)] if entity else entities()
    if field and not any(field in names(spec) for spec in specs):
        raise _refused(f"field {field!r} of {entity or 'any entity'}", f"one of {', '.join(names(specs[0]))}")


def _refused(found: str, expected: str) -> TieoutError:
    return TieoutError(ErrorKind.VALIDATION, doing="setting a policy", found=found, expected=expected)
