"""Answers that QuickBooks or its gateway gives when something is wrong on its own side, for fault rules to ask for by
name.

Belongs here: the list. Faults of wrong requests belong to the module that finds out. Facts: reference section 9.
"""

from collections.abc import Callable
from datetime import datetime

from sandbox.http import Answer
from sandbox.quickbooks import wire
from sandbox.quickbooks.oauth import unauthorized
from sandbox.quickbooks.wire import Refusal

LIMIT_REACHED = "The request limit was reached.  Try again later"


def _page(status: int, title: str) -> Answer:
    text = f"<html>\r\n<head><title>{title}</title></head>\r\n<body><center><h1>{title}</h1></center></body>\r\n</html>"
    return Answer(status, text.encode(), "text/html", {"Server": "nginx"})


def _error() -> Refusal:
    detail = "An unexpected error occurred while accessing or saving your data."
    return Refusal("10000", detail, element="", status=500, kind="SystemFault")


def _error_200(began: datetime) -> Answer:
    return wire.success(wire.encode(wire.fault_body(wire.business("An unexpected error occurred."), began)))


NAMED: dict[str, Callable[[datetime], Answer]] = {
    "throttled_xml": wire.throttled_xml,
    "throttled_json": lambda began: wire.gateway_fault(429, "ThrottleExceeded", LIMIT_REACHED, "SERVICE", began),
    "server_error": lambda began: wire.fault(_error(), began),
    "unavailable": lambda began: _page(503, "503 Service Temporarily Unavailable"),
    "bad_gateway": lambda began: _page(502, "502 Bad Gateway"),
    "gateway_timeout": lambda began: _page(504, "504 Gateway Time-out"),
    "unauthorized": lambda began: unauthorized("Token expired: sandbox", began),
    "forbidden": lambda began: wire.gateway_fault(403, "ApplicationAuthorizationFailed", None, "SERVICE", began),
    "error_200": _error_200,
    "html_200": lambda began: _page(200, "QuickBooks is undergoing maintenance"),
}


def named(name: str, began: datetime, throttle_body: str) -> Answer:
    """The answer called `name`; "throttled" is the 429 in the form the switch says. Raises ValueError."""
    found = NAMED.get(f"throttled_{throttle_body}" if name == "throttled" else name)
    if found is None:
        raise ValueError(f"no answer is called {name!r}; there are {', '.join(sorted((*NAMED, 'throttled')))}")
    return found(began)
