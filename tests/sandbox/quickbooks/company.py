"""A simulated company in this process, with the few words the tests of the simulator need.

Belongs here: calling the simulator without a socket and builders of QuickBooks bodies. Tests of the server itself start
it as a process.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from sandbox.http import Answer, Request
from sandbox.quickbooks import wire
from sandbox.quickbooks.app import QuickBooks
from sandbox.world import World

REALM = "9990000000000001"
NOON = datetime(2026, 11, 21, 20, tzinfo=UTC)


class Company:
    """An empty company whose clock stands still; every call is authenticated unless it brings its own headers."""

    def __init__(self, now: datetime = NOON) -> None:
        self.world = World()
        self.clock = self.world.clock
        self.clock.set(now=now, frozen=True)
        self.erp = QuickBooks(self.world, realm_id=REALM)
        self.erp.reset("empty", 1)

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        parts = urlsplit(path)
        data = body if isinstance(body, bytes) else wire.encode(body) if body is not None else b""
        request = Request(
            method, parts.path, parts.query, headers or {"accept": "application/json"}, data, "http://127.0.0.1:1"
        )
        return self.erp.handle(request, authenticated=headers is None or "authorization" not in headers)

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and decoded body of one call of the company's API; `path` without /v3/company/..."""
        answer = self.send(method, f"/v3/company/{REALM}{path}", body)
        return answer.status, wire.decode(answer.body)

    def post(self, entity: str, body: dict[str, Any], query: str = "") -> dict[str, Any]:
        """The object after a write that must succeed."""
        status, answer = self.call("POST", f"/{entity.lower()}{query}", body)
        assert status == 200, answer
        return answer[entity]

    def fault(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The one error of a call that must be refused with status 400."""
        status, answer = self.call(method, path, body)
        assert status == 400, answer
        (error,) = answer["Fault"]["Error"]
        return error

    def get(self, entity: str, key: str) -> dict[str, Any]:
        status, answer = self.call("GET", f"/{entity.lower()}/{key}")
        assert status == 200, answer
        return answer[entity]

    def select(self, statement: str) -> dict[str, Any]:
        status, answer = self.call("GET", f"/query?query={quote(statement)}")
        assert status == 200, answer
        return answer["QueryResponse"]

    def ids(self, statement: str) -> list[str]:
        """The Ids a statement finds, in order."""
        found = self.select(statement)
        return [each["Id"] for rows in found.values() if isinstance(rows, list) for each in rows]

    def load(self, **objects: list[dict[str, Any]]) -> None:
        self.erp.load({entity: [msgspec.Raw(wire.encode(each)) for each in rows] for entity, rows in objects.items()})

    def later(self, seconds: float = 60) -> None:
        self.clock.set(advance=timedelta(seconds=seconds), frozen=True)

    def customer(self, name: str = "Amy's Bird Sanctuary", **more: Any) -> str:
        return self.post("Customer", {"DisplayName": name, **more})["Id"]

    def vendor(self, name: str = "Books by Bessie", **more: Any) -> str:
        return self.post("Vendor", {"DisplayName": name, **more})["Id"]

    def item(self, name: str = "Design") -> str:
        return self.post("Item", {"Name": name, "Type": "Service", "IncomeAccountRef": {"value": "79"}})["Id"]

    def invoice(self, customer: str, amount: Any = Decimal("100.00"), **more: Any) -> dict[str, Any]:
        found = self.erp.store.tables["Item"].rows
        item = next(iter(found), None) or self.item()
        line = {
            "Amount": amount,
            "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": {"ItemRef": {"value": item}},
        }
        return self.post("Invoice", {"CustomerRef": {"value": customer}, "Line": [line], **more})

    def payment(self, customer: str, amount: Any, *invoices: tuple[str, Any], **more: Any) -> dict[str, Any]:
        lines = [{"Amount": part, "LinkedTxn": [{"TxnId": key, "TxnType": "Invoice"}]} for key, part in invoices]
        return self.post("Payment", {"CustomerRef": {"value": customer}, "TotalAmt": amount, "Line": lines, **more})

    def bill(self, vendor: str, amount: Any = Decimal("50.00"), **more: Any) -> dict[str, Any]:
        detail = {"AccountRef": {"value": "7"}}
        line = {
            "Amount": amount,
            "DetailType": "AccountBasedExpenseLineDetail",
            "AccountBasedExpenseLineDetail": detail,
        }
        return self.post("Bill", {"VendorRef": {"value": vendor}, "Line": [line], **more})
