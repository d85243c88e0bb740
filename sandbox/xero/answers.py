"""Answers that Xero or its gateway gives when something is wrong before or behind the accounting API, by name.

Belongs here: bodies and headers of 401, 403, 404, 429 and 5xx. Refused elements are `writing.py`. Facts: reference
sections 6 and 7; the bodies of 404, 429 and 500 are not confirmed.
"""

from datetime import datetime
from typing import Any

from sandbox.http import Answer
from sandbox.xero import wire

MAINTENANCE = "The Xero API is currently offline for maintenance"
UNAVAILABLE = "The Xero API is temporarily unavailable"
ORGANISATION_OFFLINE = "The Organisation is offline"
NOT_FOUND = "The resource you're looking for cannot be found"


def unauthorized(instance: str, detail: str = "AuthenticationUnsuccessful") -> Answer:
    body = {"Title": "Unauthorized", "Status": 401, "Detail": detail, "Instance": instance}
    return Answer(401, wire.encode(body), wire.JSON)


def expired(instance: str, at: datetime) -> Answer:
    return unauthorized(instance, f"TokenExpired: token expired at {at:%m/%d/%Y %H:%M:%S}")


def forbidden(instance: str, detail: str = "AuthenticationUnsuccessful") -> Answer:
    body = {"title": "Forbidden", "status": 403, "detail": detail, "instance": instance}
    return Answer(403, wire.encode(body), wire.JSON)


def missing_scope(instance: str, status: int, spelling: str) -> Answer:
    found = forbidden(instance) if status == 403 else unauthorized(instance)
    return Answer(status, found.body, found.content_type, {"WWW-Authenticate": f'Bearer error="{spelling}"'})


def not_found(form: str) -> Answer:
    if form == "json":
        return Answer(404, wire.encode({"Title": "NotFound", "Status": 404, "Detail": NOT_FOUND}), wire.JSON)
    return Answer(404, NOT_FOUND.encode(), "text/html; charset=utf-8")


def throttled(problem: str, seconds: int | None) -> Answer:
    headers = {"X-Rate-Limit-Problem": problem}
    if seconds is not None:
        headers["Retry-After"] = str(seconds)
    return Answer(429, b"", "text/html; charset=utf-8", headers)


def _text(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), "text/plain; charset=utf-8")


def _error_200(instance: str) -> dict[str, Any]:
    return {"Id": instance, "Status": "ERROR", "ErrorNumber": 500, "Message": "An error occurred in Xero."}


def named(name: str, instance: str, now: datetime) -> Answer:
    """The answer called `name`. Raises ValueError."""
    known = {
        "throttled": lambda: throttled("minute", 30),
        "throttled_day": lambda: throttled("day", 21_600),
        "throttled_app": lambda: throttled("appminute", 30),
        "throttled_concurrent": lambda: throttled("concurrent", None),
        "server_error": lambda: _text(500, "An error occurred in Xero. Check the API Status page"),
        "unavailable": lambda: _text(503, UNAVAILABLE),
        "maintenance": lambda: _text(503, MAINTENANCE),
        "organisation_offline": lambda: _text(503, ORGANISATION_OFFLINE),
        "gateway_timeout": lambda: Answer(504, b"<html><body><h1>504 Gateway Time-out</h1></body></html>", "text/html"),
        "bad_gateway": lambda: Answer(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
        "unauthorized": lambda: expired(instance, now),
        "revoked": lambda: unauthorized(instance),
        "forbidden": lambda: forbidden(instance),
        "missing_scope": lambda: missing_scope(instance, 403, "insufficient_scope"),
        "error_200": lambda: Answer(200, wire.encode(_error_200(instance)), wire.JSON),
        "html_200": lambda: Answer(200, b"<!DOCTYPE html><html><title>Xero</title></html>", "text/html"),
    }
    if name not in known:
        raise ValueError(f"no answer is called {name!r}; there are {', '.join(sorted(known))}")
    return known[name]()
