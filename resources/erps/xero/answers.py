"""What Xero's answer to a write means: done, refused, stale, to be sent later, or in doubt.

Belongs here: the decision, by HTTP status and by what is said of each element, never by words, and the sentence for a
person. Sending is `sending.py`. A write's own answer is never believed for amounts: one was captured as PAID with
everything still due. The record is read back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from resources.connector import Answer, Deferred, InDoubt, Refused, Stale, WireRecord, Write
from resources.erps.xero.errors import AnswerError, messages_of
from resources.erps.xero.markers import marker_in
from resources.erps.xero.profile import CONTACT_ROLES, PAYERS, WIRE_ENTITIES, ZERO_ID
from resources.erps.xero.unmarked import kept_of, may_be_of, shown_of
from resources.erps.xero.values import read_day
from resources.errors import ErrorKind, TieoutError
from resources.http import never_left

_MAY_HAVE_HAPPENED = (ErrorKind.SYSTEM, ErrorKind.TIMEOUT, ErrorKind.CONNECTION)
# What Xero refuses a request with; of any other status, and from anybody on the way, it is not known what has happened.
_REFUSING = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
)
_DAYS = ("Date", "DueDate", "DeliveryDate")
# Of a line: Xero computes the one, and shows the other with more than is sent.
_NOT_COMPARED = frozenset({"TaxAmount", "Tracking"})
# What tells the blocks of a list apart that has no order.
_BLOCK_KEYS = ("AddressType", "PhoneType")


def answer_to_failure(error: TieoutError, write: Write, *, has_gone_out: bool = True) -> Answer:
    """What a failed call means for one write. Authentication and authorization are no answers: they are raised."""
    if not has_gone_out:
        return Deferred(error)
    if not isinstance(error, AnswerError):
        return Deferred(error) if never_left(error) else InDoubt(error)
    if error.kind is ErrorKind.RATE_LIMIT:
        # Limits are checked before anything else.
        return Deferred(error)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE and error.is_wait_named:
        # Without Retry-After a 503 may come from a gateway that gave up on a call under way.
        return Deferred(error)
    if error.kind in _MAY_HAVE_HAPPENED or error.status >= 500:
        return InDoubt(error)
    if error.status == HTTPStatus.NOT_FOUND and write.external_id is not None and error.is_of_xero:
        return Stale(_explained(error, write, "no such record", "the record", "pull, merge, push again"))
    if error.status not in _REFUSING or not error.is_of_xero:
        return InDoubt(error)
    said = [message for element in error.elements for message in messages_of(element)]
    return Refused(_explained(error, write, "; ".join(said) or error.found, "a record that Xero takes"))


def answer_to_element(element: Any, write: Write, doubt: TieoutError) -> Answer | str:
    """What Xero says of one element of a write: its id if it was written, else the answer."""
    if not isinstance(element, Mapping):
        return InDoubt(doubt)
    said = messages_of(element)
    if element.get("StatusAttributeString") == "ERROR" or said:
        return refused_of(doubt, write, said)
    key = _key_of(write, element)
    found = element.get(key)
    if not isinstance(found, str) or found in ("", ZERO_ID):
        return InDoubt(doubt)
    return found


def oddity_of(write: Write, record: WireRecord) -> str | None:
    """What a record that was read back does not say although it was written; None if all is there."""
    payload = record.payload
    if write.operation == "delete" and write.entity in CONTACT_ROLES:
        return None if payload.get("ContactStatus") != "ACTIVE" else "a contact that is still active"
    if write.operation == "delete":
        return None if record.is_deleted else "a record that is still there"
    if write.operation == "void":
        return None if payload.get("Status") == "VOIDED" else "a document that is not void"
    if write.operation == "create":
        sent, found = marker_in(write.body), marker_in(payload)
        if sent in (None, found):
            return None
        if found is None and may_be_of(write.body, payload):
            return next(_oddities(shown_of(write.body, payload), payload), None)
        return "a record without the mark that was sent with it"
    return next(_oddities(write.body, payload), None)


class Unkept(Refused):
    """Xero has taken the update, and not kept the text in it."""


def unkept_of(error: TieoutError, write: Write, record: WireRecord) -> Unkept | None:
    """The answer to an update whose Reference came back empty, as it may where Xero's description has none."""
    sent, found = write.body.get("Reference"), record.payload
    if write.operation != "update" or not sent or found.get("Reference") or kept_of(found) is None:
        return None
    told = f"that Xero does not keep {sent!r} as its Reference"
    return Unkept(_explained(error, write, told, "an empty one", "empty it here"))


def refused_of(error: TieoutError, write: Write, said: Sequence[str]) -> Refused:
    """A refusal in Xero's own words."""
    return Refused(_explained(error, write, "; ".join(said) or "an error", "a record that Xero takes"))


def doubt_of(connection: str, write: Write, found: str = "no answer for it") -> TieoutError:
    return TieoutError(
        ErrorKind.SYSTEM,
        connection=connection,
        entity=write.entity,
        external_id=write.external_id,
        doing=f"pushing {write.entity}",
        found=found,
        expected="the record as Xero holds it now",
    )


def stale_of(connection: str, write: Write, found: str) -> Stale:
    error = TieoutError(
        ErrorKind.CONFLICT,
        connection=connection,
        entity=write.entity,
        external_id=write.external_id,
        doing=f"pushing {write.entity}",
        found=found,
        expected="the record as it was when it was merged",
        next_step="pull, merge, push again",
    )
    return Stale(error)


def _key_of(write: Write, element: Mapping[str, Any]) -> str:
    if write.entity in PAYERS:
        return next((key for key in ("PaymentID", "OverpaymentID", "PrepaymentID") if key in element), "PaymentID")
    return WIRE_ENTITIES[write.entity].sources[0].resource.key


def _oddities(sent: Mapping[str, Any], found: Mapping[str, Any], place: str = "") -> Iterator[str]:
    """Where a record, a block or a line is other than it was sent; what was not sent is nobody's concern."""
    for key, value in sent.items():
        there = found.get(key)
        if key in _NOT_COMPARED:
            continue
        if isinstance(value, Mapping):
            yield from _oddities(value, there if isinstance(there, Mapping) else {}, f"{place}{key}.")
        elif isinstance(value, list):
            yield from _oddities_of_list(value, there if isinstance(there, list) else [], f"{place}{key}")
        elif not _is_equal(key, value, there):
            yield f"{place}{key} other than it was sent"


def _oddities_of_list(sent: list[Any], found: list[Any], place: str) -> Iterator[str]:
    """Blocks are met by their type, lines by their place."""
    kind = next((key for key in _BLOCK_KEYS if sent and key in sent[0]), None)
    if kind is not None:
        by_kind = {block.get(kind): block for block in found if isinstance(block, Mapping)}
        for block in sent:
            yield from _oddities(block, by_kind.get(block[kind], {}), f"{place}[{block[kind]}].")
        return
    if len(found) != len(sent):
        yield f"{len(found)} {place} instead of {len(sent)}"
        return
    for number, (line, there) in enumerate(zip(sent, found, strict=True), 1):
        if isinstance(line, Mapping) and isinstance(there, Mapping):
            yield from _oddities(line, there, f"{place}[{number}].")


def _is_equal(key: str, sent: Any, found: Any) -> bool:
    if key in _DAYS:
        return read_day(sent) == read_day(found)
    if isinstance(sent, bool) or isinstance(found, bool):
        return sent is found
    if isinstance(sent, int | Decimal) and isinstance(found, int | Decimal):
        return sent == found
    # An emptied text is left out of answers; blanks at either end are nobody's edit.
    return str(sent or "").strip() == str(found or "").strip()


def _explained(
    error: TieoutError, write: Write, found: str, expected: str, next_step: str | None = None
) -> TieoutError:
    return TieoutError(
        error.kind if isinstance(error, AnswerError) else ErrorKind.VALIDATION,
        connection=error.connection,
        entity=write.entity,
        external_id=write.external_id,
        doing=f"pushing {write.entity}",
        found=found,
        expected=expected,
        next_step=next_step or "correct what Xero names here, then push again",
    )
