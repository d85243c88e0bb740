"""Xero for dlt, by dlt's REST source, as somebody who knows dlt would configure it. Runs in bench/.env.

One resource a list, merge by its id, lines in child tables; those that know modification times ask for what changed by
If-Modified-Since. Numbers come exact, as amounts must.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import requests
from dlt.sources.rest_api import rest_api_resources

PAGE_ROWS = 1000
# List, id, whether it is paged, whether it knows modification times.
LISTS = (
    ("Contacts", "ContactID", True, True),
    ("Items", "ItemID", False, True),
    ("Invoices", "InvoiceID", True, True),
    ("CreditNotes", "CreditNoteID", True, True),
    ("Payments", "PaymentID", True, True),
    ("Overpayments", "OverpaymentID", True, True),
    ("Prepayments", "PrepaymentID", True, True),
    ("PurchaseOrders", "PurchaseOrderID", True, True),
    ("Accounts", "AccountID", False, True),
    ("TaxRates", "TaxType", False, False),
    ("Currencies", "Code", False, False),
    ("TrackingCategories", "TrackingCategoryID", False, False),
    ("Organisation", "OrganisationID", False, False),
)


class ExactSession(requests.Session):
    """Answers whose numbers are read as they were written."""

    def send(self, request: requests.PreparedRequest, **more: Any) -> requests.Response:
        answer = super().send(request, **more)
        answer.json = lambda **_: json.loads(answer.content, parse_float=Decimal)  # type: ignore[method-assign]
        return answer


def build_resources(base_url: str) -> list[Any]:
    """One dlt resource a list."""
    token = requests.post(f"{base_url}/_sandbox/tokens", timeout=30).json()
    headers = {
        "Authorization": f"Bearer {token['access_token']}",
        "xero-tenant-id": token["tenant_id"],
        "Accept": "application/json",
    }
    return rest_api_resources(
        {
            "client": {"base_url": f"{base_url}/api.xro/2.0/", "headers": headers, "session": ExactSession()},
            "resource_defaults": {"write_disposition": "merge"},
            "resources": [_resource(*one) for one in LISTS],
        }
    )


def _resource(name: str, key: str, is_paged: bool, has_delta: bool) -> dict[str, Any]:
    endpoint: dict[str, Any] = {
        "path": name,
        "data_selector": "Organisations" if name == "Organisation" else name,
        "paginator": "single_page",
    }
    if is_paged:
        endpoint["params"] = {"pageSize": PAGE_ROWS}
        endpoint["paginator"] = {"type": "page_number", "base_page": 1, "total_path": "pagination.pageCount"}
    if has_delta:
        endpoint["incremental"] = {"cursor_path": "UpdatedDateUTC", "initial_value": "/Date(0000000000000+0000)/"}
        endpoint["headers"] = {"If-Modified-Since": "{incremental.start_value}"}
        endpoint["incremental"]["convert"] = _http_date
    return {"name": name.lower(), "primary_key": key, "endpoint": endpoint}


def _http_date(stamp: str) -> str:
    """/Date(1746093780000+0000)/ as the header wants it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(int(stamp[6:19]) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
