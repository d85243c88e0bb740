"""QuickBooks' webhooks on the wire: both formats, the signature, the two ways of trying again.

Belongs here: how a delivery is written. Which changes there are is told by `recorder.py`, sending is
`sandbox/webhooks.py`. Facts: reference section 13. Not confirmed, and so left out: how a CloudEvent of a merge names
the record that was merged away. Which statuses the new scheme tries again is not known either: all but 200.
"""

import base64
import hashlib
import hmac
from datetime import UTC
from typing import Any

from sandbox.notices import Change, Notices, Scheme
from sandbox.quickbooks import wire
from sandbox.world import World

_MINUTE, _HOUR = 60.0, 3600.0
_CLASSIC = {
    "create": "Create",
    "update": "Update",
    "delete": "Delete",
    "merge": "Merge",
    "void": "Void",
    "send": "Emailed",
}
_CLOUD = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "merge": "merged",
    "void": "void",
    "send": "emailed",
}
SCHEMES = {
    "old": Scheme((20 * _MINUTE, 30 * _MINUTE, 50 * _MINUTE), statuses=frozenset({408, 500, 502, 503, 504})),
    "new": Scheme(
        (10.0, 20.0, 30.0, 5 * _MINUTE, 20 * _MINUTE, 2 * _HOUR, 4 * _HOUR, 6 * _HOUR),
        then=6 * _HOUR,
        holds_back=True,
    ),
}


def notices(world: World, realm_id: str, client_id: str) -> Notices:
    """What `world.webhooks` must know of this company's webhooks."""
    source = "intuit." + base64.b64encode(hashlib.sha256(client_id.encode()).digest()).decode()

    def classic(verifier: str, changes: list[Change]) -> tuple[dict[str, str], bytes]:
        entities = [_classic_event(each) for each in changes]
        notification = {"realmId": realm_id, "dataChangeEvent": {"entities": entities}}
        return _signed(world, verifier, {"eventNotifications": [notification]})

    def cloudevents(verifier: str, changes: list[Change]) -> tuple[dict[str, str], bytes]:
        return _signed(
            world, verifier, [_cloud_event(each, world.event_ids.uuid(), source, realm_id) for each in changes]
        )

    return Notices(
        formats={"classic": (classic, "old"), "cloudevents": (cloudevents, "new")},
        schemes=SCHEMES,
        accepted=frozenset({200}),
        answer_seconds_max=3.0,
    )


def _classic_event(change: Change) -> dict[str, Any]:
    event = {
        "name": change.entity,
        "id": change.id,
        "operation": _CLASSIC[change.operation],
        "lastUpdated": wire.pacific(change.at).strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
    return {**event, "deletedId": change.other_id} if change.operation == "merge" else event


def _cloud_event(change: Change, event_id: str, source: str, realm_id: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": f"qbo.{change.entity.lower()}.{_CLOUD[change.operation]}.v1",
        "datacontenttype": "application/json",
        "time": change.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
        "intuitentityid": change.id,
        "intuitaccountid": realm_id,
        "data": {},
    }


def _signed(world: World, verifier: str, payload: Any) -> tuple[dict[str, str], bytes]:
    body = wire.encode(payload)
    digest = hmac.new(verifier.encode(), body, hashlib.sha256).digest()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "intuit_notification_server/0.1",
        "intuit-signature": base64.b64encode(digest).decode(),
        "intuit-created-time": wire.pacific(world.clock.now()).strftime("%Y-%m-%dT%H:%M:%S%z"),
        "intuit-t-id": world.event_ids.uuid(),
        "intuit-notification-schema-version": "0.1",
    }
    return headers, body
