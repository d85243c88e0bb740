"""Switches: what is off, since when, by whom and why; switching one module or direction, and maintenance."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from gateway.console.pages import ROWS_MAX, new_router, redirect, render
from gateway.console.visitors import Administering, Form, Operating, Reader
from gateway.problems import Refused
from resources.settings import CONNECTION_NAME
from resources.stores import connections, switches
from resources.stores.switches import BOTH_DIRECTIONS, DIRECTIONS, EVERY_MODULE, MODULES

router = new_router()
PATH = "/console/switches"
REASON_CHARACTERS_MAX = 500
HISTORY_SHOWN_MAX = 20


@router.get("/switches")
def page(
    request: Request,
    visitor: Reader,
    after: Annotated[str, Query(max_length=100)] = "",
    connection: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    names = [one.name for one in visitor.connections()]
    with visitor.transaction() as tx:
        off = switches.read_all(tx, visitor.tenant)
        history = switches.history(tx, visitor.tenant, limit=HISTORY_SHOWN_MAX)
    listed = sorted((one for one in off if one.connection and one.place > after), key=lambda one: one.place)
    return render(
        request,
        "switches.html",
        visitor=visitor,
        names=names,
        connection=connection,
        maintenance=next((one for one in off if not one.connection), None),
        found=listed[:ROWS_MAX],
        more=listed[ROWS_MAX - 1].place if len(listed) > ROWS_MAX else None,
        after=after,
        history=history,
        reason_characters_max=REASON_CHARACTERS_MAX,
    )


@router.post("/switches")
def switch(visitor: Operating, form: Form) -> Response:
    """Switch one module or direction of one connection off or on."""
    name = form.get("connection", "")
    if not CONNECTION_NAME.fullmatch(name):
        raise Refused(422, f"Found the connection {name[:40]!r}, expected one of yours", next_step="go back and choose")
    one = visitor.connection(name)
    module = _one_of(form, "module", (*MODULES, EVERY_MODULE))
    direction = _one_of(form, "direction", (*DIRECTIONS, BOTH_DIRECTIONS))
    is_on = _one_of(form, "to", ("on", "off")) == "on"
    reason = _reason(form, needed=not is_on) or "switched on in the console"
    with visitor.transaction() as tx:
        switches.switch(
            tx,
            tenant=visitor.tenant,
            connection=one.name,
            module=module,
            direction=direction,
            is_on=is_on,
            actor=visitor.actor,
            reason=reason,
        )
        if is_on:
            connections.pull_now(tx, one.name)
    return redirect(PATH, done="switched_on" if is_on else "switched_off")


@router.post("/maintenance")
def maintain(visitor: Administering, form: Form) -> Response:
    """Stop all writing into the tenant's ERPs, or let it go on; what they change is read all the same."""
    is_on = _one_of(form, "to", ("on", "off")) == "on"
    reason = _reason(form, needed=is_on) or "ended in the console"
    with visitor.transaction() as tx:
        switches.set_maintenance(tx, tenant=visitor.tenant, is_on=is_on, actor=visitor.actor, reason=reason)
    return redirect(PATH, done="maintenance_on" if is_on else "maintenance_off")


def _one_of(form: Form, name: str, allowed: tuple[str, ...]) -> str:
    found = form.get(name, "")
    if found not in allowed:
        raise Refused(
            422,
            f"Found the {name} {found[:40]!r}, expected one of {', '.join(allowed)}",
            next_step="go back and choose",
        )
    return found


def _reason(form: Form, *, needed: bool) -> str:
    found = form.get("reason", "").strip().replace("\0", "")[:REASON_CHARACTERS_MAX]
    if needed and not found:
        raise Refused(422, "Found no reason, expected one that whoever wonders can read", next_step="go back, say why")
    return found
