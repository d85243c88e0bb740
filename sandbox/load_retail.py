"""`python -m sandbox.load_retail FILE`: fill a running QuickBooks simulator with the Online Retail invoice lines.

Decisions and objects are made in sandbox/quickbooks/retail.py and written down in docs/online-retail.md; here they are
sent and summed up. Exit 0 when loaded, 2 on wrong usage, an unreadable file or an unreachable simulator.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter

from sandbox.control_client import ControlClient, ControlError
from sandbox.quickbooks.retail import DECISIONS, RetailCompany, RetailError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.load_retail", description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="parquet file of invoice lines")
    parser.add_argument("--base-url", default="http://127.0.0.1:8801")
    parser.add_argument("--limit-invoices", type=int, help="take only the first N documents of the file")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args(arguments)
    if options.limit_invoices is not None and options.limit_invoices < 1:
        parser.error(f"--limit-invoices: found {options.limit_invoices}, expected 1 or more")
    began = perf_counter()
    try:
        company = RetailCompany(options.file, options.limit_invoices)
        client = ControlClient(options.base_url)
        client.reset("empty")
        loaded = client.load_all(company.chunks())
        client.close()
    except (ControlError, RetailError) as problem:
        print(f"load_retail: {problem}", file=sys.stderr)
        return 2
    summary = company.summary() | {"loaded": loaded, "seconds": round(perf_counter() - began, 2)}
    print(json.dumps(summary) if options.json else as_table(summary))
    return 0


def as_table(summary: dict) -> str:
    """The summary for a person: counts and sums, then each decision with how often it was taken."""
    rows = [(name.replace("_", " "), value) for name, value in summary.items() if not isinstance(value, dict)]
    rows += [(f"loaded {entity}", count) for entity, count in summary["loaded"].items()]
    lines = [f"{name:<28}{value:>18}" for name, value in rows]
    lines += ["", "decisions (docs/online-retail.md):"]
    lines += [f"{count:>9}  {DECISIONS[name]}" for name, count in summary["decisions"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
