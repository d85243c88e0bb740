"""One webhook: where and of what it is told, its secret, switching it off, ending it; and making one.

What each was told, and how that went, is `deliveries.py`. A secret stands on the page that answers its making, and on
no page that can be opened again.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from gateway.console.pages import new_router, redirect, render
from gateway.console.visitors import Administering, Form, Reader, Visitor, refuse_role
from gateway.problems import Refused
from gateway.shapes import ID_MAX
from resources import delivering, egress
from resources.stores import webhooks
from resources.stores.webhooks import EVENTS, Webhook

router = new_router()
Id = Annotated[int, Path(ge=1, le=ID_MAX)]
LIST = "/console/webhooks"
EVENT = "event:"


@router.get("/webhooks/new")
def new_page(request: Request, visitor: Reader) -> Response:
    refuse_role(visitor, "admin")
    return _shown(request, visitor, None)


@router.post("/webhooks")
def make(request: Request, visitor: Administering, form: Form) -> Response:
    """Have an address told of events. The answer shows its secret, and nothing ever does again."""
    made, secret = delivering.make(
        visitor.services, tenant=visitor.tenant, url=_url(form), events=_events(form), by=visitor.actor
    )
    return _shown(request, visitor, made, secret)


@router.get("/webhooks/{webhook_id}")
def page(webhook_id: Id, request: Request, visitor: Reader) -> Response:
    return _shown(request, visitor, _get(visitor, webhook_id))


@router.post("/webhooks/{webhook_id}")
def change(webhook_id: Id, visitor: Administering, form: Form) -> Response:
    """Keep where and of what it is told."""
    _get(visitor, webhook_id)
    delivering.change(
        visitor.services, visitor.tenant, webhook_id, by=visitor.actor, url=_url(form), events=_events(form)
    )
    return redirect(f"{LIST}/{webhook_id}", done="webhook_changed")


@router.post("/webhooks/{webhook_id}/off")
def switch_off(webhook_id: Id, visitor: Administering) -> Response:
    return _switch(visitor, webhook_id, is_on=False)


@router.post("/webhooks/{webhook_id}/on")
def switch_on(webhook_id: Id, visitor: Administering) -> Response:
    return _switch(visitor, webhook_id, is_on=True)


@router.post("/webhooks/{webhook_id}/secret")
def renew(webhook_id: Id, request: Request, visitor: Administering) -> Response:
    """Another secret, shown in this answer; the one before counts no more."""
    one = _get(visitor, webhook_id)
    secret = delivering.renew_secret(visitor.services, visitor.tenant, webhook_id, by=visitor.actor)
    return _shown(request, visitor, one, secret)


@router.post("/webhooks/{webhook_id}/delete")
def delete(webhook_id: Id, visitor: Administering) -> Response:
    _get(visitor, webhook_id)
    delivering.remove(visitor.services, visitor.tenant, webhook_id, by=visitor.actor)
    return redirect(LIST, done="webhook_gone")


def _shown(request: Request, visitor: Visitor, one: Webhook | None, secret: str | None = None) -> Response:
    return render(
        request,
        "webhook.html",
        visitor=visitor,
        one=one,
        secret=secret,
        events=EVENTS,
        prefix=EVENT,
        url_characters_max=egress.URL_CHARACTERS_MAX,
    )


def _switch(visitor: Visitor, webhook_id: int, *, is_on: bool) -> Response:
    _get(visitor, webhook_id)
    delivering.change(visitor.services, visitor.tenant, webhook_id, by=visitor.actor, is_enabled=is_on)
    return redirect(f"{LIST}/{webhook_id}", done="webhook_on" if is_on else "webhook_off")


def _get(visitor: Visitor, webhook_id: int) -> Webhook:
    """Row-level security shows only the tenant's own."""
    with visitor.transaction() as tx:
        found = webhooks.get(tx, webhook_id)
    if found is None:
        raise Refused(404, "There is no such webhook", next_step="see those there are under Webhooks")
    return found


def _url(form: Form) -> str:
    found = form.get("url", "").strip()
    if not found or len(found) > egress.URL_CHARACTERS_MAX:
        raise Refused(
            422,
            f"Found an address of {len(found)} characters, expected 1 to {egress.URL_CHARACTERS_MAX}",
            next_step="go back and correct it",
        )
    return found


def _events(form: Form) -> list[str]:
    found = [event for event in EVENTS if f"{EVENT}{event}" in form]
    if not found:
        raise Refused(422, "Found no event ticked, expected one or more", next_step="go back and tick some")
    return found
