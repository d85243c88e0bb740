"""The bare reading of a QuickBooks company: the same bytes by the same queries as Tieout, thrown away."""

from __future__ import annotations

import re

import requests

PAGE_ROWS = 1000
ENTITIES = (
    *("Customer", "Vendor", "Item", "Invoice", "CreditMemo", "Payment", "Bill", "VendorCredit", "BillPayment"),
    *("PurchaseOrder", "Account", "Term", "PaymentMethod", "TaxCode", "TaxRate", "CompanyInfo", "Preferences"),
)
NAME_LISTS = frozenset({"Customer", "Vendor", "Item", "Account", "Term", "PaymentMethod", "TaxCode", "TaxRate"})
_UPDATED = re.compile(rb'"LastUpdatedTime": ?"([^"]+)"')


def read(base_url: str) -> tuple[int, int]:
    """Calls and bytes. The last time of a page is found without parsing it."""
    token = requests.post(f"{base_url}/_sandbox/tokens", timeout=30).json()
    session = requests.Session()
    session.headers.update({"Authorization": f"Bearer {token['access_token']}", "Accept": "application/json"})
    url = f"{base_url}/v3/company/{token['realm_id']}/query?minorversion=75"
    calls = size = 0
    for entity in ENTITIES:
        since, rows = None, PAGE_ROWS
        while rows >= PAGE_ROWS:
            conditions = [f"MetaData.LastUpdatedTime >= '{since}'"] if since else []
            conditions += ["Active IN (true, false)"] if entity in NAME_LISTS else []
            where = f"where {' and '.join(conditions)} " if conditions else ""
            statement = f"select * from {entity} {where}orderby MetaData.LastUpdatedTime asc maxresults {PAGE_ROWS}"
            answer = session.post(
                url, data=statement.encode(), headers={"Content-Type": "application/text"}, timeout=300
            )
            answer.raise_for_status()
            times = _UPDATED.findall(answer.content)
            calls, size, rows = calls + 1, size + len(answer.content), len(times)
            last = times[-1].decode() if times else None
            if last == since:
                break
            since = last
    return calls, size
