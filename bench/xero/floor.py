"""The bare reading of a Xero organisation: every list once, page by page, thrown away."""

from __future__ import annotations

import re

import requests

PAGE_ROWS = 1000
PAGED = (*("Contacts", "Invoices", "CreditNotes", "Payments", "Overpayments", "Prepayments", "PurchaseOrders"),)
WHOLE = ("Items", "Accounts", "TaxRates", "Currencies", "TrackingCategories", "Organisation")
_PAGES = re.compile(rb'"pageCount": ?(\d+)')


def read(base_url: str) -> tuple[int, int]:
    """Calls and bytes. The number of pages is found without parsing one."""
    token = requests.post(f"{base_url}/_sandbox/tokens", timeout=30).json()
    session = requests.Session()
    session.headers.update(
        {
            "Authorization": f"Bearer {token['access_token']}",
            "xero-tenant-id": token["tenant_id"],
            "Accept": "application/json",
        }
    )
    calls = size = 0
    for name in (*PAGED, *WHOLE):
        page, pages = 1, 1
        while page <= pages:
            params = {"page": page, "pageSize": PAGE_ROWS} if name in PAGED else {}
            answer = session.get(f"{base_url}/api.xro/2.0/{name}", params=params, timeout=300)
            answer.raise_for_status()
            found = _PAGES.search(answer.content)
            pages = int(found[1]) if found else 1
            calls, size, page = calls + 1, size + len(answer.content), page + 1
    return calls, size
