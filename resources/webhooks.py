"""What an ERP tells by itself: that something about a record may have changed, and nothing of what it is now.

Belongs here: the shape of a notice, and of what reads one ERP's deliveries. How one ERP signs and writes them is in
`resources/erps/<erp>/webhooks.py`; what becomes of a notice in `stages/noticed.py`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from resources.errors import ErrorKind, TieoutError

# What every reader calls a deletion; the other operations are in the ERP's own words.
DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Notice:
    """One event. `key` is the same in every copy of it; `entities` are those that the record may be of, none if we keep
    no such thing. `happened_at` is the ERP's clock.
    """

    key: str
    company: str
    entities: tuple[str, ...]
    external_id: str
    operation: str
    happened_at: datetime


class WebhookReader(Protocol):
    """How one ERP's deliveries are read."""

    signature_header: str
    key_setting: str
    """The setting of a connection that holds the key which deliveries of its app are signed with."""

    def read(self, body: bytes) -> Sequence[Notice]:
        """The notices in a delivery whose signature was right. Raises TieoutError if it is not what the ERP sends."""
        ...


def is_signed(body: bytes, key: str, given: str) -> bool:
    """Whether `given` is the base64 of the HMAC-SHA256 of these bytes, as they came, under the key as text.

    Both Intuit and Xero sign so (reference: quickbooks section 13, xero section 12). In constant time.
    """
    wanted = base64.b64encode(hmac.digest(key.encode(), body, hashlib.sha256))
    return hmac.compare_digest(wanted, given.encode("utf-8", "replace"))


def not_understood(erp: str, found: str, expected: str) -> TieoutError:
    """What a delivery is answered that was signed well and is written otherwise than the ERP does."""
    return TieoutError(
        ErrorKind.VALIDATION,
        doing=f"reading a webhook of {erp}",
        found=found,
        expected=expected,
        next_step="nothing is lost: the next delta reads what changed; report it, the ERP may write them anew",
    )


def text_of(value: Mapping[str, object], name: str) -> str:
    """A member that is a text, empty if it is not."""
    found = value.get(name)
    return found if isinstance(found, str) else ""
