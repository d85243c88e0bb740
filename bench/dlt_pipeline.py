"""The yardstick: the same company into Postgres with dlt. Runs in bench/.env.

dlt keeps one table an entity with its children and no history, mirror or ledger beside them. Settings meant to be fast:
orjson, files of at most 50,000 rows written as CSV (dlt's fastest way into Postgres, by COPY), normalized and loaded by
as many workers as there are cores. What is read, and how, is `bench/<erp>/dlt_source.py`.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from time import perf_counter

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


def main(arguments: list[str]) -> None:
    """`ERP BASE_URL POSTGRES_URL WORKING_DIRECTORY`: one run of the pipeline; prints its seconds as JSON."""
    erp, base_url, postgres_url, directory = arguments
    resources = import_module(f"bench.{erp}.dlt_source").build_resources(base_url)
    began = perf_counter()
    pipeline = dlt.pipeline(
        pipeline_name="yardstick",
        pipelines_dir=directory,
        destination=dlt.destinations.postgres(postgres_url),
        dataset_name=erp,
    )
    pipeline.run(resources, loader_file_format="csv")
    print(json.dumps({"seconds": perf_counter() - began}))


if __name__ == "__main__":
    main(sys.argv[1:])
