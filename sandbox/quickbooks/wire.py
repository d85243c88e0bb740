"""How QuickBooks writes things on the wire: numbers, times, envelopes, faults, headers.

Belongs here: form. Which fault is raised when belongs to the module that finds out; XML is `xml.py`.
Facts: reference sections 1, 3 and 9.
"""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.http import Answer

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)

_PST, _PDT = timezone(timedelta(hours=-8)), timezone(timedelta(hours=-7))


def encode(value: Any) -> bytes:
    """JSON bytes; Decimals become numbers that keep their scale (639.00 stays 639.00)."""
    return _ENCODER.encode(value)


def decode(data: bytes | msgspec.Raw) -> Any:
    """The value of JSON bytes; numbers with a point become Decimal. Raises msgspec.DecodeError."""
    return _DECODER.decode(data)


def pacific(instant: datetime) -> datetime:
    """`instant` with the Pacific offset of its date (daylight saving by the rule in force since 2007)."""
    moment = instant.astimezone(UTC)
    march, november = datetime(moment.year, 3, 1, 10, tzinfo=UTC), datetime(moment.year, 11, 1, 9, tzinfo=UTC)
    begins = march + timedelta(days=(6 - march.weekday()) % 7 + 7)
    ends = november + timedelta(days=(6 - november.weekday()) % 7)
    return moment.astimezone(_PDT if begins <= moment < ends else _PST)


def stamp(instant: datetime) -> str:
    """A MetaData time: whole seconds, cut off, Pacific offset."""
    return pacific(instant).isoformat(timespec="seconds")


def envelope_time(instant: datetime) -> str:
    """The `time` of an envelope: milliseconds, Pacific offset."""
    return pacific(instant).isoformat(timespec="milliseconds")


def micros_of(text: str) -> int:
    """Microseconds since 1970 of a time on the wire; without an offset it is Pacific. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=pacific(moment.replace(tzinfo=_PST)).tzinfo)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


class Refusal(Exception):
    """QuickBooks refuses a request: one accounting fault (reference section 9).

    `element` None leaves the key out, as in some captures; `has_time` False leaves the envelope's time out (2030).
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        message: str | None = None,
        element: str | None = None,
        status: int = 400,
        kind: str = "ValidationFault",
        has_time: bool = True,
    ) -> None:
        self.code, self.detail, self.element = code, detail, element
        self.message = message if message is not None else MESSAGES[code]
        self.status, self.kind, self.has_time = status, kind, has_time
        super().__init__(f"{code} {self.message}: {detail}")

    def fault(self) -> dict[str, Any]:
        """The `Fault` object, as in answers and inside batch items."""
        error: dict[str, Any] = {"Message": self.message, "Detail": self.detail, "code": self.code}
        if self.element is not None:
            error["element"] = self.element
        return {"Error": [error], "type": self.kind}


MESSAGES = {
    "500": "Unsupported Operation",
    "600": "Duplicate Request ID",
    "610": "Object Not Found",
    "1040": "Batch size limit exceeded",
    "2010": "Request has invalid or unsupported property",
    "2020": "Required param missing, need to supply the required value for the API",
    "2030": "Invalid ID",
    "2050": "Property has invalid length",
    "2500": "Invalid Reference Id",
    "4000": "Error parsing query",
    "4001": "Invalid query",
    "5010": "Stale Object Error",
    "6000": "A business validation error has occurred while processing your request",
    "6070": "Amount is not equal to UnitPrice * Qty",
    "6140": "Duplicate Document Number Error",
    "6190": "Invalid Company Status",
    "6210": "Account Period Closed",
    "6240": "Duplicate Name Exists Error",
    "6270": "Transaction date is prior to start date for inventory item",
    "6540": "Deposited Transaction cannot be changed",
    "10000": "An application error has occurred while processing your request",
}

MADE_INACTIVE = (
    "Something you're trying to use has been made inactive. "
    "Check the fields with accounts, customers, items, vendors or employees."
)
STALE = (
    "Stale Object Error : You and Test User were working on this at the same time. "
    "Test User finished before you did, so your work was not saved."
)


def not_found() -> Refusal:
    return Refusal("610", f"Object Not Found : {MADE_INACTIVE}", element="")


def business(detail: str) -> Refusal:
    return Refusal("6000", f"Business Validation Error: {detail}", element="")


def trace_id(instant: datetime, random_part: str) -> str:
    """An `intuit_tid`: 1, the second it began, 24 random hexadecimal digits."""
    return f"1-{int(instant.timestamp()):08x}-{random_part}"


def _headers(seconds: float) -> dict[str, str]:
    """All but `intuit_tid`, which every answer of `app.py` gets."""
    return {
        "Server": "nginx",
        "Strict-Transport-Security": "max-age=15552000",
        "Qbo-Version": "1988.128",
        "Service-Time": f"total={int(seconds * 1000)}, db={int(seconds * 600)}",
        "Expires": "0",
        "Cache-Control": "max-age=0, no-cache, no-store, must-revalidate, private",
    }


def success(body: bytes, seconds: float = 0.0, content_type: str = "application/json;charset=utf-8") -> Answer:
    return Answer(200, body, content_type, _headers(seconds))


def as_answered(status: int, body: bytes, content_type: str) -> Answer:
    """An answer given before, with headers of now."""
    if status == 200:
        return success(body, content_type=content_type)
    return Answer(status, body, content_type, {"Server": "nginx", "Strict-Transport-Security": "max-age=15552000"})


def fault_body(refusal: Refusal, began: datetime) -> dict[str, Any]:
    body: dict[str, Any] = {"Fault": refusal.fault()}
    if refusal.has_time:
        body["time"] = envelope_time(began)
    return body


def fault(refusal: Refusal, began: datetime) -> Answer:
    headers = {key: value for key, value in _headers(0).items() if key in ("Server", "Strict-Transport-Security")}
    return Answer(refusal.status, encode(fault_body(refusal, began)), "application/json", headers)


def gateway_fault(status: int, message: str, detail: str | None, kind: str, began: datetime) -> Answer:
    """The gateway's lower-case fault: 401, 403, and 429 where the switch asks for JSON."""
    code = {401: "3200", 403: "3100", 429: "3001"}[status]
    body = {
        "warnings": None,
        "intuitObject": None,
        "fault": {
            "error": [
                {
                    "message": f"message={message}; errorCode=00{code}; statusCode={status}",
                    "detail": detail,
                    "code": code,
                    "element": None,
                }
            ],
            "type": kind,
        },
        "report": None,
        "queryResponse": None,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": None,
        "requestId": None,
        "time": int(began.timestamp() * 1000),
        "status": None,
        "cdcresponse": [],
    }
    headers = {"Server": "nginx"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Intuit", error="invalid_token"'
    return Answer(status, encode(body), "application/json", headers)


def throttled_xml(began: datetime) -> Answer:
    """The 429 as captured: XML, although JSON was asked for."""
    body = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<IntuitResponse time="{envelope_time(began)}" xmlns="http://schema.intuit.com/finance/v3">\n'
        '  <Fault type="SERVICE">\n    <Error code="3001">\n'
        "      <Message>message=ThrottleExceeded; errorCode=003001; statusCode=429</Message>\n"
        "      <Detail>The request limit was reached.  Try again later</Detail>\n"
        "    </Error>\n  </Fault>\n</IntuitResponse>\n"
    )
    return Answer(429, body.encode(), "application/xml", {"Server": "nginx"})
