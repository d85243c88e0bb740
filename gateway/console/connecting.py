"""Connecting, disconnecting and reconnecting from the console.

Belongs here: the way to the routes of `gateway/connecting.py`, which lead a browser to an ERP's consent page and back.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple
from urllib.parse import urlencode

from fastapi import Path, Query, Request, Response

from gateway.console.pages import new_router, redirect, render
from gateway.console.visitors import Administering, Reader, Visitor, refuse_role
from gateway.problems import Refused
from resources.apps import app_of
from resources.connecting import disconnect
from resources.erps import erp_names, erp_of
from resources.settings import CONNECTION_NAME

router = new_router()
RETURN_TO = "/console/connections"
Name = Annotated[str, Path(pattern=f"^{CONNECTION_NAME.pattern}$")]


class Offer(NamedTuple):
    """An ERP that a company can be connected of by its consent page."""

    erp: str
    title: str


def offers(visitor: Visitor) -> list[Offer]:
    """The ERPs that a company can be connected of here; none for whoever may not."""
    if not visitor.may("admin"):
        return []
    return [Offer(name, erp_of(name).title) for name in erp_names() if erp_of(name).consent is not None]


@router.get("/connect/{erp}")
def leave(request: Request, visitor: Reader, erp: str, name: Annotated[str, Query(max_length=80)] = "") -> Response:
    """Sends the browser on to the ERP. By a page, because a form may lead to no other host than ours."""
    refuse_role(visitor, "admin")
    offered = next((one for one in offers(visitor) if one.erp == erp), None)
    if offered is None:
        raise Refused(404, f"There is no ERP {erp[:40]!r} to connect to here", next_step="choose one that is offered")
    if not CONNECTION_NAME.fullmatch(name):
        raise Refused(
            422,
            f"Found the name {name!r}, expected 1 to 40 characters a-z, 0-9, _ and -, beginning with a letter",
            next_step="go back and choose another name",
        )
    known = next((one for one in visitor.connections() if one.name == name), None)
    # Says here what would be refused there, where it would not be a page.
    app_of(visitor.services, visitor.tenant, erp_of(erp), known)
    onward = f"/connect/{erp}?{urlencode({'name': name, 'return_to': RETURN_TO})}"
    return render(request, "leaving.html", visitor=visitor, offered=offered, name=name, onward=onward)


@router.post("/connections/{name}/disconnect")
def disconnect_it(name: Name, visitor: Administering) -> Response:
    """Take our app off the company and erase its tokens; its data stays."""
    one = visitor.connection(name)
    disconnect(visitor.services, one.name, by=visitor.actor)
    return redirect(RETURN_TO, done="disconnected")


def outcome_of(request: Request) -> tuple[str, str] | None:
    """What a consent came to, as the way back says it: a word of ours, and a sentence that is shown as no more."""
    outcome = request.query_params.get("outcome", "")
    if outcome not in ("connected", "refused"):
        return None
    return outcome, request.query_params.get("message", "")[:500]
