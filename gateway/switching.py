"""Switching modules and directions off and on, and maintenance: what `tieout switch` and `tieout maintenance` do."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gateway.access import Admin, Caller, Operator, Viewer
from resources.stores import switches

router = APIRouter(prefix="/v1", tags=["switches"])
Reason = Field(min_length=1, max_length=500, pattern=r"\S", description="why, for whoever wonders")


class Switching(BaseModel, extra="forbid"):
    module: Literal["ar", "ap", "all"] = "all"
    direction: Literal["pull", "push", "bidirectional"] = "bidirectional"
    connection: str | None = Field(None, max_length=40, description="one connection; all of the tenant's if absent")
    reason: str = Reason


class Switched(BaseModel):
    """What was otherwise before, by connection: `["ar push"]`."""

    switched: dict[str, list[str]]


class Maintenance(BaseModel, extra="forbid"):
    enabled: bool
    reason: str = Reason


class MaintenanceState(BaseModel):
    enabled: bool
    changed: bool


@router.post("/integrations/erp-sync/enable")
def enable(asked: Switching, caller: Operator) -> Switched:
    """Switch a module or a direction on again."""
    return _switch(caller, asked, is_on=True)


@router.post("/integrations/erp-sync/disable")
def disable(asked: Switching, caller: Operator) -> Switched:
    """Switch a module or a direction off: nothing of it is pulled, or pushed, until it is on again; nothing is lost."""
    return _switch(caller, asked, is_on=False)


@router.get("/integrations/erp-sync")
def what_is_off(caller: Viewer) -> list[dict[str, str | None]]:
    """What is switched off, since when, by whom and why; a row without a connection is maintenance."""
    with caller.transaction() as tx:
        return [
            {
                "connection": one.connection or None,
                "module": one.module,
                "direction": one.direction,
                "reason": one.reason,
                "switched_by": one.switched_by,
                "switched_at": one.switched_at.isoformat(),
            }
            for one in switches.read_all(tx, caller.tenant)
        ]


@router.post("/admin/maintenance")
def maintenance(asked: Maintenance, caller: Admin) -> MaintenanceState:
    """Stop all writing into the tenant's ERPs, or let it go on; what they change is read all the same."""
    with caller.transaction() as tx:
        changed = switches.set_maintenance(
            tx, tenant=caller.tenant, is_on=asked.enabled, actor=caller.actor, reason=asked.reason
        )
    return MaintenanceState(enabled=asked.enabled, changed=changed)


def _switch(caller: Caller, asked: Switching, *, is_on: bool) -> Switched:
    chosen = caller.connections() if asked.connection is None else [caller.connection(asked.connection)]
    done: dict[str, list[str]] = {}
    with caller.transaction() as tx:
        for one in chosen:
            changed = switches.switch(
                tx,
                tenant=caller.tenant,
                connection=one.name,
                module=asked.module,
                direction=asked.direction,
                is_on=is_on,
                actor=caller.actor,
                reason=asked.reason,
            )
            done[one.name] = [f"{module} {direction}" for module, direction in changed]
    return Switched(switched=done)
