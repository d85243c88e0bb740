"""Run tap-xero from PyPI against the simulator, twice around changes and deletions, and look for what it missed.

    python -m tests.sandbox.xero.strangers.tap_xero PYTHON

PYTHON is an interpreter of its own environment with `pip install tap-xero six pytz` (seen: 2.6.0, which needs the other
two and does not name them); only the hosts it calls are changed. It discovers, extracts the demo organisation, and
extracts again with its state after records were created, changed, paid, voided, archived and deleted. What it emitted
is compared with the simulator's own state, and the second time it must bring no record that did not change.
Exit code 0: nothing was missed and nothing came in vain.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.house import Simulator, running_simulator

REDIRECTS = Path(__file__).parent / "redirects"
START_DATE = "2024-01-01T00:00:00Z"
# Stream -> (the simulator's list, its key, what must be equal).
STREAMS = {
    "contacts": ("Contacts", "ContactID", ("Name", "ContactStatus")),
    "invoices": ("Invoices", "InvoiceID", ("Status", "Total", "AmountDue")),
    "credit_notes": ("CreditNotes", "CreditNoteID", ("Status", "Total", "RemainingCredit")),
    "payments": ("Payments", "PaymentID", ("Status", "Amount")),
    "overpayments": ("Overpayments", "OverpaymentID", ("Status", "RemainingCredit")),
    "prepayments": ("Prepayments", "PrepaymentID", ("Status", "RemainingCredit")),
    "purchase_orders": ("PurchaseOrders", "PurchaseOrderID", ("Status", "Total")),
    "bank_transactions": ("BankTransactions", "BankTransactionID", ("Status", "Total")),
    "accounts": ("Accounts", "AccountID", ("Name", "Status")),
    "items": ("Items", "ItemID", ("Code", "Name")),
    "tax_rates": ("TaxRates", "TaxType", ("Name",)),
    "currencies": ("Currencies", "Code", ("Description",)),
}
# It asks for these as a whole each time.
WHOLE = {"tax_rates", "currencies"}


class Tap:
    """One configured tap; its state is carried from run to run."""

    def __init__(self, python: str, running: Simulator, folder: Path) -> None:
        self.python, self.running, self.folder = python, running, folder
        self.state: dict[str, Any] = {}
        minted = running.post("tokens")
        settings = {name: minted[name] for name in ("client_id", "client_secret", "refresh_token", "tenant_id")}
        settings |= {"start_date": START_DATE, "include_archived_contacts": "true"}
        (folder / "config.json").write_text(json.dumps(settings))

    def run(self, *arguments: str) -> str:
        environment = {**os.environ, "SIMULATOR_URL": self.running.base_url, "PYTHONPATH": str(REDIRECTS)}
        command = [self.python, "-m", "redirect_tap_xero", "--config", "config.json", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"tap-xero {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr[-4000:]}")
        return done.stdout

    def discover(self) -> int:
        """Write the catalog with every stream selected; returns how many there are."""
        catalog = json.loads(self.run("--discover"))
        for stream in catalog["streams"]:
            stream["metadata"].append({"breadcrumb": [], "metadata": {"selected": True}})
            stream["schema"]["selected"] = True
        (self.folder / "catalog.json").write_text(json.dumps(catalog))
        return len(catalog["streams"])

    def extract(self) -> dict[str, list[dict[str, Any]]]:
        """The records of one run by stream."""
        (self.folder / "state.json").write_text(json.dumps(self.state))
        found: dict[str, list[dict[str, Any]]] = {}
        for line in self.run("--catalog", "catalog.json", "--state", "state.json").splitlines():
            message = json.loads(line) if line.startswith("{") else {"type": ""}
            if message["type"] == "RECORD":
                found.setdefault(message["stream"], []).append(message["record"])
            elif message["type"] == "STATE":
                self.state = message["value"]
        return found


def work(running: Simulator) -> None:
    """Somebody works in Xero: creates, changes, a payment, a credit and money in advance used, a void, deletions, a
    contact archived.
    """

    def edit(operation: str, entity: str, body: dict[str, Any] | None = None, key: str | None = None) -> Any:
        asked = {"operation": operation, "entity": entity, "body": body or {}} | ({"id": key} if key else {})
        return running.post("edit", asked)

    edit("create", "Contacts", {"Name": "A newcomer"})
    newcomer = next(row for row in running.objects("Contacts") if row["Name"] == "A newcomer")["ContactID"]
    line = {"Description": "work", "Quantity": 1, "UnitAmount": 75, "AccountCode": "200", "TaxType": "NONE"}
    document = {"Contact": {"ContactID": newcomer}, "Status": "AUTHORISED", "Date": "2026-10-01", "LineItems": [line]}
    edit("create", "Invoices", {**document, "Type": "ACCREC", "DueDate": "2026-11-01"})
    edit("create", "PurchaseOrders", document)
    unpaid = [
        row
        for row in running.objects("Invoices")
        if row["Status"] == "AUTHORISED" and row["AmountDue"] == row["Total"] and row["Date"] > "/Date(175"
    ]
    paid, voided = unpaid[0], unpaid[1]
    pay = {"Invoice": {"InvoiceID": paid["InvoiceID"]}, "Account": {"Code": "090"}, "Date": "2026-10-30", "Amount": 1}
    edit("create", "Payments", pay)
    edit("void", "Invoices", key=voided["InvoiceID"])
    draft = next(row for row in running.objects("PurchaseOrders") if row["Status"] == "AUTHORISED")
    edit("delete", "PurchaseOrders", key=draft["PurchaseOrderID"])
    idle = next(
        row for row in running.objects("Contacts") if row["ContactStatus"] == "ACTIVE" and row["Name"] != "A newcomer"
    )
    edit("archive", "Contacts", key=idle["ContactID"])
    in_base = (row for row in unpaid[2:] if row["Type"] == "ACCREC" and row["CurrencyRate"] == 1)
    settle_otherwise(running, next(in_base), line)
    untouched, sold = (row for row in running.objects("Items")[:2])
    edit("update", "Items", {"Name": "Called otherwise"}, untouched["ItemID"])
    edit("create", "Items", {"Code": "SHORT-LIVED", "Name": "Never sold"})
    edit("update", "Items", {"Description": "in other words"}, sold["ItemID"])
    short = next(row for row in running.objects("Items") if row["Code"] == "SHORT-LIVED")
    edit("delete", "Items", key=short["ItemID"])


def settle_otherwise(running: Simulator, invoice: dict[str, Any], line: dict[str, Any]) -> None:
    """A credit note, an overpayment and a prepayment are made, and a part of each is used on an invoice."""
    party = {"Contact": {"ContactID": invoice["Contact"]["ContactID"]}, "Date": "2026-10-02"}

    def put(path: str, body: dict[str, Any]) -> None:
        running.post("edit", {"method": "PUT", "path": path, "body": body})

    put("/CreditNotes", {**party, "Type": "ACCRECCREDIT", "Status": "AUTHORISED", "LineItems": [line]})
    for kind, code in (("OVERPAYMENT", "120"), ("PREPAYMENT", "200")):
        bank = {"Type": f"RECEIVE-{kind}", "BankAccount": {"Code": "090"}}
        put("/BankTransactions", {**party, **bank, "LineItems": [{**line, "AccountCode": code}]})
    for name, key in (
        ("CreditNotes", "CreditNoteID"),
        ("Overpayments", "OverpaymentID"),
        ("Prepayments", "PrepaymentID"),
    ):
        mine = (row for row in running.objects(name) if row["Contact"]["ContactID"] == party["Contact"]["ContactID"])
        newest = max((row for row in mine if row["Status"] == "AUTHORISED"), key=lambda row: row["UpdatedDateUTC"])
        use = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Amount": 1, "Date": "2026-10-03"}
        put(f"/{name}/{newest[key]}/Allocations", {"Allocations": [use]})


def states(running: Simulator) -> dict[str, dict[str, Any]]:
    return {stream: {row[key]: row for row in running.objects(name)} for stream, (name, key, _) in STREAMS.items()}


def missed(now: dict[str, dict[str, Any]], held: dict[str, dict[str, Any]]) -> list[str]:
    """What the simulator holds and the tap's records do not show, or show otherwise, a line each."""
    problems = []
    for stream, (_, _, compared) in STREAMS.items():
        for key, row in now[stream].items():
            seen = held[stream].get(key)
            if seen is None:
                problems.append(f"{stream} {key}: never emitted")
                continue
            wrong = [name for name in compared if _plain(seen.get(name)) != _plain(row.get(name))]
            problems += [f"{stream} {key}: {name} {seen.get(name)}, present {row.get(name)}" for name in wrong]
    return problems


def in_vain(
    before: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]], found: dict[str, list[dict[str, Any]]]
) -> list[str]:
    """What came the second time although nothing of it changed, but for what shares the last second of the first."""
    problems = []
    for stream, (_, key, _) in STREAMS.items():
        if stream in WHOLE:
            continue
        last = max((_second(row) for row in before[stream].values()), default="")
        for record in found.get(stream, ()):
            was = before[stream].get(record[key])
            if was is not None and was == now[stream][record[key]] and _second(was) < last:
                problems.append(f"{stream} {record[key]}: came again unchanged")
    return problems


def _second(row: dict[str, Any]) -> str:
    return str(row.get("UpdatedDateUTC", ""))[:16]


def _plain(value: Any) -> Any:
    return round(float(value), 2) if isinstance(value, int | float) and not isinstance(value, bool) else value


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python")
    python = parser.parse_args().python
    demo = running_simulator("--no-limits", "--seed", "demo", erp="xero")
    with demo as running, tempfile.TemporaryDirectory() as folder:
        tap = Tap(python, running, Path(folder))
        print(f"discovered {tap.discover()} streams")
        held: dict[str, dict[str, Any]] = {stream: {} for stream in STREAMS}
        problems: list[str] = []
        before = states(running)
        for name in ("full", "after the work"):
            found = tap.extract()
            for stream, (_, key, _) in STREAMS.items():
                held[stream].update((record[key], record) for record in found.get(stream, ()))
            now = states(running)
            problems = missed(now, held) + (in_vain(before, now, found) if name != "full" else [])
            rows = {stream: len(records) for stream, records in sorted(found.items())}
            print(f"{name}: {sum(rows.values())} records {rows}; wrong {len(problems)}")
            print("\n".join(problems[:50]))
            if problems:
                return 1
            if name == "full":
                work(running)
    return 0


if __name__ == "__main__":
    sys.exit(main())
