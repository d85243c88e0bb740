"""What Intuit delivers: notices in the classic form or as CloudEvents, signed with the app's verifier token.

Source: reference section 13. Both forms may mix companies. Events may be late, repeated and out of order, and hold
no record. The void of CloudEvents is written "void" or "voided" (unconfirmed which): both are taken. Where the two
forms have two words for one thing, it is kept in the classic one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from resources.erps.quickbooks.profile import ERP, WIRE_ENTITIES
from resources.webhooks import DELETE, Notice, not_understood, text_of

_BY_NAME = {wire.wire_name.lower(): name for name, wire in WIRE_ENTITIES.items()}
_EVENT_TYPE = re.compile(r"qbo\.([a-z]+)\.([a-z]+)\.v\d+")
_CLASSIC = {"voided": "void", "deleted": DELETE}
# A day's fraction in more digits than Python reads.
_NANOSECONDS = re.compile(r"(\.\d{6})\d+")


class QuickBooksWebhooks:
    """Reads both forms."""

    signature_header = "intuit-signature"
    key_setting = "verifier_token"

    def read(self, body: bytes) -> Sequence[Notice]:
        try:
            found = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            raise not_understood(ERP, "a body that is no JSON", "a JSON array or object") from None
        if isinstance(found, list):
            return [_of_event(event) for event in found]
        if isinstance(found, dict) and isinstance(found.get("eventNotifications"), list):
            return [notice for one in found["eventNotifications"] for notice in _of_company(one)]
        raise not_understood(ERP, "neither an array nor eventNotifications", "one of the two forms")


def _of_event(event: Any) -> Notice:
    matched = _EVENT_TYPE.fullmatch(text_of(event, "type")) if isinstance(event, dict) else None
    if matched is None or not text_of(event, "intuitentityid") or not text_of(event, "id"):
        raise not_understood(ERP, f"an event {str(event)[:80]!r}", "type qbo.<entity>.<operation>.v1 with its ids")
    return Notice(
        key=text_of(event, "id"),
        company=text_of(event, "intuitaccountid"),
        entities=_entities(matched[1]),
        external_id=text_of(event, "intuitentityid"),
        operation=_CLASSIC.get(matched[2], matched[2]),
        happened_at=_instant(text_of(event, "time")),
    )


def _of_company(notification: Any) -> Iterator[Notice]:
    change = notification.get("dataChangeEvent") if isinstance(notification, dict) else None
    changed = change.get("entities") if isinstance(change, dict) else None
    if not isinstance(changed, list):
        raise not_understood(ERP, f"{str(notification)[:80]!r}", "realmId and dataChangeEvent.entities")
    company = text_of(notification, "realmId")
    for one in changed:
        if not isinstance(one, dict) or not text_of(one, "id") or not text_of(one, "name"):
            raise not_understood(ERP, f"a change {str(one)[:80]!r}", "name, id, operation and lastUpdated")
        name, external_id, operation = (text_of(one, key) for key in ("name", "id", "operation"))
        happened = text_of(one, "lastUpdated")
        yield Notice(
            key=f"{company}|{name}|{external_id}|{operation}|{happened}",
            company=company,
            entities=_entities(name.lower()),
            external_id=external_id,
            operation=operation.lower(),
            happened_at=_instant(happened),
        )


def _entities(wire_name: str) -> tuple[str, ...]:
    return (_BY_NAME[wire_name],) if wire_name in _BY_NAME else ()


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(_NANOSECONDS.sub(r"\1", text))
    except ValueError:
        raise not_understood(ERP, f"the time {text[:40]!r}", "an instant with an offset") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
