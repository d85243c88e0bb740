"""The yardstick: the same company into Postgres with dlt, as somebody who knows dlt would write it. Runs in bench/.env.

One resource an entity: paged POST queries with a bearer token, merge by Id, incremental by MetaData.LastUpdatedTime,
lines in child tables. dlt keeps one table an entity with its children and no history, mirror or ledger beside them.
Settings meant to be fast: orjson, files of at most 50,000 rows written as CSV (dlt's fastest way into Postgres, by
COPY), normalized and loaded by as many workers as there are cores.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from decimal import Decimal
from time import perf_counter
from typing import Any

import requests

CORES = str(os.cpu_count() or 1)
os.environ.update(
    {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "NORMALIZE__WORKERS": CORES,
        "LOAD__WORKERS": CORES,
        "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "50000",
        "EXTRACT__DATA_WRITER__FILE_MAX_ITEMS": "10000",
        "DATA_WRITER__BUFFER_MAX_ITEMS": "10000",
        "LOAD__DELETE_COMPLETED_JOBS": "true",
    }
)

import dlt  # noqa: E402  dlt reads its settings when it is imported.

PAGE_ROWS = 1000
ENTITIES = (
    *("Customer", "Vendor", "Item", "Invoice", "CreditMemo", "Payment", "Bill", "VendorCredit", "BillPayment"),
    *("PurchaseOrder", "Account", "Term", "PaymentMethod"),
)
NAME_LISTS = frozenset({"Customer", "Vendor", "Item", "Account", "Term", "PaymentMethod"})


def build_resource(session: requests.Session, url: str, entity: str) -> Any:
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


def main(arguments: list[str]) -> None:
    """`BASE_URL POSTGRES_URL WORKING_DIRECTORY`: one run of the pipeline; prints its seconds as JSON."""
    base_url, postgres_url, directory = arguments
    token = requests.post(f"{base_url}/_sandbox/tokens", timeout=30).json()
    session = requests.Session()
    session.headers.update({"Authorization": f"Bearer {token['access_token']}", "Accept": "application/json"})
    url = f"{base_url}/v3/company/{token['realm_id']}/query?minorversion=75"
    began = perf_counter()
    pipeline = dlt.pipeline(
        pipeline_name="yardstick",
        pipelines_dir=directory,
        destination=dlt.destinations.postgres(postgres_url),
        dataset_name="quickbooks",
    )
    pipeline.run([build_resource(session, url, entity) for entity in ENTITIES], loader_file_format="csv")
    print(json.dumps({"seconds": perf_counter() - began}))


if __name__ == "__main__":
    main(sys.argv[1:])
