"""How Xero writes things on the wire: numbers, dates, envelopes, problems.

Belongs here: form. Which problem is raised when belongs to the module that finds out; XML is `xml.py`. Facts: reference
sections 3 and 6.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import msgspec

JSON = "application/json; charset=utf-8"
ZERO_GUID = "00000000-0000-0000-0000-000000000000"
NO_CACHE = {"Cache-Control": "max-age=0, no-cache, no-store", "Pragma": "no-cache"}

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS_DATE = re.compile(r"/Date\((-?\d+)([+-]\d{2,4})?\)/")
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?")


class Refusal(Exception):
    """One element of a write is not taken; `messages` become its ValidationErrors."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


class Problem(Exception):
    """A whole request is not taken: a status with its ApiException. The numbers 14, 16 and 17 are not confirmed."""

    def __init__(self, number: int, kind: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.number, self.kind, self.message, self.status = number, kind, message, status


def unreadable(message: str) -> Problem:
    return Problem(14, "PostDataInvalidException", message)


def bad_query(message: str) -> Problem:
    return Problem(16, "QueryParseException", message)


def no_data() -> Problem:
    text = "No data has been processed for this endpoint. The request body must hold the data to be processed."
    return Problem(17, "NoDataProcessedException", text)


class NotFound(Exception):
    """Status 404: there is no such record, or no such address."""


def encode(value: Any) -> bytes:
    """JSON bytes; Decimals become numbers that keep their scale (95.50 stays 95.50)."""
    return _ENCODER.encode(value)


def decode(data: bytes | msgspec.Raw) -> Any:
    """The value of JSON bytes; numbers with a point become Decimal. Raises msgspec.DecodeError."""
    return _DECODER.decode(data)


# -- times -------------------------------------------------------------------------------------------------------------


def ms_of(instant: datetime) -> int:
    """Milliseconds since 1970, as the service counts."""
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def stamp(ms: int) -> str:
    """The form of dates inside records."""
    return f"/Date({ms}+0000)/"


def envelope_stamp(ms: int) -> str:
    """The form without an offset: DateTimeUTC of the envelope, CreatedDateUTC of an organisation."""
    return f"/Date({ms})/"


def instant_text(ms: int) -> str:
    """The form of UpdatedDateUTCString: whole seconds with Z."""
    return f"{_EPOCH + timedelta(milliseconds=ms):%Y-%m-%dT%H:%M:%SZ}"


def read_ms(value: Any) -> int | None:
    """Milliseconds of `/Date(...)/` or of an ISO text, None when it is neither."""
    text = str(value)
    found = _MS_DATE.fullmatch(text)
    if found is not None:
        return int(found[1])
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return ms_of(instant if instant.tzinfo else instant.replace(tzinfo=UTC))


def day_of(value: Any) -> date:
    """The calendar day of a document date in any accepted form. Raises ValueError."""
    text = str(value)
    found = _MS_DATE.fullmatch(text)
    if found is not None:
        try:
            return (_EPOCH + timedelta(milliseconds=int(found[1]))).date()
        except OverflowError as error:
            raise ValueError(f"{text!r} is no date") from error
    found = _ISO_DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no date")
    return date(int(found[1]), int(found[2]), int(found[3]))


def day_stamp(day: date) -> str:
    """Midnight UTC of a calendar day."""
    return stamp((day.toordinal() - _EPOCH.toordinal()) * 86_400_000)


def day_fields(name: str, day: date) -> dict[str, str]:
    """A document date as answers show it: the text beside the stamp."""
    return {f"{name}String": f"{day.isoformat()}T00:00:00", name: day_stamp(day)}


# -- numbers -----------------------------------------------------------------------------------------------------------


def half_up(amount: Decimal, places: int = 2) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def number(value: Any) -> Decimal:
    """A number of a body; texts of digits are numbers too. Raises ValueError."""
    try:
        if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < 15:
            return value
        if isinstance(value, bool) or value is None:
            raise ValueError(f"{value!r} is no number")
        found = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is no number") from error
    if not found.is_finite() or abs(found) >= Decimal(10) ** 15:
        raise ValueError(f"{value!r} is no amount")
    return found


# -- envelopes ---------------------------------------------------------------------------------------------------------


def envelope(
    correlation: str, provider: str, now_ms: int, name: str, rows: Sequence[bytes], pagination: dict[str, int] | None
) -> bytes:
    """A success: the rows, already encoded, under their resource name."""
    head = {
        "Id": correlation,
        "Status": "OK",
        "ProviderName": provider,
        "DateTimeUTC": envelope_stamp(now_ms),
    }
    if pagination is not None:
        head["pagination"] = pagination
    return encode(head)[:-1] + b',"' + name.encode() + b'":[' + b",".join(rows) + b"]}"


def problem(found: Problem) -> dict[str, Any]:
    return {"ErrorNumber": found.number, "Type": found.kind, "Message": found.message}


def validation_problem(elements: list[dict[str, Any]]) -> dict[str, Any]:
    """The body of a summarised 400: the refused elements as they were sent, each with its errors."""
    return {
        "ErrorNumber": 10,
        "Type": "ValidationException",
        "Message": "A validation exception occurred",
        "Elements": elements,
    }


def messages(texts: Sequence[str]) -> list[dict[str, str]]:
    return [{"Message": text} for text in texts]
