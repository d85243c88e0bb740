"""Errors over HTTP: problem documents (RFC 9457), and which status is which class of failure.

Belongs here: the one place that turns an exception into an answer. An answer says what was found and what to do next,
never a stack trace, a statement or a secret.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from resources.errors import ErrorKind, TieoutError

MEDIA_TYPE = "application/problem+json"
LOG = logging.getLogger("tieout.gateway")
_TEXT_CHARACTERS_MAX = 300

_STATUSES = {
    ErrorKind.VALIDATION: 422,
    ErrorKind.MAPPING: 422,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.DUPLICATE: 409,
    ErrorKind.CONFLICT: 409,
    # The ERP's refusals: the caller's own are said before anything is done.
    ErrorKind.AUTHENTICATION: 502,
    ErrorKind.AUTHORIZATION: 502,
    ErrorKind.SYSTEM: 502,
    ErrorKind.TIMEOUT: 504,
    ErrorKind.CONNECTION: 503,
    ErrorKind.RATE_LIMIT: 503,
    ErrorKind.UNKNOWN: 500,
}
# What PostgreSQL refuses because of what was sent; anything else is a bug of ours.
_REFUSALS = (
    psycopg.errors.RaiseException,
    psycopg.errors.IntegrityError,
    psycopg.errors.DataError,
    psycopg.errors.InsufficientPrivilege,
)


class Problem(BaseModel):
    """A problem document. `errors` names each value that is wrong; `code` is one of SYNC_000 to SYNC_005."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str | None = None
    next_step: str | None = None
    errors: list[dict[str, Any]] | None = None


DOCUMENTED: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "Refused: a problem document",
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    },
    "5XX": {
        "description": "Failed: a problem document",
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    },
}


class Refused(HTTPException):
    """A refusal of the gateway's own; `headers` go with it."""

    def __init__(self, status: int, detail: str, *, next_step: str | None = None, **headers: str) -> None:
        super().__init__(status, detail, {name.replace("_", "-"): value for name, value in headers.items()})
        self.next_step = next_step


def answer_with_problems(app: FastAPI) -> None:
    """Have every failure answered by a problem document."""
    app.add_exception_handler(TieoutError, _of_tieout)
    app.add_exception_handler(RequestValidationError, _of_values)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(psycopg.Error, _of_database)
    app.add_exception_handler(Exception, _of_anything)


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    """One problem document as an answer."""
    found = Problem(title=_TITLES.get(status, "Refused"), status=status, detail=detail, **more)
    return JSONResponse(found.model_dump(exclude_none=True), status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def status_of(error: TieoutError) -> int:
    """Which status an error is answered with."""
    return _STATUSES[error.kind]


def _of_tieout(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TieoutError)
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after_seconds)))
    return problem(status_of(error), str(error), headers=headers, code=error.code, next_step=error.next_step)


def _of_values(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    wrong = [{"where": ".".join(map(str, one["loc"])), "says": one["msg"]} for one in error.errors()]
    said = "; ".join(f"{one['where']}: {one['says']}" for one in wrong[:5])
    return problem(422, said[:_TEXT_CHARACTERS_MAX], errors=wrong[:50], code="SYNC_004")


def _of_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return problem(
        error.status_code, str(error.detail), headers=error.headers, next_step=getattr(error, "next_step", None)
    )


def _of_database(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, _REFUSALS):
        diagnosed = error.diag.message_primary if isinstance(error, psycopg.Error) else None
        said = (diagnosed or str(error)).splitlines()[0]
        return problem(422, said[:_TEXT_CHARACTERS_MAX], code="SYNC_004")
    if isinstance(error, psycopg.OperationalError):
        LOG.warning("the database cannot be reached: %s", type(error).__name__)
        return problem(503, "the database cannot be reached", headers={"Retry-After": "5"}, code="SYNC_001")
    return _of_anything(request, error)


def _of_anything(request: Request, error: Exception) -> JSONResponse:
    LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "something of ours went wrong; the log says what", next_step="report it as a bug")


_TITLES = {
    400: "Malformed",
    401: "No valid key",
    403: "Not allowed",
    404: "Not found",
    405: "No such method here",
    409: "In conflict",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Not JSON",
    422: "Wrong values",
    428: "Precondition needed",
    429: "Too many requests",
    500: "Failed",
    502: "The ERP refused",
    503: "Not now",
    504: "The ERP did not answer",
}
