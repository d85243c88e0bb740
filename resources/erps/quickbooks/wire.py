"""One call to one QuickBooks company, from permission to a checked answer, through the unmodified python-quickbooks.

Belongs here: what every call shares: the token, the shared limits, the strict reading, the error class, the retries.
What to ask and what the rows mean is in `client.py` and `records.py`.

python-quickbooks builds URLs, headers and parameters, and calls `session.request`. It reads answers itself with
`json.loads`, which takes the last of two equal keys and knows no limits, and its exceptions lose the HTTP status. So
the session handed to it reads and judges each answer first, keeps the strict document, and gives the library an empty
good one; what it returns is not used.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import msgspec
import requests
from quickbooks import QuickBooks

from resources import wire_json, wire_pages
from resources.erps.quickbooks import profile
from resources.erps.quickbooks.errors import TokenRejectedError, error_from, error_from_fault
from resources.erps.quickbooks.records import read_instant
from resources.errors import ErrorKind, TieoutError
from resources.http import CallGate, OpenGate, Sleep, StrictResponse, StrictSession, transport_error, with_retries

T = TypeVar("T")


class TokenSource(Protocol):
    """Where access tokens come from; see `resources/oauth.py`."""

    def access_token(self) -> str:
        """A token that is good as far as we know."""
        ...

    def renew(self, rejected: str) -> str:
        """A token other than the rejected one, refreshed unless somebody else did that already."""
        ...

    def granted_until(self) -> datetime | None:
        """When the grant ends unless it is used before."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer, and when QuickBooks began the request. `is_suspect`: some value in it may be a marker.

    `is_cut`: the rows in it are not parsed yet, each is a text of its own.
    """

    document: wire_json.Document
    began_at: datetime | None
    is_cut: bool = False

    @property
    def root(self) -> dict[str, Any]:
        return self.document.root

    @property
    def is_suspect(self) -> bool:
        return self.document.is_suspect


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """The answer to a query, its rows left as they are."""

    QueryResponse: dict[str, list[msgspec.Raw] | int | str | None]
    time: str


_read_envelope = msgspec.json.Decoder(_Envelope).decode


def _cut(text: bytes) -> Answer | None:
    """Cut the rows out of a query's answer."""
    envelope = wire_pages.cut(text, _read_envelope)
    if envelope is None:
        return None
    root = {"QueryResponse": envelope.QueryResponse, "time": envelope.time}
    return Answer(wire_json.Document(root, False, len(text), text), read_instant(envelope.time), is_cut=True)


class _EmptyAnswer:
    """What python-quickbooks gets to read."""

    status_code = HTTPStatus.OK
    text = "{}"


class Wire:
    """Calls to one company. One thread at a time; `api_calls` counts what really went out.

    `has_gone_out` says whether the last call, if it failed, may have reached QuickBooks at all: not if there was no
    token for it, nor if all that came back was that its token is no good.
    `prove` is called right before each write goes out.
    """

    def __init__(
        self,
        *,
        connection: str,
        realm_id: str,
        tokens: TokenSource,
        base_url: str | None = None,
        is_sandbox: bool = False,
        gate: CallGate | None = None,
        http: requests.Session | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.connection = connection
        self.api_calls = 0
        self._tokens = tokens
        self._gate = gate or OpenGate()
        self._http = http or StrictSession()
        self._sleep = sleep
        self.prove: Callable[[], None] = lambda: None
        self._is_write = False
        self._doing = ""
        self._entity: str | None = None
        self._answer: Answer | None = None
        self.has_gone_out = False
        self._cuts_rows = False
        self._quickbooks = QuickBooks(company_id=realm_id, minorversion=profile.MINOR_VERSION)
        # On this instance only: the library keeps its addresses as class attributes.
        root_url = base_url or (profile.SANDBOX_URL if is_sandbox else profile.PRODUCTION_URL)
        self._quickbooks.api_url_v3 = f"{root_url.rstrip('/')}/v3"
        self._quickbooks.session = self

    def call(
        self,
        send: Callable[[QuickBooks], Any],
        read: Callable[[Answer], T],
        *,
        doing: str,
        entity: str | None = None,
        cuts_rows: bool = False,
    ) -> T:
        """Send one request through python-quickbooks and read its answer, repeating what is worth repeating.

        `cuts_rows`: leave the rows of a query's answer as texts, where it is sure that nothing is wrong around them.

        `read` raises TieoutError (see `damaged`) for an answer that is good JSON but not whole: it is asked for again.
        A 401 renews the token once and repeats once; a second 401 goes up.
        """

        def attempt() -> T:
            self._cuts_rows, self._is_write = cuts_rows, False
            return read(self._send(send, doing, entity))

        return with_retries(attempt, sleep=self._sleep)

    def call_once(
        self,
        send: Callable[[QuickBooks], Any],
        read: Callable[[Answer], T],
        *,
        doing: str,
        entity: str | None = None,
    ) -> T:
        """As `call`, for writes: one attempt, for a write that may have happened must not be repeated unseen.

        A 401 alone is answered by a renewed token and one repeat: it proves that nothing happened.
        """
        self._is_write = True
        return read(self._send(send, doing, entity))

    def paused_seconds(self) -> float:
        """How long QuickBooks wants no call of anybody's, as far as it said so to any of us."""
        return self._gate.paused_seconds()

    def damaged(self, found: str, expected: str) -> TieoutError:
        """The error for an answer that is not what QuickBooks sends: cut short or changed on the way, so ask again."""
        return TieoutError(
            ErrorKind.SYSTEM,
            connection=self.connection,
            entity=self._entity,
            doing=self._doing,
            found=found,
            expected=expected,
        )

    @property
    def access_token(self) -> str:
        """Asked for by python-quickbooks before each request."""
        return self._tokens.access_token()

    def request(
        self, method: str, url: str, *, headers: dict[str, str], params: dict[str, Any], data: Any
    ) -> _EmptyAnswer:
        """The session's part: send, judge, keep the document. Called by python-quickbooks, not by us."""
        body = data.encode("utf-8") if isinstance(data, str) else data
        try:
            with self._gate.call():
                if self._is_write:
                    self.prove()
                self.api_calls += 1
                self.has_gone_out = True
                response = self._http.request(method, url, headers=headers, params=params, data=body)
        except requests.RequestException as failure:
            raise transport_error(failure, connection=self.connection, doing=self._doing) from failure
        self._answer = self._judged(response)
        return _EmptyAnswer()

    def _send(self, send: Callable[[QuickBooks], Any], doing: str, entity: str | None) -> Answer:
        self._doing, self._entity, self._answer = doing, entity, None
        self.has_gone_out = False
        token = self.access_token
        try:
            send(self._quickbooks)
        except TokenRejectedError:
            self.has_gone_out = False
            self._tokens.renew(token)
            send(self._quickbooks)
        if self._answer is None:
            raise self.damaged("no request went out", "one request")
        return self._answer

    def _judged(self, response: requests.Response) -> Answer:
        if not isinstance(response, StrictResponse):
            raise TypeError("the HTTP session must read strictly: use resources.http.StrictSession")
        if response.status_code != HTTPStatus.OK:
            error = error_from(response, connection=self.connection, doing=self._doing, entity=self._entity)
            if error.kind is ErrorKind.RATE_LIMIT:
                self._gate.pause(error.retry_after_seconds or profile.THROTTLED_SECONDS)
            raise error
        if self._cuts_rows and (envelope := _cut(response.content)) is not None:
            return envelope
        try:
            document = response.document()
        except wire_json.MalformedJson as failure:
            raise self.damaged(f"a body that is not JSON ({failure})", "a whole JSON answer") from failure
        root = document.root
        if not isinstance(root, dict) or isinstance(root, wire_json.AmbiguousObject):
            raise self.damaged("JSON that is no plain object", "an object with every key once")
        fault = error_from_fault(root, response, connection=self.connection, doing=self._doing, entity=self._entity)
        if fault:
            raise fault
        return Answer(document, read_instant(root.get("time")))
