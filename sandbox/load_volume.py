"""`python -m sandbox.load_volume`: fill a running simulator with a plain big company, for benchmarks.

The company itself is made in sandbox/<erp>/volume.py. Exit 0 when loaded, 2 on wrong usage or an unreachable
simulator.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from time import perf_counter

from sandbox.control_client import ControlClient, ControlError
from sandbox.erps import ERPS


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.load_volume", description=__doc__.splitlines()[0])
    parser.add_argument("--erp", choices=sorted(ERPS), default="quickbooks")
    parser.add_argument("--invoices", type=int, default=50_000)
    parser.add_argument("--lines", type=int, default=5, help="lines an invoice")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--base-url", default="http://127.0.0.1:8801")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a line of text")
    options = parser.parse_args(arguments)
    began = perf_counter()
    try:
        client = ControlClient(options.base_url)
        client.reset("empty")
        build_volume = import_module(f"sandbox.{options.erp}.volume").build_volume
        counts = client.load_all(build_volume(options.invoices, options.lines, options.seed))
        client.close()
    except (ControlError, ValueError) as problem:
        print(f"load_volume: {problem}", file=sys.stderr)
        return 2
    seconds = round(perf_counter() - began, 2)
    if options.json:
        print(json.dumps({"loaded": counts, "seconds": seconds}))
    else:
        print(", ".join(f"{count} {entity}" for entity, count in counts.items()), f"in {seconds} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
