"""One call to one Xero organisation, from permission to a checked answer, through the unmodified xero-python.

Belongs here: what every call shares: the token, the shared limits, the strict reading, the error class, the retries.
What to ask is in `lists.py` and `sending.py`, what the rows mean in `records.py`.

xero-python builds URLs, headers and parameters and hands each request to a urllib3 pool. Left to itself that pool
repeats a dropped PUT up to three times (four bills), sleeps on Retry-After for hours inside the call and has no
timeout; the SDK turns amounts into floats when it writes, and one unknown enum value loses it a whole page. So the pool
under it is ours: it makes one attempt through our strict session, judges the answer and keeps the strict document. The
SDK reads nothing (`_preload_content=False`), and bodies go out as we encode them, amounts exact. What comes in pages is
kept as the texts of its rows, which are read many at a time (`resources/wire_shapes.py`).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import msgspec
import requests
from msgspec import UNSET, Raw, UnsetType
from xero_python.accounting import AccountingApi
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.identity import IdentityApi

from resources import wire_json, wire_pages
from resources.erps.xero import profile
from resources.erps.xero.errors import TokenRejectedError, error_from
from resources.erps.xero.values import read_instant
from resources.errors import ErrorKind, TieoutError
from resources.http import CallGate, OpenGate, Sleep, StrictResponse, StrictSession, transport_error, with_retries

T = TypeVar("T")
_as_json = msgspec.json.Encoder(decimal_format="number").encode


class TokenSource(Protocol):
    """Where access tokens come from; see `resources/oauth.py` and `auth.py`."""

    def access_token(self) -> str: ...

    def renew(self, rejected: str) -> str: ...

    def granted_until(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: the parsed root, whether any value in it is a marker, and Xero's clock when it was made.

    `text`: the whole answer as sent where it `is_cut`: then its lists hold rows that are not parsed yet, a text each.
    """

    root: Any
    is_suspect: bool
    made_at: datetime | None
    text: bytes = b""

    @property
    def is_cut(self) -> bool:
        return bool(self.text)


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """The answer of a list that is cut, its rows left as they are."""

    Id: str
    Status: str
    ProviderName: str
    DateTimeUTC: str
    pagination: dict[str, int] | UnsetType = UNSET
    Contacts: list[Raw] | UnsetType = UNSET
    Invoices: list[Raw] | UnsetType = UNSET
    CreditNotes: list[Raw] | UnsetType = UNSET
    PurchaseOrders: list[Raw] | UnsetType = UNSET


_read_envelope = msgspec.json.Decoder(_Envelope).decode


def _cut(text: bytes) -> Answer | None:
    envelope = wire_pages.cut(text, _read_envelope)
    if envelope is None:
        return None
    root = {name: value for name, value in msgspec.structs.asdict(envelope).items() if value is not UNSET}
    return Answer(root, False, read_instant(envelope.DateTimeUTC), text)


class _Bearer:
    """What the SDK asks for credentials: the token of the call under way."""

    def __init__(self) -> None:
        self.access_token = ""

    def get_auth_settings(self) -> dict[str, str]:
        return {"type": "oauth2", "in": "header", "key": "Authorization", "value": f"Bearer {self.access_token}"}


class _Taken:
    """What the SDK gets to see of an answer: that it was a good one."""

    status = int(HTTPStatus.OK)
    reason = "OK"
    data = b"{}"

    def getheaders(self) -> dict[str, str]:
        return {}


class Pool:
    """Stands where the SDK keeps its urllib3 pool; `carry` makes the one attempt."""

    def __init__(self, carry: Callable[[str, str, list[tuple[str, str]], Any, dict[str, str]], None]) -> None:
        self._carry = carry

    def request(
        self,
        method: str,
        url: str,
        *,
        fields: Any = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
        **_: Any,
    ) -> _Taken:
        self._carry(method, url, list(fields or ()), body, dict(headers or {}))
        return _Taken()


class Wire:
    """Calls to one organisation. One thread at a time; `api_calls` counts what really went out.

    `has_gone_out` says whether the last call, if it failed, may have reached Xero at all: not if there was no token for
    it, nor if all that came back was that its token is no good.
    `prove` is called right before each write goes out.
    """

    def __init__(
        self,
        *,
        connection: str,
        tenant_id: str,
        tokens: TokenSource,
        base_url: str | None = None,
        gate: CallGate | None = None,
        http: requests.Session | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        self.connection = connection
        self.tenant_id = tenant_id
        self.api_calls = 0
        self.has_gone_out = False
        self.calls_left_today: int | None = None
        self._tokens = tokens
        self._gate = gate or OpenGate()
        self._http = http or StrictSession()
        self._sleep = sleep
        self.prove: Callable[[], None] = lambda: None
        self._is_write = False
        self._doing, self._entity = "", None
        self._body: bytes | None = None
        self._cuts_rows = False
        self._answer: Answer | None = None
        self._bearer = _Bearer()
        # `Configuration` is a process-wide singleton; a copy is this connection's own.
        configuration = copy.copy(Configuration())
        configuration.oauth2_token = self._bearer
        client = ApiClient(configuration)
        client.rest_client.pool_manager = Pool(self._carry)
        root_url = (base_url or profile.API_URL).rstrip("/")
        self.accounting = AccountingApi(client, base_url=f"{root_url}{profile.ACCOUNTING_PATH}")
        self.identity = IdentityApi(client, base_url=root_url)

    def read(
        self,
        method: str,
        read: Callable[[Answer], T],
        *arguments: Any,
        doing: str,
        entity: str | None = None,
        cuts_rows: bool = False,
        **parameters: Any,
    ) -> T:
        """Call one of the SDK's reading methods and read its answer, repeating what is worth repeating.

        `cuts_rows`: leave the rows of the answer as texts, where it is sure that nothing is wrong around them.
        A 401 renews the token and repeats once; a second one goes up.
        """

        def attempt() -> T:
            self._cuts_rows, self._is_write = cuts_rows, False
            return read(self._call(method, arguments, parameters, None, doing, entity))

        return with_retries(attempt, sleep=self._sleep)

    def write(
        self,
        method: str,
        read: Callable[[Answer], T],
        *arguments: Any,
        body: Mapping[str, Any] | None,
        doing: str,
        entity: str | None = None,
        **parameters: Any,
    ) -> T:
        """One attempt, for a write that may have happened must not be repeated unseen.

        A 401 alone is answered by a renewed token and one repeat: it proves that nothing happened.
        """
        self._cuts_rows, self._is_write = False, True
        given = arguments if body is None else (*arguments, body)
        return read(self._call(method, given, parameters, body, doing, entity))

    def connections(self) -> list[Any]:
        """The organisations (and others) that this login has connected."""
        self._is_write = False
        answer = self._call("get_connections", (), {}, None, "listing the connected organisations", None)
        return answer.root if isinstance(answer.root, list) else []

    def paused_seconds(self) -> float:
        """How long Xero wants no call of anybody's, as far as it said so to any of us."""
        return self._gate.paused_seconds()

    def damaged(self, found: str, expected: str) -> TieoutError:
        """The error for an answer that is not what Xero sends: cut short or changed on the way, so ask again."""
        return TieoutError(
            ErrorKind.SYSTEM,
            connection=self.connection,
            entity=self._entity,
            doing=self._doing,
            found=found,
            expected=expected,
        )

    def _call(
        self,
        method: str,
        arguments: tuple[Any, ...],
        parameters: dict[str, Any],
        body: Any,
        doing: str,
        entity: str | None,
    ) -> Answer:
        self._doing, self._entity, self._answer = doing, entity, None
        self._body = None if body is None else _as_json(body)
        self.has_gone_out = False
        is_identity = method == "get_connections"
        call = getattr(self.identity if is_identity else self.accounting, method)
        given = arguments if is_identity else (self.tenant_id, *arguments)

        def once() -> None:
            call(*given, **parameters, _preload_content=False, _return_http_data_only=True)

        token = self._bearer.access_token = self._tokens.access_token()
        try:
            once()
        except TokenRejectedError as error:
            if error.lacks_scope:
                raise
            self.has_gone_out = False
            self._bearer.access_token = self._tokens.renew(token)
            once()
        if self._answer is None:
            raise self.damaged("no request went out", "one request")
        return self._answer

    def _carry(self, method: str, url: str, fields: list[tuple[str, str]], body: Any, headers: dict[str, str]) -> None:
        """The pool's part: send once, judge, keep the document. Called by the SDK, not by us."""
        data = self._body if self._body is not None else body
        try:
            with self._gate.call():
                if self._is_write:
                    self.prove()
                self.api_calls += 1
                self.has_gone_out = True
                response = self._http.request(method, url, headers=headers, params=fields or None, data=data)
        except requests.RequestException as failure:
            raise transport_error(failure, connection=self.connection, doing=self._doing) from failure
        self._note_what_is_left(response)
        self._answer = self._judged(response)

    def _note_what_is_left(self, response: requests.Response) -> None:
        left = response.headers.get("X-DayLimit-Remaining", "")
        if left.isdecimal():
            self.calls_left_today = int(left)

    def _judged(self, response: requests.Response) -> Answer:
        if not isinstance(response, StrictResponse):
            raise TypeError("the HTTP session must read strictly: use resources.http.StrictSession")
        if not 200 <= response.status_code <= 299:
            error = error_from(response, connection=self.connection, doing=self._doing, entity=self._entity)
            if error.kind is ErrorKind.RATE_LIMIT:
                self._gate.pause(error.retry_after_seconds or profile.THROTTLED_SECONDS)
            raise error
        if response.status_code == HTTPStatus.NO_CONTENT:
            return Answer({}, False, None)
        if self._cuts_rows and (cut := _cut(response.content)) is not None:
            return cut
        try:
            document = response.document()
        except wire_json.MalformedJson as failure:
            raise self.damaged(f"a body that is not JSON ({failure})", "a whole JSON answer") from failure
        root = document.root
        if isinstance(root, wire_json.AmbiguousObject) or not isinstance(root, dict | list):
            raise self.damaged("JSON that is no plain object", "an object with every key once")
        made_at = read_instant(root.get("DateTimeUTC")) if isinstance(root, dict) else None
        return Answer(root, document.is_suspect, made_at)
