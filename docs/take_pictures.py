"""`make pictures`: the pictures of the documentation, taken from a demo that runs.

Starts `make demo`'s own program in a folder of its own, opens Dagster's UI and the console in Debian's Chromium, and
writes docs/pictures/*.png; `make pictures ARGS=console` those whose names begin so. A page that does not show what its
picture is about is an error, never a wrong picture.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"
# Without these Chromium looks up hosts of its maker's at every start; a container has neither sandbox nor GPU.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DEMO_SECONDS_MAX = 300
STOP_SECONDS_MAX = 30
PAGE_MILLISECONDS_MAX = 30_000
# The UI draws its graphs some time after their data is there, and says nothing when it is done.
SETTLE_MILLISECONDS = 4_000
CONSOLE_SETTLE_MILLISECONDS = 500
# The graph is drawn larger than the page; so many clicks and all of it is there, still to be read.
ZOOMED_OUT_STEPS = 4


def main(prefix: str = "") -> int:
    """Take the pictures whose names begin so; 0 when they are there."""
    if not Path(CHROMIUM).exists():
        print(f"make pictures: found no {CHROMIUM}, expected Debian's Chromium: apt-get install chromium")
        return 2
    PICTURES.mkdir(exist_ok=True)
    with _demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        # One window for all of the console's pages: its link logs in once.
        console = browser.new_context(viewport={"width": 1280, "height": 900}, device_scale_factor=1.5)
        for name, take in TAKES.items():
            if not name.startswith(prefix):
                continue
            is_console = name.startswith("console")
            page = console.new_page() if is_console else browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(PAGE_MILLISECONDS_MAX)
            take(page, address)
            page.wait_for_timeout(CONSOLE_SETTLE_MILLISECONDS if is_console else SETTLE_MILLISECONDS)
            page.screenshot(path=PICTURES / f"{name}.png")
            page.close()
            print(f"docs/pictures/{name}.png")
        browser.close()
    return 0


@contextmanager
def _demo() -> Iterator[str]:
    """A demo in a folder of its own; yields the address of its UI once that answers."""
    port = _free_pair()
    with tempfile.TemporaryDirectory(prefix="tieout-pictures-") as folder:
        _HOMES.append(Path(folder) / "demo")
        command = [sys.executable, "-m", "pipelines.demo", "--port", str(port), "--home", f"{folder}/demo"]
        demo = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "TIEOUT_TENANT": "default"})
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, demo)
            yield address
        finally:
            demo.terminate()
            try:
                demo.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                demo.kill()
                demo.wait()


def _free_pair() -> int:
    """A port that is free, as is the one after it, which is the gateway's."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def _wait_for(address: str, demo: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEMO_SECONDS_MAX
    while time.monotonic() < deadline:
        if demo.poll() is not None:
            sys.exit(f"make pictures: the demo ended with exit code {demo.returncode}: see what it said above")
        try:
            with urllib.request.urlopen(f"{address}/server_info", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    sys.exit(f"make pictures: no answer from the demo's UI after {DEMO_SECONDS_MAX} seconds")


def _console(page: Page, address: str, path: str) -> None:
    """A page of the console, on the port after that of Dagster's UI; logs in where nobody has."""
    host, _, port = address.rpartition(":")
    gateway = f"{host}:{int(port) + 1}"
    page.goto(f"{gateway}{path}")
    if "/console/login" in page.url:
        command = [sys.executable, "-m", "pipelines.cli", "keys", "link", "--json", "--address", gateway]
        environment = {**os.environ, "TIEOUT_HOME": str(_HOMES[-1]), "TIEOUT_TENANT": "default"}
        said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
        page.goto(json.loads(said)["link"])
        page.get_by_role("button", name="Open the console").click()
        page.get_by_role("heading", name="Connections").wait_for()
        page.goto(f"{gateway}{path}")


def _console_connections(page: Page, address: str) -> None:
    _console(page, address, "/console/connections")
    page.get_by_text("healthy").first.wait_for()


def _console_health(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 1000})
    _console(page, address, "/console/health")
    page.get_by_role("heading", name="Calls to the ERPs").wait_for()


def _console_conflict(page: Page, address: str) -> None:
    """Both sides write another note on an invoice, and somebody looks at it."""
    page.set_viewport_size({"width": 1280, "height": 760})
    environment = {**os.environ, "TIEOUT_HOME": str(_HOMES[-1]), "TIEOUT_TENANT": "default"}
    command = [sys.executable, "-c", _BOTH_CHANGE]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    _console(page, address, "/console/conflicts")
    page.locator("tbody a").first.click()
    page.get_by_role("radio").first.check()
    page.locator("#preview ins").wait_for()


def _console_record(page: Page, address: str) -> None:
    _console(page, address, "/console/records?entity=invoices&id=OURS-1")
    page.get_by_text("create: done: written").wait_for()


def _console_phone(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    _console(page, address, "/console/connections")
    page.get_by_text("healthy").first.wait_for()


# What people do in the demo's last conflict, once more and on another invoice.
_BOTH_CHANGE = """
from pipelines.demo import people
from pipelines.demo.quickbooks import QuickBooks
from resources.configured import ServicesResource
from resources.stages.sync import sync
house = ServicesResource().open()
one = house.connection(QuickBooks.connection)
company = QuickBooks(one.base_url)
disputed = people.untouched_invoice(house, one.tenant, company, 3)
company.note_on_invoice(disputed.external_id, "Deliver to the back door.")
people.note(house, one.tenant, disputed.ledger_id, "private_note", "Call before delivery.")
sync(house, one.name)
"""


def _asset_graph(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 2000, "height": 1500})
    page.goto(f"{address}/locations/tieout/asset-groups/receivables/lineage")
    page.get_by_text("100% filled").first.wait_for()
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    for _ in range(ZOOMED_OUT_STEPS):
        page.get_by_label("zoom_out").click()


def _ledger_invoices(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 1250})
    page.goto(f"{address}/assets/ledger/invoices?view=overview")
    page.get_by_text("open_amount").first.wait_for()


def _push_invoices(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 1350})
    page.goto(f"{address}/assets/push/invoices?view=overview")
    page.get_by_text("api_calls").first.wait_for()


def _automation(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 520})
    page.goto(f"{address}/automation")
    page.get_by_text("push_edits").first.wait_for()


def _quality(page: Page, address: str) -> None:
    page.goto(f"{address}/assets/ledger/invoices?view=checks&checkDetail=quality")
    page.get_by_text("lines_make_the_total").first.wait_for()


def _reconciliation(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1760, "height": 1560})
    page.goto(f"{address}/assets/reconciliation/ar?view=overview")
    page.get_by_text("difference", exact=True).first.wait_for()


def _runs(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 620})
    page.goto(f"{address}/runs")
    page.get_by_text("reconcile").first.wait_for()


TAKES: dict[str, Callable[[Page, str], None]] = {
    "asset-graph": _asset_graph,
    "ledger-invoices": _ledger_invoices,
    "push-invoices": _push_invoices,
    "quality-check": _quality,
    "reconciliation": _reconciliation,
    "runs": _runs,
    "automation": _automation,
    "console-connections": _console_connections,
    "console-health": _console_health,
    "console-conflict": _console_conflict,
    "console-record": _console_record,
    "console-phone": _console_phone,
}
# Where the demo keeps its data.
_HOMES: list[Path] = []

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
