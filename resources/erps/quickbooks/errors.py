"""What QuickBooks answered, as a TieoutError: decided by HTTP status and fault code, never by words.

Belongs here: reading the three fault shapes (JSON `Fault`, the gateway's lower-case `fault`, XML) and the class of each
code. What the network did is in `resources/http.py`. Source of the codes: Intuit's code list and the captures named in
`README.md`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from xml.etree import ElementTree

from resources import wire_json
from resources.erps.quickbooks.profile import THROTTLED_SECONDS
from resources.errors import ErrorKind, TieoutError
from resources.http import StrictResponse, retry_after_seconds

XML_BYTES_MAX = 64 * 1024
FOUND_CHARACTERS_MAX = 500

KIND_OF_CODE: dict[str, ErrorKind] = {
    "100": ErrorKind.SYSTEM,
    "120": ErrorKind.AUTHORIZATION,
    "130": ErrorKind.SYSTEM,
    "500": ErrorKind.VALIDATION,
    "600": ErrorKind.DUPLICATE,
    "610": ErrorKind.NOT_FOUND,
    "1040": ErrorKind.VALIDATION,
    "2010": ErrorKind.VALIDATION,
    "2020": ErrorKind.VALIDATION,
    "2030": ErrorKind.VALIDATION,
    "2050": ErrorKind.VALIDATION,
    "2500": ErrorKind.MAPPING,
    "3001": ErrorKind.RATE_LIMIT,
    "3100": ErrorKind.AUTHORIZATION,
    "3200": ErrorKind.AUTHENTICATION,
    "4000": ErrorKind.VALIDATION,
    "4001": ErrorKind.VALIDATION,
    "5010": ErrorKind.CONFLICT,
    "6000": ErrorKind.VALIDATION,
    "6070": ErrorKind.VALIDATION,
    "6140": ErrorKind.DUPLICATE,
    "6190": ErrorKind.AUTHORIZATION,
    "6210": ErrorKind.VALIDATION,
    "6240": ErrorKind.DUPLICATE,
    "6270": ErrorKind.VALIDATION,
    "6540": ErrorKind.VALIDATION,
    "10000": ErrorKind.SYSTEM,
}
KIND_OF_STATUS: dict[int, ErrorKind] = {
    401: ErrorKind.AUTHENTICATION,
    403: ErrorKind.AUTHORIZATION,
    404: ErrorKind.NOT_FOUND,
    408: ErrorKind.TIMEOUT,
    413: ErrorKind.VALIDATION,
    429: ErrorKind.RATE_LIMIT,
    504: ErrorKind.TIMEOUT,
}


@dataclass(frozen=True, slots=True)
class FaultEntry:
    """One error of a fault. `code` is text as sent, without leading zeros; `type` is the fault's; any may be empty."""

    code: str
    message: str
    detail: str
    element: str
    type: str = ""

    @property
    def is_of_service(self) -> bool:
        """Whether something is wrong over there, as far as the code does not say otherwise."""
        return self.code not in KIND_OF_CODE and self.type in ("SystemFault", "SERVICE")


class FaultError(TieoutError):
    """QuickBooks answered, and the answer is a refusal: its HTTP status and all entries of its fault, maybe none."""

    status: int = 0
    entries: tuple[FaultEntry, ...] = ()


class TokenRejectedError(FaultError):
    """HTTP 401: the access token is not (or no longer) good. Renew it once and repeat."""


def error_from(
    response: StrictResponse,
    *,
    connection: str,
    doing: str,
    entity: str | None = None,
    external_id: str | None = None,
) -> FaultError:
    """The error that an answer other than a good one means; reads any body, however broken."""
    entries = faults_in(response)
    return _error(response.status_code, entries, response.headers, connection, doing, entity, external_id)


def error_from_fault(
    root: Any, response: StrictResponse, *, connection: str, doing: str, entity: str | None = None
) -> FaultError | None:
    """The error inside an answer that came with status 200, or None. QuickBooks does that in batches and uploads."""
    entries = _json_entries(root)
    if not entries:
        return None
    return _error(response.status_code, entries, response.headers, connection, doing, entity, None)


def error_from_item(item: Any, *, connection: str, doing: str, entity: str, external_id: str | None) -> FaultError:
    """The error of one item of a batch, which has a status of its own in no other way than by its fault."""
    return _error(HTTPStatus.OK, _json_entries(item), {}, connection, doing, entity, external_id)


def faults_in(response: StrictResponse) -> list[FaultEntry]:
    """All errors in a body of any of the three shapes; an HTML page or an unreadable body has none."""
    try:
        return _json_entries(response.document().root)
    except wire_json.MalformedJson:
        return _xml_entries(response.content)


def _error(
    status: int,
    entries: list[FaultEntry],
    headers: Mapping[str, str],
    connection: str,
    doing: str,
    entity: str | None,
    external_id: str | None,
) -> FaultError:
    kind = kind_of(status, entries)
    asked = retry_after_seconds(headers)
    if kind is ErrorKind.RATE_LIMIT and asked is None:
        asked = THROTTLED_SECONDS
    error_class = TokenRejectedError if status == 401 else FaultError
    error = error_class(
        kind,
        connection=connection,
        entity=entity,
        external_id=external_id,
        doing=doing,
        found=_in_words(status, entries, kind, headers.get("intuit_tid")),
        expected="HTTP 200 without a fault",
        retry_after_seconds=asked if kind in (ErrorKind.RATE_LIMIT, ErrorKind.SYSTEM, ErrorKind.TIMEOUT) else None,
    )
    error.status, error.entries = status, tuple(entries)
    return error


def kind_of(status: int, entries: Sequence[FaultEntry]) -> ErrorKind:
    """The class of an answer; with status 200 that of its fault alone, whoever gave the status."""
    known = [KIND_OF_CODE[entry.code] for entry in entries if entry.code in KIND_OF_CODE]
    # A throttled call came as 403 before 2017 and a gateway may say anything around its fault, so the code goes first.
    if known and (status < 500 or known[0] is ErrorKind.RATE_LIMIT) and status != 401:
        return known[0]
    if status in KIND_OF_STATUS:
        return KIND_OF_STATUS[status]
    if status >= 500:
        return ErrorKind.SYSTEM
    if any(entry.is_of_service for entry in entries):
        return ErrorKind.SYSTEM
    return _kind_of_range(entries[0].code) if entries else ErrorKind.UNKNOWN


def _kind_of_range(code: str) -> ErrorKind:
    """Codes go by thousands: 2xxx and 4xxx are the request's fault, 6xxx a business rule, 10000 up the service's."""
    if not code.isdecimal():
        return ErrorKind.UNKNOWN
    number = int(code)
    if number >= 10_000:
        return ErrorKind.SYSTEM
    return ErrorKind.VALIDATION if number // 1000 in (2, 4, 6) else ErrorKind.UNKNOWN


def _in_words(status: int, entries: list[FaultEntry], kind: ErrorKind, trace_id: str | None) -> str:
    words = [f"HTTP {status}"]
    for entry in entries:
        # The detail of an authentication fault quotes the token.
        detail = "" if kind is ErrorKind.AUTHENTICATION else entry.detail
        words.append(" ".join(part for part in (f"fault {entry.code}", entry.message, detail, entry.element) if part))
    if trace_id:
        words.append(f"intuit_tid {trace_id}")
    return "; ".join(words).replace("\x00", "")[:FOUND_CHARACTERS_MAX]


def _json_entries(root: Any) -> list[FaultEntry]:
    if not isinstance(root, dict):
        return []
    fault = root.get("Fault") or root.get("fault")
    if not isinstance(fault, dict):
        # An upload answers 200 with one fault for each file that was refused.
        uploads = root.get("AttachableResponse")
        return [entry for item in uploads for entry in _json_entries(item)] if isinstance(uploads, list) else []
    found = fault.get("Error") or fault.get("error") or []
    entries = [
        _entry(
            item.get("code"),
            item.get("Message") or item.get("message"),
            item.get("Detail") or item.get("detail"),
            item.get("element"),
            fault.get("type"),
        )
        for item in (found if isinstance(found, list) else [found])
        if isinstance(item, dict)
    ]
    return entries or [_entry(None, fault.get("type"), None, None, fault.get("type"))]


def _xml_entries(content: bytes) -> list[FaultEntry]:
    # A document type is where entity bombs live, and no answer of QuickBooks has one.
    if len(content) > XML_BYTES_MAX or b"<!DOCTYPE" in content or not content.lstrip().startswith(b"<"):
        return []
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError:
        return []
    return [
        _entry(
            error.get("code"),
            error.findtext("{*}Message"),
            error.findtext("{*}Detail"),
            error.get("element"),
            fault.get("type"),
        )
        for fault in root.iterfind(".//{*}Fault")
        for error in fault.iterfind("{*}Error")
    ]


def _entry(code: Any, message: Any, detail: Any, element: Any, type_: Any) -> FaultEntry:
    text = str(code or "").strip()
    return FaultEntry(
        code=text.lstrip("0") if re.fullmatch(r"[0-9]+", text) else text,
        message=str(message or ""),
        detail=str(detail or ""),
        element=str(element or ""),
        type=str(type_ or ""),
    )
