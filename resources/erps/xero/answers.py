"""What Xero's answer to a write means: done, refused, stale, to be sent later, or in doubt.

Belongs here: the decision, by HTTP status and by what is said of each element, never by words, and the sentence for a
person. Sending is `sending.py`. A write's own answer is never believed for amounts: one was captured as PAID with
everything still due. The record is read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from resources.connector import Answer, Deferred, InDoubt, Refused, Stale, WireRecord, Write
from resources.erps.xero.documents import exact
from resources.erps.xero.errors import AnswerError, messages_of
from resources.erps.xero.markers import marker_in
from resources.erps.xero.profile import CONTACT_ROLES, PAYERS, WIRE_ENTITIES, ZERO_ID
from resources.erps.xero.values import read_day
from resources.errors import ErrorKind, TieoutError
from resources.http import never_left

_MAY_HAVE_HAPPENED = (ErrorKind.SYSTEM, ErrorKind.TIMEOUT, ErrorKind.CONNECTION)
_DAYS = ("Date", "DueDate", "DeliveryDate")
# Sent to say which record, or computed from what is sent.
_NO_CONTENT = frozenset({"LineItems", "LineAmountTypes", "Contact", "Addresses", "Phones", "Allocations", "Status"})


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
    if error.status == HTTPStatus.NOT_FOUND and write.external_id is not None:
        return Stale(_explained(error, write, "no such record", "the record", "pull, merge, push again"))
    said = [message for element in error.elements for message in messages_of(element)]
    return Refused(_explained(error, write, "; ".join(said) or error.found, "a record that Xero takes"))


def answer_to_element(element: Any, write: Write, doubt: TieoutError) -> Answer | str:
    """What Xero says of one element of a write: its id if it was written, else the answer."""
    if not isinstance(element, Mapping):
        return InDoubt(doubt)
    said = messages_of(element)
    if element.get("StatusAttributeString") == "ERROR" or said:
        return Refused(_explained(doubt, write, "; ".join(said) or "an error", "a record that Xero takes"))
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
        sent = marker_in(write.body)
        is_marked = sent is None or marker_in(payload) == sent
        return None if is_marked else "a record without the mark that was sent with it"
    for key, value in write.body.items():
        if (
            key not in _NO_CONTENT
            and not isinstance(value, dict | list)
            and not _is_equal(key, value, payload.get(key))
        ):
            return f"{key} other than it was sent"
    return _oddity_of_lines(write.body.get("LineItems"), payload.get("LineItems"))


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
        return next((key for key in ("PaymentID", "OverpaymentID") if key in element), "PaymentID")
    return WIRE_ENTITIES[write.entity].sources[0].resource.key


def _oddity_of_lines(sent: Any, found: Any) -> str | None:
    if not isinstance(sent, list):
        return None
    lines = found if isinstance(found, list) else []
    if len(lines) != len(sent):
        return f"{len(lines)} lines instead of {len(sent)}"
    if all("LineAmount" in line for line in sent) and _sum(sent) != _sum(lines):
        return f"lines that add up to {_sum(lines)} instead of {_sum(sent)}"
    return None


def _sum(lines: list[Any]) -> Decimal:
    return sum((exact(line.get("LineAmount")) for line in lines if isinstance(line, Mapping)), Decimal(0))


def _is_equal(key: str, sent: Any, found: Any) -> bool:
    if key in _DAYS:
        return read_day(sent) == read_day(found)
    if isinstance(sent, bool) or isinstance(found, bool):
        return sent is found
    if isinstance(sent, int | Decimal) and isinstance(found, int | Decimal):
        return sent == found
    # An emptied text is left out of answers.
    return (sent or "") == (found or "")


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
