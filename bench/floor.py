"""The floor: a bare client that reads the same bytes as Tieout does, and throws them away."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from time import perf_counter


def main(arguments: list[str]) -> None:
    """`ERP BASE_URL`: prints seconds, calls and bytes as JSON."""
    erp, base_url = arguments
    began = perf_counter()
    calls, size = import_module(f"bench.{erp}.floor").read(base_url)
    print(json.dumps({"seconds": perf_counter() - began, "calls": calls, "bytes": size}))


if __name__ == "__main__":
    main(sys.argv[1:])
