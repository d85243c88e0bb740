"""Run tap-quickbooks from PyPI against the simulator, twice around changes and deletions, and look for what it missed.

    python -m tests.sandbox.quickbooks.strangers.tap_quickbooks PYTHON [--company demo|FOLDER]

PYTHON is an interpreter of its own environment with `pip install tap-quickbooks` (seen: 2.5.0); only the tap's three
endpoint constants are changed, when it is imported. It discovers, extracts everything, and extracts again with its
state after customers, invoices and payments were created, changed, voided, made inactive and deleted. What it emitted
is compared with the simulator's own state. Exit code 0: nothing was missed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.sandbox.quickbooks.strangers.simulator import Simulator, simulator

REDIRECTS = Path(__file__).parent / "redirects"
START_DATE = "2025-01-01T00:00:00Z"
NEVER_SHOWN = {"TaxCode": {"TAX", "NON"}}
"""Pseudo codes have no MetaData, so a query by LastUpdatedTime cannot find them."""


class Tap:
    """One configured tap; its state is carried from run to run."""

    def __init__(self, python: str, running: Simulator, folder: Path) -> None:
        self.python, self.running, self.folder = python, running, folder
        self.state: dict[str, Any] = {}
        tokens = running.tokens
        settings = {name: tokens[name] for name in ("client_id", "client_secret", "refresh_token", "realm_id")}
        settings |= {"start_date": START_DATE, "user_agent": "strangers", "sandbox": "true"}
        (folder / "config.json").write_text(json.dumps(settings))

    def run(self, *arguments: str) -> str:
        environment = {**os.environ, **self.running.settings(), "PYTHONPATH": str(REDIRECTS)}
        command = [self.python, "-m", "redirect_tap_quickbooks", "--config", "config.json", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(
                f"tap-quickbooks {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr[-4000:]}"
            )
        return done.stdout

    def discover(self, without: list[str]) -> int:
        """Write the catalog with every stream selected but those left out; returns how many there are."""
        catalog = json.loads(self.run("--discover"))
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                entry["metadata"]["selected"] = stream["stream"] not in without
        (self.folder / "catalog.json").write_text(json.dumps(catalog))
        return len(catalog["streams"])

    def extract(self) -> dict[str, list[dict[str, Any]]]:
        """The records of one run by stream."""
        (self.folder / "state.json").write_text(json.dumps(self.state))
        found: dict[str, list[dict[str, Any]]] = {}
        for line in self.run("--catalog", "catalog.json", "--state", "state.json").splitlines():
            message = json.loads(line)
            if message["type"] == "RECORD":
                found.setdefault(message["stream"], []).append(message["record"])
            elif message["type"] == "STATE":
                self.state = message["value"]
        return found


def stream_of(entity: str) -> str:
    """The tap's stream of an entity: JournalEntry is journal_entries."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in entity).lstrip("_")
    if words.endswith("y"):
        return f"{words.removesuffix('y')}ies"
    return f"{words}es" if words.endswith("s") else f"{words}s"


def work(running: Simulator) -> None:
    """Somebody works in QuickBooks: creates, changes, a payment, a void, a name made inactive, deletions."""

    def edit(operation: str, entity: str, body: dict[str, Any] | None = None, key: str | None = None) -> dict[str, Any]:
        asked = {"operation": operation, "entity": entity, "body": body or {}} | ({"id": key} if key else {})
        answer: dict[str, Any] = running.control("POST", "edit", asked)
        return answer[entity]

    customer = edit("create", "Customer", {"DisplayName": "A newcomer"})["Id"]
    vendor = edit("create", "Vendor", {"DisplayName": "A new vendor"})["Id"]
    item = next(each for each in running.state("Item") if each["Type"] == "Service" and each["Active"])["Id"]
    line = {"DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": item}}, "Amount": 75}
    to = {"CustomerRef": {"value": customer}}
    paid, gone, voided = (edit("create", "Invoice", {**to, "Line": [line]})["Id"] for _ in range(3))
    link = {"Amount": 75, "LinkedTxn": [{"TxnId": paid, "TxnType": "Invoice"}]}
    edit("create", "Payment", {**to, "TotalAmt": 100, "Line": [link]})
    edit("void", "Invoice", key=voided)
    edit("delete", "Invoice", key=gone)
    expense = next(each for each in running.state("Account") if each["AccountType"] == "Expense")["Id"]
    spent = {"AccountRef": {"value": expense}}
    cost = {"DetailType": "AccountBasedExpenseLineDetail", "AccountBasedExpenseLineDetail": spent, "Amount": 20}
    edit("create", "Bill", {"VendorRef": {"value": vendor}, "Line": [cost]})
    unpaid = [each for each in running.state("Invoice") if each["Balance"] == each["TotalAmt"] > 0]
    edit("update", "Invoice", {"PrivateNote": "changed over there"}, key=unpaid[0]["Id"])
    edit("delete", "Invoice", key=unpaid[1]["Id"])
    idle = [each for each in running.state("Customer") if each["Active"] and not each.get("Balance")]
    edit("update", "Customer", {"Active": False}, key=idle[0]["Id"])


def missed(running: Simulator, held: dict[str, dict[str, Any]], gone: set[tuple[str, str]]) -> list[str]:
    """What the simulator holds and the tap's records do not show, or show otherwise, a line each."""
    problems = []
    for entity, objects in running.control("GET", "state").items():
        seen = held.get(stream_of(entity))
        if seen is None:
            continue
        for each in objects:
            key = each["Id"]
            if each.get("status") == "Deleted":
                if (entity, key) not in gone:
                    problems.append(f"{entity} {key}: was deleted, not in deleted_objects")
            elif key in NEVER_SHOWN.get(entity, ()):
                continue
            elif key not in seen:
                problems.append(f"{entity} {key}: never emitted")
            elif seen[key]["SyncToken"] != each["SyncToken"]:
                problems.append(f"{entity} {key}: SyncToken {seen[key]['SyncToken']}, present {each['SyncToken']}")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python")
    parser.add_argument("--company", default="demo", help="demo, or a folder of captured lists")
    parser.add_argument("--without", action="append", default=[], metavar="STREAM", help="a stream not to select")
    arguments = parser.parse_args()
    with simulator(arguments.company) as running, tempfile.TemporaryDirectory() as folder:
        tap = Tap(arguments.python, running, Path(folder))
        print(f"discovered {tap.discover(arguments.without)} streams")
        catalog = json.loads((Path(folder) / "catalog.json").read_text())
        held: dict[str, dict[str, Any]] = {stream["stream"]: {} for stream in catalog["streams"]}
        gone: set[tuple[str, str]] = set()
        problems: list[str] = []
        for name in ("full", "after the work"):
            found = tap.extract()
            for stream, records in found.items():
                for each in records:
                    if stream == "deleted_objects":
                        gone.add((each["Type"], each["Id"]))
                    elif "Id" in each:
                        held.setdefault(stream, {})[each["Id"]] = each
            problems = missed(running, held, gone)
            rows = {stream: len(records) for stream, records in sorted(found.items())}
            print(f"{name}: {sum(rows.values())} records {rows}; missed {len(problems)}")
            print("\n".join(problems[:50]))
            if problems:
                break
            if name == "full":
                work(running)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
