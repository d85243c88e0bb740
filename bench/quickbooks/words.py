"""QuickBooks' words in the benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from bench.words import Words


def edit_one(base_url: str) -> None:
    """Somebody writes a note on one invoice."""
    realm = requests.post(f"{base_url}/_sandbox/tokens", timeout=30).json()["realm_id"]
    body = {"Id": "1001", "SyncToken": "0", "sparse": True, "PrivateNote": "Called, will pay on Friday"}
    edit = {"method": "POST", "path": f"/v3/company/{realm}/invoice?minorversion=75", "body": body}
    requests.post(f"{base_url}/_sandbox/edit", json=edit, timeout=60).raise_for_status()


def is_write(request: Mapping[str, Any]) -> bool:
    return request["method"] == "POST" and ("/batch" in request["path"] or request["path"].endswith("/invoice"))


WORDS = Words(
    erp="quickbooks",
    title="QuickBooks",
    dlt_tables=("quickbooks.invoice", "quickbooks.invoice__line"),
    # The subtotal stands among the lines.
    dlt_lines_extra=1,
    edit_one=edit_one,
    # One call asks what changed in all entities.
    untaxed="NON",
    batch_invoices=30,
    batches_per_minute=40,
    is_write=is_write,
)
