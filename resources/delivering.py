"""Telling webhooks: what is due is claimed, signed, sent and noted; whatever dies on the way is sent again.

Belongs here: one draining of the due deliveries, and what a delivery looks like. The list of what is due is Postgres'
(`stores/webhooks.py`), where it may be sent `egress.py`. Who drains, and how often, is `gateway/teller.py`.

At least once: a claim is committed before the sending and the outcome after it, so that a deliverer killed in between
delivers again; the receiver knows a repeat by its event id. In order for one document and webhook, as long as nothing
was given up: what is dead no longer holds up what came after it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from resources import egress
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stores import audit, webhooks
from resources.stores.vault import NO_CONNECTION
from resources.stores.webhooks import Claimed, Webhook

SECRET_BYTES = 32
SENDERS = 8
# A receiver that answers so has gone for good, and is told nothing more until somebody switches it on again.
GONE = 410
Post = Callable[..., int]


def make(services: Services, *, tenant: str, url: str, events: Sequence[str], by: str) -> tuple[Webhook, str]:
    """A new webhook and its secret, which is shown now and never again. Raises TieoutError if the URL is refused."""
    egress.target_of(url, services.settings.webhook_networks)
    secret = new_secret()
    with services.db.transaction(tenant) as tx:
        made = webhooks.make(tx, tenant=tenant, url=url, events=events, by=by)
        # Not before its secret can be opened: an event of this very moment would find none.
        webhooks.change(tx, made.webhook_id, is_enabled=False)
    services.vault(tenant).put(NO_CONNECTION, sealed_as(made.webhook_id), secret)
    with services.db.transaction(tenant) as tx:
        webhooks.change(tx, made.webhook_id, is_enabled=True)
        audit.append(
            tx,
            tenant=tenant,
            actor=by,
            action="webhook.make",
            detail={"webhook": made.webhook_id, "host": egress.target_of(url, services.settings.webhook_networks).host},
        )
    return made, secret


def change(
    services: Services,
    tenant: str,
    webhook_id: int,
    *,
    by: str,
    url: str | None = None,
    events: Sequence[str] | None = None,
    is_enabled: bool | None = None,
) -> None:
    """Change where and of what a webhook is told, or switch it; None stays. TieoutError if the URL is refused."""
    asked = {"host": url and egress.target_of(url, services.settings.webhook_networks).host}
    asked |= {"events": None if events is None else list(events), "is_enabled": is_enabled}
    detail = {name: value for name, value in asked.items() if value is not None}
    if not detail:
        return
    with services.db.transaction(tenant) as tx:
        webhooks.change(tx, webhook_id, url=url, events=events, is_enabled=is_enabled)
        detail = {"webhook": webhook_id, **detail}
        audit.append(tx, tenant=tenant, actor=by, action="webhook.change", detail=detail)


def renew_secret(services: Services, tenant: str, webhook_id: int, *, by: str) -> str:
    """Another secret, which counts from the next delivery on."""
    secret = new_secret()
    services.vault(tenant).put(NO_CONNECTION, sealed_as(webhook_id), secret)
    with services.db.transaction(tenant) as tx:
        audit.append(tx, tenant=tenant, actor=by, action="webhook.secret", detail={"webhook": webhook_id})
    return secret


def remove(services: Services, tenant: str, webhook_id: int, *, by: str) -> None:
    """Forget a webhook, its secret, and what it was to be told."""
    with services.db.transaction(tenant) as tx:
        webhooks.remove(tx, webhook_id)
        tx.execute(
            "delete from sync.secrets where tenant_id = %s and connection = %s and name = %s",
            (tenant, NO_CONNECTION, sealed_as(webhook_id)),
        )
        audit.append(tx, tenant=tenant, actor=by, action="webhook.remove", detail={"webhook": webhook_id})


def new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(SECRET_BYTES)}"


def sealed_as(webhook_id: int) -> str:
    return f"webhook {webhook_id}"


def signature(secret: str, body: bytes, at: int) -> str:
    """What a delivery carries as Tieout-Signature: the time in seconds since 1970, and the HMAC of both."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def body_of(claimed: Claimed) -> bytes:
    """The same bytes in every attempt."""
    return msgspec.json.encode(
        {
            "id": str(claimed.event_id),
            "type": claimed.type,
            "happened_at": claimed.happened_at,
            "connection": claimed.connection,
            "subject": claimed.subject,
            "data": claimed.data,
        }
    )


def deliver(services: Services, *, limit: int = 2 * SENDERS, post: Post = egress.post) -> int:
    """Send what is due, of all tenants, once; returns how many were tried."""
    with services.fleet() as tx:
        tenants = webhooks.due_tenants(tx)
    tried = 0
    for tenant in tenants:
        until = time.monotonic() + webhooks.CLAIM_SECONDS - egress.CONNECT_SECONDS_MAX - egress.ANSWER_SECONDS_MAX
        with services.db.transaction(tenant) as tx:
            claimed = webhooks.claim(tx, limit)
        if not claimed:
            continue
        sealed = services.vault(tenant).all(NO_CONNECTION)
        with ThreadPoolExecutor(min(SENDERS, len(claimed)), thread_name_prefix="webhooks") as senders:
            list(senders.map(lambda one, t=tenant, s=sealed, u=until: _send(services, t, one, s, u, post), claimed))
        tried += len(claimed)
    return tried


def _send(services: Services, tenant: str, claimed: Claimed, sealed: dict[str, str], until: float, post: Post) -> None:
    if time.monotonic() > until:
        # The claim may be over before this is answered: whoever takes it over sends it, in its order.
        return
    body, at = body_of(claimed), int(time.time())
    secret = sealed.get(sealed_as(claimed.webhook_id), "")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Tieout",
        "Tieout-Event-Id": str(claimed.event_id),
        "Tieout-Event-Type": claimed.type,
        "Tieout-Delivery": str(claimed.delivery_id),
        "Tieout-Signature": signature(secret, body, at),
    }
    status, says, is_final = None, "", False
    try:
        status = post(claimed.url, body, headers, services.settings.webhook_networks)
        if not 200 <= status < 300:
            says, is_final = f"answered {status}, expected 200 to 299", status == GONE
    except TieoutError as error:
        says, is_final = f"{error.found}, expected {error.expected}", error.kind is ErrorKind.VALIDATION
    with services.db.transaction(tenant) as tx:
        if not says:
            webhooks.delivered(tx, claimed, status or 0)
            return
        webhooks.failed(tx, claimed, says=says, status=status, is_final=is_final)
        if status == GONE:
            webhooks.change(tx, claimed.webhook_id, is_enabled=False)
