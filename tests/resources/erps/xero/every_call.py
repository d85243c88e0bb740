"""Every call that the simulator answers, those included that our connector never makes.

Belongs here: making each once, so that whoever listens has heard all of them. What an answer must be is
`description.py`. Resources that the simulator only stores are given a record, of properties that the published
description names.
"""

from __future__ import annotations

from typing import Any

import requests

from sandbox.xero.resources import RESOURCES, Resource
from tests.house import CALL_SECONDS_MAX
from tests.resources.erps.xero.between import Between
from tests.resources.erps.xero.description import ACCOUNTING

_DAYS = {"Date": "2026-03-01", "DueDate": "2026-04-01"}
_LINE = {"Description": "work", "Quantity": 1, "UnitAmount": 40, "AccountCode": "200", "TaxType": "NONE"}
_GUID = "00000000-0000-4000-8000-0000000000{:02d}"
_ONLY_STORED: dict[str, dict[str, Any]] = {
    "BankTransfers": {"Amount": 5, "FromBankAccount": {"Code": "090"}, "ToBankAccount": {"Code": "091"}},
    "BrandingThemes": {"Name": "Standard", "SortOrder": 0},
    "ContactGroups": {"Name": "Schools", "Status": "ACTIVE"},
    "ExpenseClaims": {"Status": "SUBMITTED", "Total": 5},
    "Journals": {"JournalNumber": 1, "JournalDate": "/Date(1772323200000+0000)/", "JournalLines": []},
    "LinkedTransactions": {"Status": "DRAFT", "Type": "BILLABLEEXPENSE"},
    "ManualJournals": {"Narration": "Accrual", "Status": "DRAFT"},
    "Quotes": {"QuoteNumber": "QU-1", "Status": "DRAFT", "Total": 5},
    "Receipts": {"ReceiptNumber": "1", "Status": "DRAFT", "Total": 5},
    "RepeatingInvoices": {"Type": "ACCREC", "Status": "DRAFT", "Total": 5},
    "Users": {"FirstName": "Ada", "LastName": "Lund", "IsSubscriber": True},
}


class Caller:
    """Somebody with a token for one organisation."""

    def __init__(self, simulator: Between) -> None:
        minted = simulator.post("tokens")
        self._root = simulator.base_url + ACCOUNTING
        self._http = requests.Session()
        self._http.headers.update(
            {
                "Authorization": f"Bearer {minted['access_token']}",
                "xero-tenant-id": minted["tenant_id"],
                "Accept": "application/json",
            }
        )

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        is_file = isinstance(body, bytes)
        given = {"data": body} if is_file else {"json": body}
        kind = {"Content-Type": "application/octet-stream"} if is_file else {}
        wanted = {"contentType": "text/plain"} if "/Attachments/" in path else {}
        answer = self._http.request(
            method, f"{self._root}/{path}", headers={**kind, **wanted}, timeout=CALL_SECONDS_MAX, **given
        )
        assert answer.status_code in (200, 204), f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def rows(self, path: str) -> list[dict[str, Any]]:
        return _rows(self.ask("GET", path))

    def write(self, path: str, body: dict[str, Any], method: str = "PUT", name: str = "") -> dict[str, Any]:
        """Write one element, in a list called as the path ends or as said; what it is answered with."""
        return _rows(self.ask(method, path, {name or path.rpartition("/")[2]: [body]}))[0]

    def write_one(self, path: str, body: dict[str, Any], method: str = "PUT") -> dict[str, Any]:
        """Write what is described as one element without a list."""
        return _rows(self.ask(method, path, body))[0]


def _rows(answer: requests.Response) -> list[dict[str, Any]]:
    (rows,) = (value for value in answer.json().values() if isinstance(value, list))
    return rows


def drive(simulator: Between) -> None:
    """All of them, in an organisation with the demo's books."""
    simulator.reset("demo")
    for number, (name, record) in enumerate(_ONLY_STORED.items()):
        key = next(one.key for one in RESOURCES if one.name == name)
        simulator.post("load", {name: [{key: _GUID.format(number), **record}]})
    caller = Caller(simulator)
    contact = caller.write("Contacts", {"Name": "Lund & Sons"})["ContactID"]
    write_settings(caller)
    write_documents(caller, contact)
    write_money(caller, contact)
    for resource in RESOURCES:
        read(caller, resource)
    for name in ("TrialBalance", "BalanceSheet"):
        caller.rows(f"Reports/{name}")
    for name in ("AgedReceivablesByContact", "AgedPayablesByContact"):
        caller.rows(f"Reports/{name}?contactId={contact}")


def read(caller: Caller, resource: Resource) -> None:
    """A list, its first page and record, and whatever hangs on that."""
    name, parts = resource.name, resource.subs.split()
    one = f"{name}/{caller.rows(name)[0][resource.key]}"
    if resource.paging != "never":
        caller.rows(f"{name}?page=1")
    if name not in ("Organisation", "Currencies"):
        caller.rows(one)
    if "History" in parts:
        caller.write(f"{one}/History", {"Details": "Called them"}, name="HistoryRecords")
        caller.rows(f"{one}/History")
    if "Attachments" in parts:
        caller.ask("PUT", f"{one}/Attachments/note.txt", b"a note")
        caller.ask("POST", f"{one}/Attachments/note.txt", b"another note")
        (file,) = caller.rows(f"{one}/Attachments")
        caller.ask("GET", f"{one}/Attachments/{file['AttachmentID']}")


def write_settings(caller: Caller) -> None:
    account = (
        f"Accounts/{caller.write_one('Accounts', {'Code': '777', 'Name': 'Odds', 'Type': 'EXPENSE'})['AccountID']}"
    )
    caller.write(account, {"Name": "Ends"}, "POST", "Accounts")
    caller.ask("DELETE", account)
    rate = {"Name": "Ten", "TaxComponents": [{"Name": "Ten", "Rate": 10}]}
    caller.write("TaxRates", rate)
    caller.write("TaxRates", rate, "POST")
    caller.write_one("Currencies", {"Code": "SEK"})
    # An organisation has two at most.
    caller.ask("DELETE", f"TrackingCategories/{caller.rows('TrackingCategories')[0]['TrackingCategoryID']}")
    made = caller.write_one("TrackingCategories", {"Name": "Grade"})["TrackingCategoryID"]
    grade = f"TrackingCategories/{made}"
    caller.write_one(grade, {"Name": "Grades"}, "POST")
    option = caller.write_one(f"{grade}/Options", {"Name": "North"})["TrackingOptionID"]
    caller.write_one(f"{grade}/Options", {"Name": "South"})
    caller.write_one(f"{grade}/Options/{option}", {"Name": "Up North"}, "POST")
    caller.ask("DELETE", f"{grade}/Options/{option}")
    item = f"Items/{caller.write('Items', {'Code': 'W-1'})['ItemID']}"
    caller.write(item, {"Code": "W-2"}, "POST", "Items")
    caller.ask("DELETE", item)


def write_documents(caller: Caller, contact: str) -> None:
    of = {"Contact": {"ContactID": contact}, "LineItems": [_LINE]}
    kinds = {
        "Invoices": ("InvoiceID", {"Type": "ACCREC", **of, **_DAYS}),
        "CreditNotes": ("CreditNoteID", {"Type": "ACCRECCREDIT", **of, "Date": "2026-03-01"}),
        "PurchaseOrders": ("PurchaseOrderID", {**of, "Date": "2026-03-01"}),
    }
    caller.write(f"Contacts/{contact}", {"FirstName": "Ada"}, "POST", "Contacts")
    for name, (key, body) in kinds.items():
        made = caller.write(name, body)[key]
        caller.write(f"{name}/{made}", {"Reference": "R"}, "POST", name)
        caller.write(name, {key: made, "Status": "AUTHORISED"}, "POST")
        caller.ask("GET", f"{name}/{made}/pdf")
        if name == "Invoices":
            caller.rows(f"Invoices/{made}/OnlineInvoice")
            caller.ask("POST", f"Invoices/{made}/Email", {})


def write_money(caller: Caller, contact: str) -> None:
    of = {"Contact": {"ContactID": contact}, "LineItems": [_LINE], "Status": "AUTHORISED"}
    owed = [caller.write("Invoices", {"Type": "ACCREC", **of, **_DAYS})["InvoiceID"] for _ in range(2)]
    bank = {"Account": {"Code": "090"}, "Date": "2026-03-05"}
    paid = caller.write("Payments", {"Invoice": {"InvoiceID": owed[0]}, "Amount": 1, **bank})["PaymentID"]
    caller.write_one("Payments", {"Invoice": {"InvoiceID": owed[0]}, "Amount": 2, **bank}, "POST")
    caller.write_one(f"Payments/{paid}", {"Status": "DELETED"}, "POST")
    parts = [{"Invoice": {"InvoiceID": one}, "Amount": 3} for one in owed]
    batch = caller.write("BatchPayments", {"Payments": parts, "Reference": "B", **bank})["BatchPaymentID"]
    caller.write_one("BatchPayments", {"BatchPaymentID": batch, "Status": "DELETED"}, "POST")
    spent = {"Type": "SPEND", "BankAccount": {"Code": "090"}, "Date": "2026-03-05", **of}
    made = caller.write("BankTransactions", spent)["BankTransactionID"]
    caller.write(f"BankTransactions/{made}", {**spent, "Reference": "R"}, "POST", "BankTransactions")
    credits = {
        "Overpayments": ("OverpaymentID", "BankTransactions", {**spent, "Type": "RECEIVE-OVERPAYMENT"}),
        "Prepayments": ("PrepaymentID", "BankTransactions", {**spent, "Type": "RECEIVE-PREPAYMENT"}),
        "CreditNotes": ("CreditNoteID", "CreditNotes", {"Type": "ACCRECCREDIT", "Date": "2026-03-05", **of}),
    }
    for name, (key, made_as, body) in credits.items():
        credit = f"{name}/{caller.write(made_as, body)[key]}"
        uses = [
            caller.write(f"{credit}/Allocations", {"Amount": 4, "Date": "2026-03-06", "Invoice": {"InvoiceID": one}})
            for one in owed
        ]
        caller.rows(credit)
        caller.ask("DELETE", f"{credit}/Allocations/{uses[0]['AllocationID']}")
