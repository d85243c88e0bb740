"""What Xero answered, as a TieoutError: decided by HTTP status, by which limit was met and never by words.

Belongs here: reading the shapes of errors (the validation exception with its elements, PascalCase 401, camelCase 403,
plain text) and the class of each status. What the network did is in `resources/http.py`. Sources: README.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from resources import wire_json
from resources.erps.xero.profile import CONCURRENT_SECONDS, OFFLINE_SECONDS, THROTTLED_SECONDS
from resources.errors import ErrorKind, TieoutError
from resources.http import StrictResponse, retry_after_seconds

SAID_CHARACTERS_MAX = 400

KIND_OF_STATUS: dict[int, ErrorKind] = {
    HTTPStatus.BAD_REQUEST: ErrorKind.VALIDATION,
    HTTPStatus.UNAUTHORIZED: ErrorKind.AUTHENTICATION,
    HTTPStatus.FORBIDDEN: ErrorKind.AUTHORIZATION,
    HTTPStatus.NOT_FOUND: ErrorKind.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT: ErrorKind.TIMEOUT,
    HTTPStatus.PRECONDITION_FAILED: ErrorKind.VALIDATION,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ErrorKind.VALIDATION,
    HTTPStatus.TOO_MANY_REQUESTS: ErrorKind.RATE_LIMIT,
    HTTPStatus.NOT_IMPLEMENTED: ErrorKind.VALIDATION,
    HTTPStatus.GATEWAY_TIMEOUT: ErrorKind.TIMEOUT,
}


class AnswerError(TieoutError):
    """An answer that is no good one. `status` is the HTTP status, `elements` what is said of each element; `is_of_xero`
    whether Xero itself gave it, by its shape of an error or its header, and not somebody on the way; `lacks_scope`
    whether its header says that the consent does not cover what was asked.
    """

    status: int = 0
    is_of_xero: bool = False
    is_wait_named: bool = False
    elements: Sequence[Mapping[str, Any]] = ()
    limit: str = ""
    lacks_scope: bool = False


class TokenRejectedError(AnswerError):
    """401: the access token is not, or no longer, good; or it lacks a scope."""


def error_from(response: StrictResponse, *, connection: str, doing: str, entity: str | None = None) -> AnswerError:
    """The error that an answer other than a good one means; reads any body, however broken."""
    status = response.status_code
    root = _root(response)
    kind = KIND_OF_STATUS.get(status, ErrorKind.SYSTEM if status >= 500 else ErrorKind.UNKNOWN)
    # Xero's FAQ spells it without the second i.
    lacks_scope = "insuffic" in response.headers.get("WWW-Authenticate", "")
    if lacks_scope:
        kind = ErrorKind.AUTHORIZATION
    error_class = TokenRejectedError if status == HTTPStatus.UNAUTHORIZED else AnswerError
    error = error_class(
        kind,
        connection=connection,
        entity=entity,
        doing=doing,
        found=_in_words(response, root, kind),
        expected="a good answer",
        next_step=_next_step(kind, lacks_scope),
        retry_after_seconds=_wait(response, kind),
    )
    error.status, error.elements = status, elements_in(root)
    # That Xero's own 404 bears the header, as its good answers do, is not confirmed: without any sign it is not taken
    # for Xero's.
    has_shape = isinstance(root, Mapping) and ("ErrorNumber" in root or bool(error.elements))
    error.is_of_xero = has_shape or bool(response.headers.get("Xero-Correlation-Id"))
    error.is_wait_named = retry_after_seconds(response.headers) is not None
    error.limit = response.headers.get("X-Rate-Limit-Problem", "")
    error.lacks_scope = lacks_scope
    return error


def messages_of(element: Mapping[str, Any]) -> list[str]:
    """What Xero says is wrong with one element of a write."""
    found = element.get("ValidationErrors")
    return [
        " ".join(str(one.get("Message", "")).replace("\x00", "").split())[:SAID_CHARACTERS_MAX]
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, Mapping)
    ]


def elements_in(root: Any) -> Sequence[Mapping[str, Any]]:
    found = root.get("Elements") if isinstance(root, Mapping) else None
    return tuple(one for one in found if isinstance(one, Mapping)) if isinstance(found, list) else ()


def _root(response: StrictResponse) -> Any:
    try:
        return response.document().root
    except wire_json.MalformedJson:
        return None


def _wait(response: StrictResponse, kind: ErrorKind) -> float | None:
    asked = retry_after_seconds(response.headers)
    if kind is ErrorKind.RATE_LIMIT:
        is_concurrent = response.headers.get("X-Rate-Limit-Problem") == "concurrent"
        usual = CONCURRENT_SECONDS if is_concurrent else THROTTLED_SECONDS
        return usual if asked is None else asked
    if response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        return OFFLINE_SECONDS if asked is None else asked
    return asked if kind in (ErrorKind.SYSTEM, ErrorKind.TIMEOUT) else None


def _next_step(kind: ErrorKind, lacks_scope: bool) -> str | None:
    if lacks_scope:
        return "connect the organisation again with the scopes named in docs/connect-xero.md"
    if kind is ErrorKind.AUTHORIZATION:
        return "check tenant_id and that the organisation is still connected to the app"
    return None


def _in_words(response: StrictResponse, root: Any, kind: ErrorKind) -> str:
    words = [f"HTTP {response.status_code}"]
    problem = response.headers.get("X-Rate-Limit-Problem")
    if problem:
        words.append(f"limit: {problem[:40]}")
    if isinstance(root, Mapping):
        number = root.get("ErrorNumber")
        words += [f"error {number}"] if isinstance(number, int) else []
        said = [message for element in elements_in(root) for message in messages_of(element)]
        # The detail of an authentication failure may quote the token.
        plain = root.get("Message") or root.get("Detail") or root.get("detail")
        if said:
            words += said[:3]
        elif plain and kind is not ErrorKind.AUTHENTICATION:
            words.append(str(plain)[:SAID_CHARACTERS_MAX])
    correlation = response.headers.get("Xero-Correlation-Id")
    if correlation:
        words.append(f"correlation id {correlation[:40]}")
    return "; ".join(words).replace("\x00", "")
