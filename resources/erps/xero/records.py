"""One row of a Xero answer as the WireRecords it stands for, or as a RejectedRecord with the reason.

Belongs here: ids, version tokens, times and tombstones of any entity, and which rows belong to which. What the fields
of an entity mean is in its mapping; which rows to ask for is in `client.py`.

Xero has no version token. Ours is UpdatedDateUTC and a hash of the header as every kind of read gives it, so that what
does not move UpdatedDateUTC (a due date of a part-paid invoice, the role of a contact) changes the token all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any

from msgspec import UNSET, Raw

from ledger.shapes import Shaped, number, plain
from resources import wire_json
from resources.connector import RejectedRecord, WireRecord
from resources.erps.xero import profile
from resources.erps.xero.markers import role_of_number
from resources.erps.xero.profile import CONTACT_ROLES, Resource, Source
from resources.erps.xero.values import read_instant
from resources.wire_shapes import Row

ID_CHARACTERS_MAX = 100
EARLIEST = datetime.min.replace(tzinfo=UTC)
BASE_CURRENCY = "tieout:BaseCurrency"
ALLOCATION = "allocation:"
PREFIXES = {profile.OVERPAYMENTS: "overpayment:", profile.PREPAYMENTS: "prepayment:"}

# The header of a record as full, summary and single reads agree on it; lines and payments move UpdatedDateUTC anyway.
_HEADER: Mapping[Resource, tuple[str, ...]] = {
    profile.CONTACTS: (
        *("ContactNumber", "AccountNumber", "ContactStatus", "Name", "FirstName", "LastName", "EmailAddress"),
        *("IsCustomer", "IsSupplier", "DefaultCurrency"),
    ),
    profile.ITEMS: ("ItemID", "Code", "Name", "Description", "PurchaseDescription", "IsSold", "IsPurchased"),
    profile.INVOICES: (
        *("Type", "InvoiceNumber", "Reference", "Status", "DueDate", "Date", "CurrencyCode", "SentToContact"),
        *("SubTotal", "TotalTax", "Total", "AmountDue", "AmountPaid", "AmountCredited", "Url"),
    ),
    profile.CREDIT_NOTES: (
        *("Type", "CreditNoteNumber", "Reference", "Status", "DueDate", "Date", "CurrencyCode", "SentToContact"),
        *("SubTotal", "TotalTax", "Total", "RemainingCredit"),
    ),
    profile.PAYMENTS: ("PaymentType", "Status", "Date", "Amount", "Reference", "IsReconciled"),
    profile.OVERPAYMENTS: ("Type", "Status", "Date", "Total", "RemainingCredit"),
    profile.PREPAYMENTS: ("Type", "Status", "Date", "Total", "RemainingCredit"),
    profile.PURCHASE_ORDERS: (
        "PurchaseOrderNumber",
        "Reference",
        "Status",
        "Date",
        "DeliveryDate",
        "Total",
        "TotalTax",
    ),
}
_DELETED = "DELETED"
# Nearly every row is one of the first two, and asking for Mapping costs more than all else about it.
OBJECTS = (Shaped, dict, Mapping)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one answer, sorted out. `records` are in the order of the answer."""

    records: Sequence[WireRecord]
    rejected: Sequence[RejectedRecord]

    def __bool__(self) -> bool:
        return bool(self.records or self.rejected)


def rows_of(
    entity: str,
    source: Source,
    rows: Iterable[Any],
    *,
    is_suspect: bool,
    base_currency: str = "",
    any_role: bool = False,
) -> Rows:
    """Those rows that belong to `entity`. `any_role`: contacts whatever their role, for whoever asked by id."""
    read = (Row(row, None, is_suspect) for row in rows)
    return sort_out(entity, source, read, base_currency=base_currency, any_role=any_role)


def sort_out(
    entity: str, source: Source, read: Iterable[Row], *, base_currency: str = "", any_role: bool = False
) -> Rows:
    """The same of rows as they were read, each suspect or not, with their texts where they are known."""
    records: dict[str, WireRecord] = {}
    rejected: list[RejectedRecord] = []
    for one in read:
        if isinstance(one.value, OBJECTS) and not _belongs(entity, source, one.value, any_role):
            continue
        for record in _read_row(entity, source.resource, one, base_currency):
            if isinstance(record, RejectedRecord):
                rejected.append(record)
            else:
                records.pop(record.external_id, None)
                records[record.external_id] = record
    return Rows(tuple(records.values()), tuple(rejected))


def wholes_of(entity: str, source: Source, rows: Iterable[Any]) -> dict[str, frozenset[str]]:
    """Of credit notes that changed, all uses that each has now: one that was taken off is in no list by itself."""
    if entity not in profile.PAYERS or source.resource is not profile.CREDIT_NOTES:
        return {}
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        note_id = row.get(source.resource.key) if isinstance(row, Mapping) else None
        if _is_id(note_id) and row.get("Type") in source.types:
            uses = _allocations(plain(row), note_id, None)
            found[f"{ALLOCATION}{note_id}/"] = frozenset(one.external_id for one in uses)
    return found


def version_of(row: Any, resource: Resource) -> tuple[str, str]:
    """Tells the versions of a row apart within one walk."""
    if not isinstance(row, OBJECTS):
        return "", ""
    return str(row.get(resource.key, "")), str(row.get("UpdatedDateUTC", ""))


def modified_at_of(row: Any) -> datetime | None:
    return read_instant(row.get("UpdatedDateUTC")) if isinstance(row, OBJECTS) else None


def token_of(resource: Resource, row: Mapping[str, Any]) -> str:
    """UpdatedDateUTC in milliseconds, and what the header says."""
    moment = read_instant(row.get("UpdatedDateUTC"))
    contact = row.get("Contact")
    values = _header_of(type(row), resource)(row)
    said = [value if type(value) is str else _plain(value) for value in values]
    said.append(str(contact.get("ContactID")) if isinstance(contact, OBJECTS) else "")
    if resource not in _HEADER:
        said.append(wire_json.as_raw_text(plain(row)))
    digest = hashlib.sha256("\x1f".join(said).encode()).hexdigest()[:12]
    return f"{int(moment.timestamp() * 1000) if moment else 0}-{digest}"


# Shapes are learned with every pull and forgotten.
@lru_cache(maxsize=64)
def _header_of(kind: type, resource: Resource) -> Callable[[Any], Iterable[Any]]:
    """What gives the values of the header of such rows, at once where their shape is known."""
    names = _HEADER.get(resource, ())
    found = [name for name in names if issubclass(kind, Shaped) and name in kind.__struct_fields__]
    if len(found) < 2 or any(name in kind.inner for name in found):
        return lambda row: [row.get(name) for name in names]
    values_of = attrgetter(*found)
    # What no row of the shape has stands behind what is found.
    in_order = itemgetter(*(found.index(name) if name in found else len(found) for name in names))
    return lambda row: in_order((*values_of(row), None))


def _plain(value: Any) -> str:
    """A value of a header as it is hashed, however many zeros its digits end with."""
    if type(value) is Raw:
        written = str(value, "ascii")
        if "." in written:
            return written.rstrip("0").rstrip(".")
        value = number(value)
    if value is None or value is UNSET:
        return ""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return format(Decimal(value).normalize(), "f")
    return str(value)


def _belongs(entity: str, source: Source, row: Mapping[str, Any], any_role: bool) -> bool:
    if source.resource.type_key is not None and source.types:
        return row.get(source.resource.type_key) in source.types
    if entity in CONTACT_ROLES and not any_role:
        return has_role(entity, row)
    return True


def has_role(entity: str, contact: Mapping[str, Any]) -> bool:
    """Whether a contact is a customer, or a vendor.

    It is what it has documents of; made by us, what it was made as; with neither it may become both, so it is both.
    """
    if contact.get(CONTACT_ROLES[entity]) is True:
        return True
    made_as = role_of_number(contact.get("ContactNumber"))
    if made_as is not None:
        return made_as == entity
    return not any(contact.get(flag) is True for flag in CONTACT_ROLES.values())


def _read_row(entity: str, resource: Resource, read: Row, base_currency: str) -> Iterator[WireRecord | RejectedRecord]:
    row, text = read.value, read.text
    if not isinstance(row, OBJECTS):
        yield _rejected(row, None, "", f"{type(row).__name__} instead of a record", "an object")
        return
    external_id = _external_id(resource, row)
    if not _is_id(external_id):
        found = "nothing" if external_id is None else wire_json.as_raw_text(external_id)
        yield _rejected(row, None, resource.key, found, f"text of 1 to {ID_CHARACTERS_MAX} characters")
        return
    if read.is_suspect and (unstorable := wire_json.find_unstorable(row)):
        yield _rejected(row, external_id, unstorable.path, unstorable.found, unstorable.expected)
        return
    sent = row.get("UpdatedDateUTC")
    modified_at = read_instant(sent)
    if sent is not None and modified_at is None:
        yield _rejected(row, external_id, "UpdatedDateUTC", wire_json.as_raw_text(sent), "/Date(milliseconds+0000)/")
        return
    if entity in profile.PAYERS and resource is profile.CREDIT_NOTES:
        yield from _allocations(plain(row), external_id, modified_at)
        return
    if entity in CONTACT_ROLES and base_currency and not row.get("DefaultCurrency"):
        # Xero leaves out what the organisation says once for all; nothing else in a payload is ours.
        row, text = {**plain(row), BASE_CURRENCY: base_currency}, None
    # An over- or prepayment whose bank transaction was deleted shows as void: it is money that never moved.
    gone = (_DELETED, "VOIDED") if resource in PREFIXES else (_DELETED,)
    token, is_deleted = token_of(resource, read.value), row.get("Status") in gone
    yield WireRecord(external_id, token, modified_at, row, is_deleted=is_deleted, text=text)


def _external_id(resource: Resource, row: Mapping[str, Any]) -> Any:
    if resource is profile.ACCOUNTS:
        # Lines name accounts by their code; a bank account may have none.
        return row.get("Code") or row.get("AccountID")
    key = row.get(resource.key)
    return f"{PREFIXES[resource]}{key}" if resource in PREFIXES and _is_id(key) else key


def _allocations(note: Mapping[str, Any], note_id: str, modified_at: datetime | None) -> Iterator[WireRecord]:
    """What a credit note was used for, each as a payment of nothing that joins the note with an invoice."""
    if note.get("Status") in (_DELETED, "VOIDED"):
        return
    for allocation in note.get("Allocations") or ():
        allocation_id = allocation.get("AllocationID") if isinstance(allocation, Mapping) else None
        if not _is_id(allocation_id) or allocation.get("IsDeleted") is True:
            continue
        payload = {
            "Allocation": allocation,
            "CreditNote": {
                key: note[key]
                for key in ("CreditNoteID", "CreditNoteNumber", "Type", "Contact", "CurrencyCode", "CurrencyRate")
                if key in note
            },
        }
        digest = hashlib.sha256(wire_json.as_raw_text(payload).encode()).hexdigest()[:12]
        yield WireRecord(f"{ALLOCATION}{note_id}/{allocation_id}", digest, modified_at, payload)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= ID_CHARACTERS_MAX and value.isprintable()


def _rejected(row: Any, external_id: str | None, field: str, found: str, expected: str) -> RejectedRecord:
    return RejectedRecord(external_id, field, found, expected, wire_json.as_raw_text(plain(row)))
