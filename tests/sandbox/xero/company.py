"""A simulated organisation in this process, with the few words the tests of the simulator need.

Belongs here: calling the simulator without a socket and builders of Xero bodies. Tests of the server itself start it as
a process, tests with the official SDK use `sdk.py`.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sandbox.http import Answer, Request
from sandbox.world import World
from sandbox.xero import wire
from sandbox.xero.app import Xero
from sandbox.xero.plug import TENANT_ID

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
API = "/api.xro/2.0"


class Company:
    """An empty organisation whose clock stands still; every call is a person's (no token) unless it brings headers."""

    def __init__(self, now: datetime = NOON) -> None:
        self.world = World()
        self.world.ids.seed(1)
        self.world.clock.set(now=now, frozen=True)
        self.erp = Xero(self.world, tenant_id=TENANT_ID)
        self.erp.reset("empty", 1)

    @property
    def books(self) -> Any:
        return self.erp.tenants[TENANT_ID].books

    def send(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        """One call; `path` is below the API unless it begins with another address of Xero's."""
        parts = urlsplit(path if path.startswith(("/connect", "/identity", "/.well", API)) else API + path)
        data = body if isinstance(body, bytes) else wire.encode(body) if body is not None else b""
        given = {"accept": "application/json", "xero-tenant-id": TENANT_ID, **(headers or {})}
        request = Request(method, parts.path, parts.query, given, data, "http://127.0.0.1:1")
        return self.erp.handle(request, authenticated="authorization" not in given)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and decoded body of one call."""
        answer = self.send(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        try:
            return answer.status, wire.decode(answer.body)
        except msgspec.DecodeError:
            return answer.status, answer.body

    def bearer(self) -> dict[str, str]:
        """Headers of an app with a fresh token."""
        return {"authorization": f"Bearer {self.erp.tokens()['access_token']}"}

    def put(self, resource: str, *elements: dict[str, Any], query: str = "") -> Any:
        return self._written("PUT", resource, elements, query)

    def post(self, resource: str, *elements: dict[str, Any], query: str = "") -> Any:
        return self._written("POST", resource, elements, query)

    def _written(self, method: str, resource: str, elements: tuple[dict[str, Any], ...], query: str) -> Any:
        """The first element of the answer to a write that must succeed."""
        name = resource.strip("/").split("/")[0 if "Allocations" not in resource else -1]
        status, answer = self.call(method, f"/{resource}{query}", {name: list(elements)})
        assert status == 200, answer
        return answer[name][0]

    def refusal(self, method: str, resource: str, element: Any) -> list[str]:
        """The messages of a write of one element that must be refused with status 400."""
        name = resource.strip("/").split("/")[0 if "Allocations" not in resource else -1]
        status, answer = self.call(method, f"/{resource}", {name: [element]})
        assert status == 400, answer
        if "Elements" not in answer:
            return [answer["Message"]]
        return [each["Message"] for each in answer["Elements"][0]["ValidationErrors"]]

    def get(self, resource: str, key: str) -> Any:
        status, answer = self.call("GET", f"/{resource}/{key}")
        assert status == 200, answer
        return answer[resource][0]

    def rows(self, path: str, **headers: str) -> list[Any]:
        status, answer = self.call("GET", path, None, **headers)
        assert status == 200, answer
        return answer[path.strip("/").partition("?")[0]]

    def load(self, **records: list[dict[str, Any]]) -> None:
        self.erp.load({name: [msgspec.Raw(wire.encode(each)) for each in rows] for name, rows in records.items()})

    def later(self, seconds: float = 60) -> None:
        self.world.clock.set(advance=timedelta(seconds=seconds), frozen=True)

    # -- bodies ------------------------------------------------------------------------------------------------------

    def contact(self, name: str = "Larkspur College", **more: Any) -> dict[str, Any]:
        return self.put("Contacts", {"Name": name, **more})

    def invoice(self, contact: str, amount: Any = "100.00", **more: Any) -> dict[str, Any]:
        return self.put("Invoices", invoice(contact, amount, **more))

    def bill(self, contact: str, amount: Any = "100.00", **more: Any) -> dict[str, Any]:
        return self.put("Invoices", invoice(contact, amount, Type="ACCPAY", **more))

    def pay(self, invoice_id: str, amount: Any, **more: Any) -> dict[str, Any]:
        return self.put("Payments", payment(invoice_id, amount, **more))


def line(amount: Any = "100.00", **more: Any) -> dict[str, Any]:
    figure = Decimal(str(amount))
    return {"Description": "Work", "Quantity": 1, "UnitAmount": figure, "AccountCode": "200", "TaxType": "NONE", **more}


def invoice(contact: str, amount: Any = "100.00", **more: Any) -> dict[str, Any]:
    """The body of an authorised invoice of one untaxed line."""
    account = "429" if more.get("Type", "ACCREC").startswith("ACCPAY") else "200"
    return {
        "Type": "ACCREC",
        "Contact": {"ContactID": contact},
        "Date": "2026-11-10",
        "DueDate": "2026-12-10",
        "Status": "AUTHORISED",
        "LineItems": [line(amount, AccountCode=account)],
        **more,
    }


def payment(invoice_id: str, amount: Any, **more: Any) -> dict[str, Any]:
    return {
        "Invoice": {"InvoiceID": invoice_id},
        "Account": {"Code": "090"},
        "Date": "2026-11-20",
        "Amount": Decimal(str(amount)),
        **more,
    }
