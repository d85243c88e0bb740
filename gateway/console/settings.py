"""One connection's settings: how often it is pulled, who wins where both sides changed a field, and how a record of it
is read, shown on a real one.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from gateway.console.connecting import Name
from gateway.console.pages import new_router, redirect, render
from gateway.console.visitors import Administering, Form, Reader
from gateway.problems import Refused
from ledger.fields import Derived, MappingError, UnreadableError, getter
from ledger.mapping import WireMapping
from ledger.policies import Policies, Policy
from ledger.spec import Owner, SpecError, entities, spec_of
from resources.stores import overview, policies

router = new_router()
MINUTES_MIN, MINUTES_MAX = 1, 24 * 60
PARTS_SHOWN_MAX = 20
POLICY = "policy:"
_OWNERS = {Owner.ERP: "the ERP", Owner.LEDGER: "the ledger", Owner.NOBODY: "nobody"}


@router.get("/connections/{name}")
def page(
    name: Name,
    request: Request,
    visitor: Reader,
    entity: str = "invoices",
    record: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    one = visitor.connection(name)
    spec = _spec(entity)
    mappings = visitor.services.erp(one).mappings()
    asked = record.strip().replace("\0", "") or None
    with visitor.transaction() as tx:
        set_here = policies.list_all(tx)
        payload = overview.latest_payload(tx, one.name, entity, asked) if entity in mappings else None
    own = {p.field: p.policy for p in set_here if p.entity == entity}
    every = {p.field: p.policy for p in set_here if p.entity == ""}
    effective = Policies({field: Policy(policy) for field, policy in {**every, **own}.items()})
    fields = [
        {
            "name": f.name,
            "says": f.says,
            "owner": _OWNERS[f.owner],
            "set": own.get(f.name, ""),
            "effective": effective.of(f.name, f.owner).value,
        }
        for f in spec.fields
    ]
    return render(
        request,
        "settings.html",
        visitor=visitor,
        one=one,
        names=[e.name for e in entities()],
        entity=entity,
        asked=asked,
        fields=fields,
        rest=own.get("", ""),
        choices=[p.value for p in Policy],
        minutes=one.pull_interval_seconds // 60,
        minutes_max=MINUTES_MAX,
        mapped=_mapped(mappings[entity], payload) if entity in mappings else None,
        parts_max=PARTS_SHOWN_MAX,
    )


@router.post("/connections/{name}/schedule")
def schedule(name: Name, visitor: Administering, form: Form) -> Response:
    given = form.get("minutes", "")
    if not (given.isascii() and given.isdigit() and len(given) < 6 and MINUTES_MIN <= int(given) <= MINUTES_MAX):
        raise Refused(422, f"Found {given[:20]!r} minutes, expected a whole number from {MINUTES_MIN} to {MINUTES_MAX}")
    one = visitor.connection(name)
    with visitor.transaction() as tx:
        overview.set_pull_interval(tx, one.name, int(given) * 60)
    return redirect(f"/console/connections/{one.name}", done="schedule")


@router.post("/connections/{name}/policies")
def set_policies(name: Name, visitor: Administering, form: Form) -> Response:
    """Keep what the form says of an entity's fields; an empty choice is as the entity declares it."""
    one, entity = visitor.connection(name), form.get("entity", "")
    _spec(entity)
    with visitor.transaction() as tx:
        before = {p.field: p.policy for p in policies.list_all(tx) if p.entity == entity}
        for key, wanted in form.items():
            field = key.removeprefix(POLICY)
            if not key.startswith(POLICY) or wanted == before.get(field, ""):
                continue
            if wanted:
                policies.put(
                    tx, tenant=visitor.tenant, entity=entity, field=field, policy=_policy(wanted), by=visitor.actor
                )
            else:
                policies.drop(tx, tenant=visitor.tenant, entity=entity, field=field, by=visitor.actor)
    return redirect(f"/console/connections/{one.name}", entity=entity, done="policy")


def _policy(text: str) -> Policy:
    try:
        return Policy(text)
    except ValueError:
        raise Refused(422, f"Found the policy {text[:40]!r}, expected one of {', '.join(Policy)}") from None


def _spec(entity: str) -> Any:
    try:
        return spec_of(entity)
    except SpecError:
        known = ", ".join(spec.name for spec in entities())
        raise Refused(422, f"Found the entity {entity[:40]!r}, expected one of {known}") from None


def _mapped(mapping: WireMapping, found: tuple[str, dict[str, Any]] | None) -> dict[str, Any]:
    """Field by field where it stands on the wire, and what a real record has there and is read as."""
    external_id, payload = found or (None, None)
    record, refused = None, None
    if payload is not None:
        payload = mapping.prepared(payload)
        try:
            record = mapping.from_wire(payload)
        except MappingError as error:
            refused = str(error)
    rows = []
    for name, field in mapping.fields.items():
        is_derived = isinstance(field, Derived)
        rows.append(
            {
                "name": name,
                "path": "computed" if is_derived else field.path,
                "kind": type(field).__name__,
                "is_read_only": field.is_read_only,
                "sent": None if payload is None or is_derived else _sent(payload, field.path),
                "read": None if record is None else getattr(record, name),
            }
        )
    parts = []
    for part in mapping.spec.parts:
        listed = () if record is None else getattr(record, part.name)[:PARTS_SHOWN_MAX]
        columns = [f.name for f in part.fields if any(getattr(one, f.name) not in (None, "") for one in listed)]
        if listed:
            parts.append((part.name, columns, [[getattr(one, c) for c in columns] for one in listed]))
    return {
        "wire_name": mapping.wire_name,
        "external_id": external_id,
        "rows": rows,
        "parts": parts,
        "refused": refused,
        "unsaid": mapping.unsaid,
    }


def _sent(payload: dict[str, Any], path: str) -> Any:
    try:
        return getter(path)(payload)
    except UnreadableError:
        return "something that cannot be read"
