"""Connections: which companies there are, how each is, and what can be done about it from here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request, Response

from gateway.console import connecting
from gateway.console.connecting import Name
from gateway.console.pages import ROWS_MAX, new_router, redirect, render
from gateway.console.visitors import Form, Operating, Reader, Visitor
from resources.connecting import test_connection
from resources.erps import erp_of
from resources.stores import connections, overview, switches
from resources.stores.overview import Overview
from resources.stores.quota import company_key
from resources.stores.switches import BOTH_DIRECTIONS, EVERY_MODULE, Switch

router = new_router()
REASON_CHARACTERS_MAX = 500
_WINDOWS = {"window": "this minute", "day": "today"}


@dataclass(frozen=True, slots=True)
class Shown:
    """One connection as it is listed. `quota`: (calls left, calls allowed, when); `off`: what is switched off."""

    one: Overview
    quota: Sequence[tuple[int, int, str]]
    off: Sequence[Switch]

    @property
    def is_paused(self) -> bool:
        """Nothing goes either way."""
        atoms = {(s.module, s.direction) for s in self.off}
        everything = {(m, d) for m in switches.MODULES for d in switches.DIRECTIONS}
        return self.one.state == "paused" or everything <= atoms or (EVERY_MODULE, BOTH_DIRECTIONS) in atoms

    @property
    def health(self) -> str:
        """One word for the badge."""
        if self.one.state in ("reconnect", "disconnected"):
            return self.one.state
        if self.is_paused:
            return "paused"
        if self.one.meeting == "pending":
            return "to meet"
        if self.one.last_at is None:
            return "new"
        return "failing" if self.one.last_state == "failed" else "healthy"


@router.get("/connections")
def list_page(request: Request, visitor: Reader, after: str = "") -> Response:
    with visitor.transaction() as tx:
        listed = overview.connections(tx, after=after, limit=ROWS_MAX + 1)
        found = _shown(
            listed[:ROWS_MAX],
            overview.calls_left(tx, [_company(one) for one in listed[:ROWS_MAX]]),
            switches.read_all(tx, visitor.tenant),
        )
    more = listed[ROWS_MAX - 1].name if len(listed) > ROWS_MAX else None
    maintenance = next((s for shown in found for s in shown.off if not s.connection), None)
    return render(
        request,
        "connections.html",
        visitor=visitor,
        found=found,
        more=more,
        after=after,
        maintenance=maintenance,
        offers=connecting.offers(visitor),
        outcome=connecting.outcome_of(request),
    )


@router.post("/connections/{name}/test")
def test(name: Name, visitor: Operating) -> Response:
    """Ask the company who it is."""
    test_connection(visitor.services, visitor.connection(name).name)
    return redirect("/console/connections", done="tested")


@router.post("/connections/{name}/sync")
def sync(name: Name, visitor: Operating) -> Response:
    """Have it pulled now instead of when it is due."""
    with visitor.transaction() as tx:
        connections.pull_now(tx, visitor.connection(name).name)
    return redirect("/console/connections", done="sync")


@router.post("/connections/{name}/pause")
def pause(name: Name, visitor: Operating, form: Form) -> Response:
    """Switch off both directions of both modules."""
    _switch(visitor, name, is_on=False, reason=form.get("reason", ""))
    return redirect("/console/connections", done="paused")


@router.post("/connections/{name}/resume")
def resume(name: Name, visitor: Operating) -> Response:
    _switch(visitor, name, is_on=True, reason="resumed in the console")
    return redirect("/console/connections", done="resumed")


def _switch(visitor: Visitor, name: str, *, is_on: bool, reason: str) -> None:
    one = visitor.connection(name)
    with visitor.transaction() as tx:
        switches.switch(
            tx,
            tenant=visitor.tenant,
            connection=one.name,
            module=EVERY_MODULE,
            direction=BOTH_DIRECTIONS,
            is_on=is_on,
            actor=visitor.actor,
            reason=reason.strip()[:REASON_CHARACTERS_MAX] or "paused in the console",
        )
        if is_on:
            if one.state == "paused":
                connections.set_state(tx, one.name, "active")
            connections.pull_now(tx, one.name)


def _shown(
    listed: Sequence[Overview], left: Mapping[str, Mapping[str, tuple[int, int]]], off: Sequence[Switch]
) -> list[Shown]:
    found = []
    for one in listed:
        lanes = sorted(left.get(_company(one), {}).items())
        quota = [(free, whole, _WINDOWS.get(lane, lane)) for lane, (free, whole) in lanes]
        found.append(Shown(one, quota, [s for s in off if s.connection in ("", one.name)]))
    return found


def _company(one: Overview) -> str:
    """How the calls of a company are counted."""
    return company_key(one.erp, one.settings.get("client_id", ""), one.settings.get(erp_of(one.erp).company_key, ""))
