"""QuickBooks for dlt, as somebody who knows dlt would write it. Runs in bench/.env.

One resource an entity: paged POST queries with a bearer token, merge by Id, incremental by MetaData.LastUpdatedTime,
lines in child tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import dlt
import requests

PAGE_ROWS = 1000
ENTITIES = (
    *("Customer", "Vendor", "Item", "Invoice", "CreditMemo", "Payment", "Bill", "VendorCredit", "BillPayment"),
    *("PurchaseOrder", "Account", "Term", "PaymentMethod"),
)
NAME_LISTS = frozenset({"Customer", "Vendor", "Item", "Account", "Term", "PaymentMethod"})


def build_resources(base_url: str) -> list[Any]:
    """One dlt resource an entity."""
    token = requests.post(f"{base_url}/_sandbox/tokens", timeout=30).json()
    session = requests.Session()
    session.headers.update({"Authorization": f"Bearer {token['access_token']}", "Accept": "application/json"})
    url = f"{base_url}/v3/company/{token['realm_id']}/query?minorversion=75"
    return [_build_resource(session, url, entity) for entity in ENTITIES]


def _build_resource(session: requests.Session, url: str, entity: str) -> Any:
    """One entity, paged by position in the order of modification; numbers come exact, as amounts must."""

    @dlt.resource(name=entity.lower(), write_disposition="merge", primary_key="Id")
    def rows(
        updated: Any = dlt.sources.incremental("MetaData.LastUpdatedTime", initial_value="1970-01-01T00:00:00Z"),
    ) -> Iterator[list[dict[str, Any]]]:
        conditions = [f"MetaData.LastUpdatedTime >= '{updated.last_value}'"]
        if entity in NAME_LISTS:
            conditions.append("Active IN (true, false)")
        start = 1
        while True:
            statement = (
                f"select * from {entity} where {' and '.join(conditions)} "
                f"orderby MetaData.LastUpdatedTime asc startposition {start} maxresults {PAGE_ROWS}"
            )
            answer = session.post(
                url, data=statement.encode(), headers={"Content-Type": "application/text"}, timeout=300
            )
            answer.raise_for_status()
            page = json.loads(answer.content, parse_float=Decimal)["QueryResponse"].get(entity, [])
            yield page
            if len(page) < PAGE_ROWS:
                return
            start += len(page)

    return rows
