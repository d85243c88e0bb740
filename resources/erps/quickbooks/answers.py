"""What QuickBooks' answer to a write means: done, refused, stale, to be sent later, or in doubt.

Belongs here: the decision, by HTTP status and fault code and never by words, and the sentence for a person. Sending is
`sending.py`; the class of each code is in `errors.py`. Source of the codes: reference of the API, faults; README.md.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ledger.fields import Derived
from resources.connector import Answer, Deferred, InDoubt, Refused, Stale, WireRecord, Write, Written
from resources.erps.quickbooks.documents import is_void
from resources.erps.quickbooks.errors import FaultEntry, FaultError, kind_of
from resources.erps.quickbooks.mappings import MAPPINGS
from resources.erps.quickbooks.markers import marker_in
from resources.erps.quickbooks.profile import WIRE_ENTITIES
from resources.erps.quickbooks.records import read_rows
from resources.errors import ErrorKind, TieoutError
from resources.http import never_left

STALE = "5010"
REPEATED_REQUEST = "600"
# Some faults list every property that QuickBooks knows.
SAID_CHARACTERS_MAX = 300
_MAY_HAVE_HAPPENED = {ErrorKind.SYSTEM, ErrorKind.TIMEOUT, ErrorKind.CONNECTION}

_WHAT_NEXT = {
    "610": "make it active again in QuickBooks or choose another; if the record itself was deleted there, pull first",
    "2010": "report it as a bug: Tieout sent a field that this company's QuickBooks does not know",
    "2020": "fill the field in",
    "2030": "pull the record again: its id is not one of QuickBooks",
    "2050": "shorten it",
    "2500": "choose one that is there and active in QuickBooks, or map the code to it",
    "6000": "correct what QuickBooks names here",
    "6070": "make the amount quantity x unit price, or leave both empty",
    "6140": "give it another number, or bind it to the document that has this one",
    "6190": "renew the company's QuickBooks subscription or ask its owner",
    "6210": "date it after the books were closed, or have them opened in QuickBooks",
    "6240": "give it another name, or bind it to the record that has this one",
    "6270": "date it on or after the item's inventory start date",
    "6540": "take the payment off its deposit in QuickBooks first",
}
_FIELD_OF_CODE = {
    "6140": "document_number",
    "6210": "issue_date",
    "6240": "name",
    "6540": "deposit_account_code",
}


def answer_to_failure(error: TieoutError, write: Write) -> Answer:
    """What a failed call means for one write. Authentication and authorization are no answers: they are raised."""
    if not isinstance(error, FaultError):
        return Deferred(error) if never_left(error) else InDoubt(error)
    codes = {entry.code for entry in error.entries}
    # By its fault alone: the status may be that of somebody on the way.
    said = kind_of(HTTPStatus.OK, error.entries)
    if error.kind is ErrorKind.RATE_LIMIT:
        return Deferred(error)
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE and error.retry_after_seconds is not None:
        # Without Retry-After a 503 may come from a gateway that gave up on a call under way.
        return Deferred(error)
    if _MAY_HAVE_HAPPENED & {error.kind, said} or REPEATED_REQUEST in codes or error.status >= 500:
        return InDoubt(error)
    if STALE in codes:
        return Stale(_explained(error, write))
    # What else a fault of an unknown code says is not known: only one of a request's values says that it was refused.
    if said is not ErrorKind.UNKNOWN or {entry.type for entry in error.entries} == {"ValidationFault"}:
        return Refused(_explained(error, write))
    return InDoubt(error)


def answer_to_object(row: Any, write: Write, *, is_suspect: bool, doubt: TieoutError) -> Answer:
    """What a good answer means: done if its object is what was asked for, else in doubt, saying what is odd."""
    rows = read_rows([row], is_suspect=is_suspect) if isinstance(row, dict) else None
    if rows is None or not rows.records:
        return InDoubt(_because(doubt, f"an answer without a readable {WIRE_ENTITIES[write.entity].wire_name}"))
    record = rows.records[0]
    oddity = _oddity(record, write)
    return InDoubt(_because(doubt, oddity)) if oddity else Written(record)


def _oddity(record: WireRecord, write: Write) -> str | None:
    payload = record.payload
    if write.external_id is not None and record.external_id != write.external_id:
        return f"Id {record.external_id} in the answer to a write of {write.external_id}"
    is_name = WIRE_ENTITIES[write.entity].is_name_list
    if write.operation == "delete" and not is_name:
        return None if record.is_deleted else "an answer to a deletion that does not say Deleted"
    if not record.version_token:
        return "an answer without SyncToken"
    if write.operation == "delete" and payload.get("Active") is not False:
        return "a record that is still active after it was made inactive"
    if write.operation == "void" and not is_void(payload):
        return "a document that is not void after it was voided"
    if write.operation == "create" and marker_in(write.body.get("PrivateNote")) != marker_in(
        payload.get("PrivateNote")
    ):
        return "a document without the mark that was sent with it"
    return None


def _because(doubt: TieoutError, found: str) -> TieoutError:
    return TieoutError(
        ErrorKind.SYSTEM,
        connection=doubt.connection,
        entity=doubt.entity,
        external_id=doubt.external_id,
        doing=doubt.doing,
        found=found,
        expected=doubt.expected,
    )


def _explained(error: FaultError, write: Write) -> TieoutError:
    """The fault as one sentence: which canonical field, what QuickBooks says of it, what to do."""
    said = [_said(entry, write) for entry in error.entries]
    first = error.entries[0].code
    if first == STALE:
        said = [f"version {write.version_token}, which QuickBooks no longer holds (fault {STALE})"]
    return TieoutError(
        error.kind,
        connection=error.connection,
        entity=write.entity,
        external_id=write.external_id,
        doing=f"pushing {write.entity}",
        found="; ".join(said),
        expected="the present version" if first == STALE else "a record that QuickBooks takes",
        next_step="pull, merge, push again" if first == STALE else _WHAT_NEXT.get(first),
    )


def _said(entry: FaultEntry, write: Write) -> str:
    field = canonical_field(write.entity, entry.element) or _FIELD_OF_CODE.get(entry.code)
    where = f"{field}: " if field else ""
    text = entry.detail or entry.message
    if entry.element and entry.element not in text:
        text = f"{text} ({entry.element})"
    text = " ".join(text.replace("\x00", "").split())
    shown = text if len(text) <= SAID_CHARACTERS_MAX else f"{text[:SAID_CHARACTERS_MAX]}..."
    return f"{where}{shown} (fault {entry.code})"


def canonical_field(entity: str, element: str) -> str | None:
    """The canonical field that a fault's `element` means: `Line.SalesItemLineDetail.ItemRef` is `lines.item`."""
    if not element:
        return None
    mapping = MAPPINGS[entity]
    for name, wire in mapping.fields.items():
        is_said = not isinstance(wire, Derived)
        if is_said and (wire.path == element or wire.path.startswith(f"{element}.")):
            return name
    for name, parts in mapping.parts.items():
        inner = element.removeprefix(parts.path).lstrip(".")
        if element != parts.path and not element.startswith(f"{parts.path}."):
            continue
        for variant in parts.variants.values():
            for field, wire in (variant.fields if variant else {}).items():
                if inner and (wire.path == inner or wire.path.startswith(f"{inner}.")):
                    return f"{name}.{field}"
        return name
    return None
