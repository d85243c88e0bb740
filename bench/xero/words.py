"""Xero's words in the benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from bench.words import Words

INVOICES_PATH = "/api.xro/2.0/Invoices"


def edit_one(base_url: str) -> None:
    """Somebody writes a reference on one invoice."""
    token = requests.post(f"{base_url}/_sandbox/tokens", timeout=30).json()
    headers = {
        "Authorization": f"Bearer {token['access_token']}",
        "xero-tenant-id": token["tenant_id"],
        "Accept": "application/json",
    }
    first = requests.get(f"{base_url}{INVOICES_PATH}", params={"page": 1, "pageSize": 1}, headers=headers, timeout=300)
    first.raise_for_status()
    invoice_id = first.json()["Invoices"][0]["InvoiceID"]
    body = {"Reference": "Called, will pay on Friday"}
    edit = {"operation": "update", "entity": "Invoices", "id": invoice_id, "body": body}
    requests.post(f"{base_url}/_sandbox/edit", json=edit, timeout=60).raise_for_status()


def is_write(request: Mapping[str, Any]) -> bool:
    return request["method"] in ("PUT", "POST") and request["path"].startswith(INVOICES_PATH)


WORDS = Words(
    erp="xero",
    title="Xero",
    dlt_tables=("xero.invoices", "xero.invoices__line_items"),
    dlt_lines_extra=0,
    edit_one=edit_one,
    # Contacts, organisation, items, invoices, credit notes, payments, over- and prepayments, orders, accounts: Xero
    # has no list of what changed across its lists. One more reads what the change touched.
    untaxed="NONE",
    # Xero names no limit and recommends 50 to 100. We send as many as one more call can read back by their ids, which
    # stand in its address; and both are of the same 60 a minute.
    batch_invoices=40,
    batches_per_minute=30,
    is_write=is_write,
)
