"""What Xero delivers: events of contacts, invoices and credit notes, signed with the app's webhook key.

Source: reference section 12. A delivery without events is an intent to receive: it is answered by its signature alone.
Invoices and bills come under one word, customers and suppliers too; times are UTC without saying so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from resources.erps.xero.profile import ERP
from resources.webhooks import Notice, not_understood, text_of

_ENTITIES = {
    "INVOICE": ("invoices", "bills"),
    "CONTACT": ("customers", "vendors"),
    "CREDITNOTE": ("credit_memos", "vendor_credits"),
}


class XeroWebhooks:
    """Reads deliveries; `events` may be absent, null or empty."""

    signature_header = "x-xero-signature"
    key_setting = "webhook_key"

    def read(self, body: bytes) -> Sequence[Notice]:
        try:
            found = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError):
            raise not_understood(ERP, "a body that is no JSON", "a JSON object with events") from None
        events = (found.get("events") or []) if isinstance(found, dict) else None
        if not isinstance(events, list):
            raise not_understood(ERP, f"{str(found)[:80]!r}", "a JSON object with events")
        return [_of_event(event) for event in events]


def _of_event(event: Any) -> Notice:
    if not isinstance(event, dict) or not text_of(event, "resourceId") or not text_of(event, "tenantId"):
        raise not_understood(ERP, f"an event {str(event)[:80]!r}", "tenantId, resourceId, eventDateUtc, eventCategory")
    company, external_id, happened = (text_of(event, name) for name in ("tenantId", "resourceId", "eventDateUtc"))
    try:
        happened_at = datetime.fromisoformat(happened)
    except ValueError:
        raise not_understood(ERP, f"the time {happened[:40]!r}", "UTC without an offset") from None
    return Notice(
        key=f"{company}|{external_id}|{happened}",
        company=company,
        entities=_ENTITIES.get(text_of(event, "eventCategory").upper(), ()),
        external_id=external_id,
        operation=text_of(event, "eventType").lower(),
        happened_at=happened_at if happened_at.tzinfo else happened_at.replace(tzinfo=UTC),
    )
