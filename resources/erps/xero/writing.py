"""What is wanted, as the bodies that Xero takes: creates, updates of what changed, voids, deletions.

Belongs here: the body as a whole. Lines are `lines.py`, money that moves `writing_money.py`, what is refused beforehand
`refusing.py`, sending `sending.py`.

An update names the record's id and what changed, for Xero keeps what an update leaves out; a text is emptied by "".
Lines are the exception: a list of lines replaces the one there.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ledger.fields import Derived, MappingError
from resources.connector import Refusal, Wanted, WireRecord
from resources.erps.xero import contacts, markers, unmarked
from resources.erps.xero.company import Company, Rows
from resources.erps.xero.documents import said_rate
from resources.erps.xero.lines import new_lines, rewritten_lines
from resources.erps.xero.mappings import MAPPINGS
from resources.erps.xero.profile import CONTACT_ROLES, PAYERS, WIRE_ENTITIES
from resources.erps.xero.refusing import refusals_of
from resources.erps.xero.writing_money import ended_payment, is_in_two_steps, met_allocations, moved_money

TYPES = {"invoices": "ACCREC", "bills": "ACCPAY", "credit_memos": "ACCRECCREDIT", "vendor_credits": "ACCPAYCREDIT"}
REFERENCE_FIELDS = {
    "bills": "private_note",
    "credit_memos": "memo",
    "vendor_credits": "private_note",
    "purchase_orders": "private_note",
}
_STATUS_OF_ENDING = {"void": "VOIDED", "delete": "DELETED"}


class XeroComposer:
    """See `resources.connector.Composer`. `reference` is the organisation's reference data as mirrored."""

    def __init__(self, reference: Mapping[str, Rows], settings: Mapping[str, str]) -> None:
        self._company = Company(reference, settings)

    def refusals(self, wanted: Wanted) -> Sequence[Refusal]:
        return refusals_of(wanted, self._company)

    def body(self, wanted: Wanted) -> dict[str, Any]:
        if wanted.entity in PAYERS:
            is_ended = wanted.operation in ("void", "delete")
            return _plain(ended_payment(wanted) if is_ended else moved_money(wanted, self._company))
        if wanted.operation in ("void", "delete"):
            return _ended(wanted)
        is_new = wanted.operation == "create"
        if wanted.entity in CONTACT_ROLES:
            body = _new_contact(wanted) if is_new else _changed_contact(wanted)
        elif wanted.entity == "items":
            body = _new_item(wanted) if is_new else _changed_item(wanted)
        else:
            body = self._new_document(wanted) if is_new else self._changed_document(wanted)
        return _plain(body)

    def marker_of(self, entity: str, payload: Mapping[str, Any]) -> str | None:
        return markers.marker_in(payload)

    def is_part(self, body: Mapping[str, Any], found: WireRecord) -> bool:
        return is_in_two_steps(body) and (found.is_deleted or met_allocations(body, found.payload)[1] != [])

    def kept_of(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        return unmarked.kept_of(body)

    def _new_document(self, wanted: Wanted) -> dict[str, Any]:
        entity, record = wanted.entity, wanted.record
        body = _without_empty(_said(entity, record))
        body["LineAmountTypes"], body["LineItems"] = new_lines(record)
        if entity in TYPES:
            body["Type"] = TYPES[entity]
        body["CurrencyCode"] = record.currency  # type: ignore[attr-defined]
        body |= said_rate(record)
        body["Status"] = self._company.document_status
        if entity == "purchase_orders" and record.status == "closed":  # type: ignore[attr-defined]
            body["Status"] = "BILLED"
        if wanted.marker:
            if entity == "invoices":
                body["Url"] = markers.marked_url(wanted.marker)
            else:
                body["Reference"] = markers.marked(getattr(record, REFERENCE_FIELDS[entity]), wanted.marker)
        return body

    def _changed_document(self, wanted: Wanted) -> dict[str, Any]:
        entity, record, base, held = wanted.entity, wanted.record, wanted.base, wanted.held
        if base is None or held is None:
            raise MappingError("id", "ID", wanted.external_id, "an update together with the record as it is held")
        body = _changes(wanted)
        field = REFERENCE_FIELDS.get(entity)
        if field is not None and getattr(record, field) != getattr(base, field):
            # A document keeps its mark whatever people write before it.
            body["Reference"] = markers.marked(getattr(record, field), markers.marker_in(held) or "")
        if record.exchange_rate != base.exchange_rate:  # type: ignore[attr-defined]
            body |= said_rate(record)
        if record.lines != base.lines:  # type: ignore[attr-defined]
            body["LineAmountTypes"], body["LineItems"] = rewritten_lines(record, base, held)
        if entity == "purchase_orders" and record.status != base.status:  # type: ignore[attr-defined]
            body["Status"] = "BILLED" if record.status == "closed" else self._company.document_status  # type: ignore[attr-defined]
        return {**_identity(wanted), **body}


def _said(entity: str, record: Any) -> dict[str, Any]:
    """The header's writable fields."""
    body: dict[str, Any] = {}
    for name, field in MAPPINGS[entity].fields.items():
        if not isinstance(field, Derived) and name not in ("currency", "status"):
            field.write(body, getattr(record, name))
    return body


def _changes(wanted: Wanted) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, field in MAPPINGS[wanted.entity].fields.items():
        value, was = getattr(wanted.record, name), getattr(wanted.base, name)
        if value == was or isinstance(field, Derived) or field.is_read_only or name in ("currency", "status"):
            continue
        field.write(body, value)
    return body


def _new_contact(wanted: Wanted) -> dict[str, Any]:
    record: Any = wanted.record
    body = _without_empty(_said(wanted.entity, record))
    body.pop("ContactStatus", None)
    body.update(_blocks(record, {}))
    if record.currency:
        body["DefaultCurrency"] = record.currency
    if wanted.marker:
        body["ContactNumber"] = markers.marked_number(wanted.entity, wanted.marker)
    return body


def _changed_contact(wanted: Wanted) -> dict[str, Any]:
    record, base = wanted.record, wanted.base
    body = _changes(wanted)
    blocks = _blocks(record, wanted.held or {})
    if any(getattr(record, name) != getattr(base, name) for name in contacts.ADDRESS_PARTS):
        body["Addresses"] = blocks.get("Addresses") or _held_blocks(wanted, "Addresses", contacts.POSTAL)
    if getattr(record, "phone") != getattr(base, "phone"):  # noqa: B009  One way for fields of several records.
        body["Phones"] = blocks.get("Phones") or _held_blocks(wanted, "Phones", contacts.DEFAULT)
    return {**_identity(wanted), **body}


def _blocks(record: Any, held: Mapping[str, Any]) -> dict[str, Any]:
    """Address and phone as the blocks of their type, among the others as they are held: how an update treats blocks
    it does not name is not confirmed, so it names all of them.
    """
    address = {part: getattr(record, name) for name, part in contacts.ADDRESS_PARTS.items()}
    found: dict[str, Any] = {}
    if held or any(address.values()):
        found["Addresses"] = _with_block(held.get("Addresses"), "AddressType", contacts.POSTAL, address)
    if held or record.phone:
        phone = {"PhoneNumber": record.phone, **({"PhoneAreaCode": "", "PhoneCountryCode": ""} if held else {})}
        found["Phones"] = _with_block(held.get("Phones"), "PhoneType", contacts.DEFAULT, phone)
    return found


def _with_block(held: Any, key: str, kind: str, values: Mapping[str, str]) -> list[dict[str, Any]]:
    blocks = [copy.deepcopy(dict(block)) for block in held or () if isinstance(block, Mapping)]
    ours = next((block for block in blocks if block.get(key) == kind), None)
    if ours is None:
        ours = {key: kind}
        blocks.append(ours)
    ours.update(values)
    return blocks


def _held_blocks(wanted: Wanted, key: str, kind: str) -> list[dict[str, Any]]:
    raise MappingError(key, key, kind, f"an update together with the {key} as they are held")


def _new_item(wanted: Wanted) -> dict[str, Any]:
    record: Any = wanted.record
    body = _without_empty(_said("items", record))
    body["Code"] = record.sku or record.name
    body["Name"] = record.name
    if record.expense_account_code:
        body.setdefault("PurchaseDetails", {})["AccountCode"] = record.expense_account_code
    return body


def _changed_item(wanted: Wanted) -> dict[str, Any]:
    record, base, held = wanted.record, wanted.base, wanted.held or {}
    body = _changes(wanted)
    if record.name != base.name:  # type: ignore[union-attr, attr-defined]
        body["Name"] = record.name  # type: ignore[attr-defined]
    if record.expense_account_code != base.expense_account_code:  # type: ignore[union-attr, attr-defined]
        body.setdefault("PurchaseDetails", {})["AccountCode"] = record.expense_account_code  # type: ignore[attr-defined]
    for key in ("SalesDetails", "PurchaseDetails"):
        if key in body:
            body[key] = {**(held.get(key) or {}), **body[key]}
    return {**_identity(wanted), **body}


def _ended(wanted: Wanted) -> dict[str, Any]:
    """The body of a void or a deletion; contacts are never deleted, only archived; items by a call without a body."""
    if wanted.entity in CONTACT_ROLES:
        return {**_identity(wanted), "ContactStatus": "ARCHIVED"}
    if wanted.entity == "items":
        return {"ItemID": (wanted.held or {}).get("ItemID") or wanted.external_id}
    return {**_identity(wanted), "Status": _STATUS_OF_ENDING[wanted.operation]}


def _identity(wanted: Wanted) -> dict[str, Any]:
    return {WIRE_ENTITIES[wanted.entity].sources[0].resource.key: wanted.external_id}


def _without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kept = {key: _without_empty(each) for key, each in value.items()}
    return {key: each for key, each in kept.items() if each not in ("", {}) and each is not None}


def _plain(value: Any) -> Any:
    """Amounts without the zeros that a table's scale put on them, and never with an exponent."""
    if isinstance(value, Decimal):
        return Decimal(format(value.normalize(), "f"))
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value
