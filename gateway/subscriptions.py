"""Webhooks out: who is told of what, the log of it, and telling once more.

What comes in from ERPs is `webhooks.py`. A secret is in the answer that makes it and nowhere else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from gateway.access import Admin, Caller, Operator, Viewer
from gateway.problems import Refused
from gateway.shapes import ID_MAX
from resources import delivering, egress
from resources.stores import webhooks
from resources.stores.webhooks import Delivery, Webhook

DELIVERIES_MAX = 200
router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
Id = Annotated[int, Path(ge=1, le=ID_MAX)]
Url = Annotated[str, Field(max_length=egress.URL_CHARACTERS_MAX, description="https, and of no private network")]
Event = Literal[
    "invoice.created",
    "invoice.updated",
    "invoice.paid",
    "invoice.voided",
    "payment.received",
    "bill.approved",
    "conflict.opened",
    "conflict.resolved",
    "reconciliation.break",
    "sync.failed",
]
Events = Annotated[list[Event], Field(min_length=1, max_length=len(webhooks.EVENTS))]


class NewWebhook(BaseModel, extra="forbid"):
    url: Url
    events: Events


class ChangedWebhook(BaseModel, extra="forbid"):
    """What is absent stays. `new_secret`: the answer has it; the one before counts no more."""

    url: Url | None = None
    events: Events | None = None
    enabled: bool | None = None
    new_secret: bool = False


class WebhookShown(BaseModel):
    id: int
    url: str
    events: list[str]
    enabled: bool
    made_by: str
    made_at: datetime
    secret: str | None = Field(None, description="only in the answer that makes it")


class DeliveryShown(BaseModel):
    """`state` is waiting, delivered or dead; `says` is how the last attempt ended, if not well."""

    id: int
    event_id: UUID
    type: str
    subject: str
    state: str
    attempts: int
    happened_at: datetime
    due_at: datetime
    tried_at: datetime | None
    status: int | None
    says: str | None
    ended_at: datetime | None


class DeliveryPage(BaseModel):
    """The newest first; `next` is the `before` of the next page."""

    items: list[DeliveryShown]
    next: int | None


@router.get("")
def list_webhooks(caller: Viewer) -> list[WebhookShown]:
    """Who is told of what."""
    with caller.transaction() as tx:
        return [_shown(one) for one in webhooks.list_all(tx)]


@router.post("", status_code=201)
def make_webhook(asked: NewWebhook, caller: Admin) -> WebhookShown:
    """Have an address told of events. Its secret is in this answer and never shown again."""
    made, secret = delivering.make(
        caller.services, tenant=caller.tenant, url=asked.url, events=asked.events, by=caller.actor
    )
    return _shown(made, secret)


@router.get("/{webhook_id}")
def show_webhook(webhook_id: Id, caller: Viewer) -> WebhookShown:
    """One webhook."""
    return _shown(_get(caller, webhook_id))


@router.patch("/{webhook_id}")
def change_webhook(webhook_id: Id, asked: ChangedWebhook, caller: Admin) -> WebhookShown:
    """Change where and of what it is told, switch it off or on, or give it a new secret."""
    _get(caller, webhook_id)
    services, tenant, by = caller.services, caller.tenant, caller.actor
    delivering.change(services, tenant, webhook_id, by=by, url=asked.url, events=asked.events, is_enabled=asked.enabled)
    secret = delivering.renew_secret(services, tenant, webhook_id, by=by) if asked.new_secret else None
    return _shown(_get(caller, webhook_id), secret)


@router.delete("/{webhook_id}", status_code=204, response_class=Response)
def remove_webhook(webhook_id: Id, caller: Admin) -> Response:
    """End it: what was still to be told is not."""
    _get(caller, webhook_id)
    delivering.remove(caller.services, caller.tenant, webhook_id, by=caller.actor)
    return Response(status_code=204)


@router.get("/{webhook_id}/deliveries")
def list_deliveries(
    webhook_id: Id,
    caller: Operator,
    before: Annotated[int | None, Query(ge=1, le=ID_MAX)] = None,
    state: Literal["waiting", "delivered", "dead"] | None = None,
    limit: Annotated[int, Query(ge=1, le=DELIVERIES_MAX)] = 50,
) -> DeliveryPage:
    """What it was told, and how that went."""
    _get(caller, webhook_id)
    with caller.transaction() as tx:
        found = webhooks.deliveries(tx, webhook_id, before=before, state=state, limit=limit + 1)
    items = [_delivery(one) for one in found[:limit]]
    return DeliveryPage(items=items, next=items[-1].id if len(found) > limit else None)


@router.post("/{webhook_id}/deliveries/{delivery_id}/redeliver")
def redeliver(webhook_id: Id, delivery_id: Id, caller: Operator) -> DeliveryShown:
    """Tell it once more, with the same event id, whatever came of it."""
    with caller.transaction() as tx:
        found = webhooks.again(tx, webhook_id, delivery_id)
        shown = webhooks.delivery(tx, webhook_id, delivery_id) if found else None
    if shown is None:
        raise Refused(404, "no such delivery of this webhook", next_step="see GET /v1/webhooks/ID/deliveries")
    return _delivery(shown)


def _get(caller: Caller, webhook_id: int) -> Webhook:
    """Row-level security shows only the tenant's own."""
    with caller.transaction() as tx:
        found = webhooks.get(tx, webhook_id)
    if found is None:
        raise Refused(404, "no such webhook", next_step="see GET /v1/webhooks")
    return found


def _shown(one: Webhook, secret: str | None = None) -> WebhookShown:
    return WebhookShown(
        id=one.webhook_id,
        url=one.url,
        events=one.events,
        enabled=one.is_enabled,
        made_by=one.made_by,
        made_at=one.made_at,
        secret=secret,
    )


def _delivery(one: Delivery) -> DeliveryShown:
    values = {name: getattr(one, name) for name in Delivery.__dataclass_fields__ if name != "delivery_id"}
    return DeliveryShown(id=one.delivery_id, **values)
