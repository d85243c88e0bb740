"""`python -m bench.serving`: how fast the simulators take a big company and give its invoices.

So that no benchmark of a client measures them instead. A line for each ERP; exit 0 if all demands were met, 1 if not.

Belongs here: loading by `sandbox.load_volume` and reading invoices in pages of 1000 over one connection, nothing else.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator
from time import perf_counter, process_time

import requests

from bench.measure import ROOT, cpu_of_tree

PAGE_ROWS = 1000
LOAD_SECONDS_MAX = 60.0
INVOICES_PER_SECOND_MIN = 20_000


def _pages_of_quickbooks(session: requests.Session, url: str, token: dict[str, str]) -> Iterator[bytes]:
    query = f"{url}/v3/company/{token['realm_id']}/query?minorversion=75"
    start = 1
    while True:
        statement = f"select * from Invoice orderby Id startposition {start} maxresults {PAGE_ROWS}"
        yield session.post(query, data=statement.encode(), headers={"Content-Type": "application/text"}).content
        start += PAGE_ROWS


def _pages_of_xero(session: requests.Session, url: str, token: dict[str, str]) -> Iterator[bytes]:
    session.headers["xero-tenant-id"] = token["tenant_id"]
    page = 1
    while True:
        asked = {"page": page, "pageSize": PAGE_ROWS, "order": "UpdatedDateUTC ASC"}
        yield session.get(f"{url}/api.xro/2.0/Invoices", params=asked).content
        page += 1


PAGES: dict[str, tuple[bytes, Callable[..., Iterator[bytes]]]] = {
    "quickbooks": (b'"SyncToken"', _pages_of_quickbooks),
    "xero": (b'"InvoiceNumber"', _pages_of_xero),
}


def measure(erp: str, invoices: int) -> tuple[float, float, float]:
    """Seconds to make, send and load a company; invoices a second over one connection; the simulator's CPU for them.

    The first page is read before: it makes the order of the list.
    """
    command = [sys.executable, "-m", "sandbox", "--erp", erp, "--port", "0", "--no-limits", "--with-parent"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().removeprefix("listening on ").strip()
        began = perf_counter()
        load = [sys.executable, "-m", "sandbox.load_volume", "--erp", erp, "--base-url", url]
        subprocess.run([*load, "--invoices", str(invoices)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        load_seconds = perf_counter() - began
        token = requests.post(f"{url}/_sandbox/tokens", timeout=30).json()
        session = requests.Session()
        session.headers.update({"Authorization": f"Bearer {token['access_token']}", "Accept": "application/json"})
        mark, pages = PAGES[erp]
        next(pages(session, url, token))
        cpu, began, own = cpu_of_tree(process.pid), perf_counter(), process_time()
        rows = 0
        for content in pages(session, url, token):
            found = content.count(mark)
            rows += min(found, PAGE_ROWS)
            if rows >= invoices or not found:
                break
        seconds = perf_counter() - began
        print(f"  the client's own CPU: {process_time() - own:.1f} s", file=sys.stderr)
        if rows < invoices:
            raise RuntimeError(f"reading the invoices of {erp}: found {rows}, expected {invoices}")
        return load_seconds, rows / seconds, rows / (cpu_of_tree(process.pid) - cpu)
    finally:
        process.terminate()
        process.wait(timeout=30)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.serving", description=__doc__.splitlines()[0])
    parser.add_argument("--erp", choices=sorted(PAGES), action="append", help="all of them if absent")
    parser.add_argument("--invoices", type=int, default=200_000)
    options = parser.parse_args(arguments)
    is_met = True
    for erp in options.erp or sorted(PAGES):
        load_seconds, rate, rate_of_cpu = measure(erp, options.invoices)
        is_met = is_met and load_seconds < LOAD_SECONDS_MAX and rate >= INVOICES_PER_SECOND_MIN
        print(
            f"{erp}: {options.invoices:,} invoices of 5 lines made and loaded in {load_seconds:.1f} s (demanded: below "
            f"{LOAD_SECONDS_MAX:.0f}); served {rate:,.0f} a second in pages of {PAGE_ROWS} (demanded: "
            f"{INVOICES_PER_SECOND_MIN:,}), {rate_of_cpu:,.0f} for a second of the simulator's CPU",
            flush=True,
        )
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
