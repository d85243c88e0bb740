"""Connecting, disconnecting and reconnecting from the console: the one place that knows the routes which do it.

Belongs here: addresses and forms of those routes, so that the pages do not know them.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from gateway.console.visitors import Visitor

RETURN_TO = "/console/connections?done=connected"


class Offer(NamedTuple):
    """An ERP that a new connection can be made to by its consent page."""

    erp: str
    path: str


def offers(visitor: Visitor) -> list[Offer]:
    """The ERPs that a company can be connected of here; none for whoever may not."""
    return [Offer(erp, f"/connect/{erp}") for erp in ("quickbooks", "xero")] if visitor.may("admin") else []


def consent_path(erp: str, name: str) -> str:
    """Where a browser begins to consent for a connection, and comes back to the console."""
    return f"/connect/{erp}?{urlencode({'name': name, 'return_to': RETURN_TO})}"
