"""HTTP as every connector uses it: bounded in time and size, never repeated behind our back, read strictly.

Belongs here: the one session class, reading a body within its limits, turning what the network did into a TieoutError
and the one retry rule. What a status or fault of an ERP means is decided in that ERP's `errors.py`; the parser is
`resources/wire_json.py`; how many calls are allowed is `resources/stores/quota.py`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar

import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter

from resources import wire_json
from resources.errors import (
    ATTEMPTS_MAX,
    RETRY_DELAY_SECONDS_MAX,
    RETRY_DELAY_SECONDS_MIN,
    ErrorKind,
    TieoutError,
)

CONNECT_SECONDS_MAX = 10.0
# QuickBooks gives a request up after 120 s; no other ERP takes longer.
READ_SECONDS_MAX = 125.0
BODY_BYTES_MAX = 256 * 1024 * 1024
# Ordinary JSON of an ERP packs 10 to 30 times; a bomb packs a thousand times.
INFLATION_MAX = 100
INFLATION_CHECKED_FROM_BYTES = 4 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
# A longer pause than this is for whoever scheduled the work, not for a process that sits and holds a lease.
PAUSE_SECONDS_MAX = 120.0

T = TypeVar("T")
Sleep = Callable[[float], None]


class CallGate(Protocol):
    """Permission to make one call: entered before it, left after it. See `resources/stores/quota.py`."""

    def call(self) -> AbstractContextManager[None]: ...

    def pause(self, seconds: float) -> None:
        """The ERP said "too many": nobody shall call this company for so long."""
        ...

    def paused_seconds(self) -> float:
        """How long such a pause still lasts; 0 if there is none."""
        ...


class OpenGate:
    """No limit: for an ERP that has none, and for a single process that is alone with its ERP."""

    def call(self) -> AbstractContextManager[None]:
        return nullcontext()

    def pause(self, seconds: float) -> None:
        """Nobody else to tell."""

    def paused_seconds(self) -> float:
        return 0.0


class OversizedBody(requests.RequestException):
    """The body grew over its limit while it was read; what was read is dropped."""


class AnswerTooLargeError(TieoutError):
    """The answer is over 256 MB, or a small one unpacked to far too much: ask for less at once."""


class StrictResponse(requests.Response):
    """A response whose body is complete and within its limits; `json` parses strictly.

    Its `json()` returns `wire_json` values: Decimal for every number that is not whole, and markers for what cannot be
    stored. Raises `requests.JSONDecodeError` as any response does.
    """

    def document(self) -> wire_json.Document:
        """The body as a strictly parsed document; raises MalformedJson."""
        return wire_json.parse(self.content)

    def json(self, **kwargs: Any) -> Any:
        try:
            return self.document().root
        except wire_json.MalformedJson as e:
            raise requests.JSONDecodeError(str(e), "", 0) from e


class StrictAdapter(HTTPAdapter):
    """Reads each body at once and within limits; makes exactly one attempt."""

    def __init__(self, body_bytes_max: int = BODY_BYTES_MAX) -> None:
        self.body_bytes_max = body_bytes_max
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["stream"] = True
        response = super().send(request, *args, **kwargs)
        try:
            response._content = _read_within_limits(response, self.body_bytes_max)
        finally:
            response.close()
        response._content_consumed = True
        return response

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        response = StrictResponse()
        response.__dict__.update(super().build_response(req, resp).__dict__)
        return response


class StrictSession(requests.Session):
    """A requests session with the limits of this module.

    The environment does not steer it: a proxy or a `.netrc` entry found there would see or replace credentials.
    Redirects are not followed: no ERP interface redirects, and following one would carry a record or a token elsewhere.
    """

    def __init__(self, *, read_seconds: float = READ_SECONDS_MAX, body_bytes_max: int = BODY_BYTES_MAX) -> None:
        super().__init__()
        self.trust_env = False
        self.timeout = (CONNECT_SECONDS_MAX, read_seconds)
        self.mount("https://", StrictAdapter(body_bytes_max))
        self.mount("http://", StrictAdapter(body_bytes_max))

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        kwargs.setdefault("timeout", self.timeout)
        kwargs["allow_redirects"] = False
        return super().request(method, url, **kwargs)


def transport_error(failure: requests.RequestException, *, connection: str, doing: str) -> TieoutError:
    """What the network did, as a TieoutError: timeout, connection, or an answer over its limit. Never quotes a URL."""
    if isinstance(failure, OversizedBody):
        return AnswerTooLargeError(
            ErrorKind.VALIDATION,
            connection=connection,
            doing=doing,
            found=str(failure),
            expected=f"at most {BODY_BYTES_MAX // 1024**2} MB",
            next_step="ask for fewer records at once",
        )
    if isinstance(failure, requests.Timeout):
        return TieoutError(
            ErrorKind.TIMEOUT,
            connection=connection,
            doing=doing,
            found=f"no answer ({type(failure).__name__})",
            expected=f"one within {READ_SECONDS_MAX:.0f} s",
        )
    if isinstance(failure, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return TieoutError(
            ErrorKind.CONNECTION,
            connection=connection,
            doing=doing,
            found=f"the connection failed or broke off ({type(failure).__name__})",
            expected="a whole answer",
        )
    return TieoutError(
        ErrorKind.SYSTEM,
        connection=connection,
        doing=doing,
        found=f"an answer that could not be read ({type(failure).__name__})",
        expected="a whole answer",
    )


def never_left(error: TieoutError) -> bool:
    """Whether no connection came about, so that certainly nothing was sent."""
    cause = error.__cause__
    if isinstance(cause, requests.ConnectTimeout):
        return True
    reason = (
        getattr(cause.args[0], "reason", None) if isinstance(cause, requests.ConnectionError) and cause.args else None
    )
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """What `Retry-After` asks for, in seconds, or None. A date counts from the answer's own `Date`, if it has one."""
    asked = headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    until = _http_date(asked)
    if until is None:
        return None
    now = _http_date(headers.get("Date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def with_retries(call: Callable[[], T], *, sleep: Sleep = time.sleep, attempts_max: int = ATTEMPTS_MAX) -> T:
    """Run `call` until it returns, as long as its TieoutError says that trying again may help.

    At most five attempts, 1 s doubling to 30 s with jitter in between; a longer pause that the other side asks for is
    kept, but one over two minutes is not sat out: the error then goes up to whoever can come back later.
    """
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_worth_waiting_for),
        stop=tenacity.stop_after_attempt(attempts_max),
        wait=_delay_seconds,
        sleep=sleep,
        reraise=True,
    )
    return retrying(call)


def _is_worth_waiting_for(failure: BaseException) -> bool:
    return (
        isinstance(failure, TieoutError)
        and failure.is_retryable
        and (failure.retry_after_seconds or 0.0) <= PAUSE_SECONDS_MAX
    )


def _delay_seconds(state: tenacity.RetryCallState) -> float:
    doubled = min(RETRY_DELAY_SECONDS_MAX, RETRY_DELAY_SECONDS_MIN * 2 ** (state.attempt_number - 1))
    failure = state.outcome.exception() if state.outcome else None
    asked = getattr(failure, "retry_after_seconds", None) or 0.0
    # Only upwards from what was asked, around what was not: a herd must not come back at the same instant.
    return max(doubled * random.uniform(0.75, 1.25), asked * random.uniform(1.0, 1.1))


def _read_within_limits(response: requests.Response, body_bytes_max: int) -> bytes:
    chunks: list[bytes] = []
    size_bytes = 0
    for chunk in response.iter_content(CHUNK_BYTES):
        chunks.append(chunk)
        size_bytes += len(chunk)
        if size_bytes > body_bytes_max:
            raise OversizedBody(f"an answer of more than {body_bytes_max} bytes")
        if size_bytes > INFLATION_CHECKED_FROM_BYTES and size_bytes > INFLATION_MAX * response.raw.tell():
            raise OversizedBody(f"an answer that unpacks to more than {INFLATION_MAX} times its size")
    return b"".join(chunks)


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
