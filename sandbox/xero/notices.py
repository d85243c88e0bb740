"""Xero's webhooks on the wire: events, sequences, the signature, trying again.

Belongs here: how a delivery is written. Which changes there are is told by `recorder.py`, sending is
`sandbox/webhooks.py`. Facts: reference section 12. Not confirmed: the gaps between attempts (they grow, for 24 hours).

A delivery without events is an intent to receive; a forged one has a single character of its signature changed, as the
service's own probes have.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.notices import Change, Notices, Scheme
from sandbox.world import World
from sandbox.xero import wire

CATEGORIES = {"Contact": "CONTACT", "Invoice": "INVOICE", "CreditNote": "CREDITNOTE"}
_COLLECTIONS = {"CONTACT": "Contacts", "INVOICE": "Invoices", "CREDITNOTE": "CreditNotes"}
_FORGED = " forged"
_HOUR = 3600.0
SCHEME = Scheme((10.0, 30.0, 60.0, 300.0, 900.0, 1800.0, _HOUR, 2 * _HOUR, 4 * _HOUR, 6 * _HOUR, 9 * _HOUR))

Find = Callable[[str, str], tuple[str, dict[str, Any]]]
"""(collection, id) to the organisation's id and the record, {} when there is none."""


def notices(world: World, find: Find) -> Notices:
    """What `world.webhooks` must know of Xero's."""
    sequences: dict[str, int] = {}
    """The number of the last event, by the key of the subscription."""

    def events(verifier: str, changes: list[Change]) -> tuple[dict[str, str], bytes]:
        key, is_forged = verifier.removesuffix(_FORGED), verifier.endswith(_FORGED)
        before = sequences.get(key, 0)
        shown = [_event(each, find) for each in changes]
        if not is_forged:
            sequences[key] = before + len(shown)
        payload = {
            "events": shown,
            "firstEventSequence": before + 1 if shown else 0,
            "lastEventSequence": before + len(shown) if shown else 0,
            "entropy": world.event_ids.hex(10).upper(),
        }
        body = wire.encode(payload)
        signature = signed(key, body)
        if is_forged:
            signature = ("A" if signature[0] != "A" else "B") + signature[1:]
        return {"Content-Type": "application/json; charset=utf-8", "x-xero-signature": signature}, body

    return Notices(
        formats={"events": (events, "day")}, schemes={"day": SCHEME}, accepted=frozenset({200}), answer_seconds_max=5.0
    )


def signed(key: str, body: bytes) -> str:
    """The signature over the bytes of a body; the key is used as text."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def _event(change: Change, find: Find) -> dict[str, Any]:
    category = CATEGORIES.get(change.entity, change.entity)
    collection = _COLLECTIONS.get(category, category)
    tenant_id, value = find(collection, change.id)
    event = {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/{collection}/{change.id}",
        "resourceId": change.id,
        "eventDateUtc": _moment(change.at),
        "eventType": "CREATE" if change.operation == "create" else "UPDATE",
        "eventCategory": category,
        "tenantId": change.other_id or tenant_id,
        "tenantType": "ORGANISATION",
    }
    if category == "CREDITNOTE":
        event["data"] = {"Type": value.get("Type", ""), "Status": value.get("Status", "")}
    return event


def _moment(instant: datetime) -> str:
    """Milliseconds and no zone."""
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond // 1000:03d}"
