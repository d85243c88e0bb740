"""What is wanted, as the bodies that QuickBooks takes: creates, sparse and full updates, voids, deletions.

Belongs here: the body as a whole. Lines are `lines.py`, what the company's lists say `company.py`, what is refused
beforehand `refusing.py`, sending `sending.py`.

An update is sparse and names only what changed, unless something is to be cleared: then it is a full update made from
the record as held, for a writable field that a full update leaves out is cleared (captured), and no capture shows a
sparse update clearing anything.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from ledger.fields import MappingError
from ledger.mapping import WireMapping, overlay
from resources.connector import Refusal, Wanted, WireRecord
from resources.erps.quickbooks import lines as wire_lines
from resources.erps.quickbooks.bill_payments import with_account_of_method
from resources.erps.quickbooks.company import TAXED, Company, Rows
from resources.erps.quickbooks.documents import is_void, still_void
from resources.erps.quickbooks.mappings import MAPPINGS
from resources.erps.quickbooks.markers import marked, marker_in
from resources.erps.quickbooks.profile import PAYERS, SALES, WIRE_ENTITIES
from resources.erps.quickbooks.refusing import refusals_of

DELETED_SUFFIX = " (deleted)"

# What the service computes, ignores on input or keeps for itself (reference of the API; answers of 2020-2026).
_COMPUTED = frozenset(
    {"MetaData", "domain", "sparse", "status", "Balance", "HomeBalance", "HomeTotalAmt", "UnappliedAmt"}
    | {"RemainingCredit", "FullyQualifiedName", "Level", "CurrentBalance", "CurrentBalanceWithSubAccounts"}
    | {"BalanceWithJobs", "InvoiceLink", "DeliveryInfo", "V4IDPseudonym", "ClientEntityId"}
)
# What a client may link a document to itself; every other link is the service's.
_OWN_LINKS = ("Estimate", "TimeActivity")
# Required references that a sparse update repeats. For bills it is captured that it must, for invoices and customers
# that it need not; of the others nothing is known, and repeating what is there does no harm.
_REPEATED: dict[str, tuple[str, ...]] = {
    "credit_memos": ("CustomerRef",),
    "payments": ("CustomerRef", "TotalAmt"),
    "bills": ("VendorRef",),
    "vendor_credits": ("VendorRef",),
    "bill_payments": ("VendorRef", "PayType", "TotalAmt", "CheckPayment", "CreditCardPayment"),
    "purchase_orders": ("VendorRef", "APAccountRef"),
}
_PARENT_FLAGS = {"customers": "Job", "items": "SubItem"}
_NAMES = {"customers": "DisplayName", "vendors": "DisplayName", "items": "Name"}
_OF_A_PLACE = ("Id", "Lat", "Long")
# What a created record has anyway.
_UNSAID = {"Active": True, "POStatus": "Open"}


class QuickBooksComposer:
    """See `resources.connector.Composer`. `reference` is the company's reference data as mirrored."""

    def __init__(self, reference: Mapping[str, Rows]) -> None:
        self._company = Company(reference)

    def refusals(self, wanted: Wanted) -> Sequence[Refusal]:
        return refusals_of(wanted, self._company)

    def body(self, wanted: Wanted) -> dict[str, Any]:
        if wanted.operation == "create":
            body = self._created(wanted)
        elif wanted.operation == "update":
            body = self._updated(wanted)
        else:
            body = _ended(wanted)
        return _plain(body)

    def marker_of(self, entity: str, payload: Mapping[str, Any]) -> str | None:
        return marker_in(payload.get("PrivateNote"))

    def is_part(self, body: Mapping[str, Any], found: WireRecord) -> bool:
        return False

    def kept_of(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        return None

    def _created(self, wanted: Wanted) -> dict[str, Any]:
        entity, record = wanted.entity, wanted.record
        mapping = MAPPINGS[entity]
        body = wire_lines.without_empty(mapping.to_wire(_without_parts(mapping, record)))
        body.update(_lines_of(mapping, record, []))
        for name, usual in _UNSAID.items():
            if body.get(name) == usual:
                del body[name]
        self._settle_currency(body, record)
        if "ParentRef" in body:
            body[_PARENT_FLAGS[entity]] = True
        self._settle_account(entity, body, record)
        if "lines" in mapping.parts:
            body.pop("TxnTaxDetail", None)
            self._add_tax(body, entity, record, {})
        if "private_note" in mapping.fields and wanted.marker:
            body["PrivateNote"] = marked(_get(record, "private_note"), wanted.marker)
        return body

    def _updated(self, wanted: Wanted) -> dict[str, Any]:
        entity, record, base, held = wanted.entity, wanted.record, wanted.base, wanted.held
        if base is None or held is None:
            raise MappingError("id", "Id", wanted.external_id, "an update together with the record as it is held")
        mapping = MAPPINGS[entity]
        body = copy.deepcopy(dict(held))
        cleared = set(overlay(mapping.fields, body, record, base))
        has_new_lines = writable_parts(mapping, record) != writable_parts(mapping, base)
        if has_new_lines:
            body.update(_lines_of(mapping, record, held.get("Line") or []))
        if _changed("private_note", record, base):
            # A document keeps its mark whatever people write in its note, and one without a mark gets none now.
            note = _get(record, "private_note")
            note = marked(still_void(note) if is_void(held) else note, marker_in(held.get("PrivateNote")) or "")
            if note:
                body["PrivateNote"] = note
                cleared.discard("private_note")
        if _changed("method", record, base) and entity == "bill_payments":
            with_account_of_method(body, _get(record, "paid_from_account_code"))
        if "lines" in mapping.parts and (has_new_lines or _changed("tax_amount", record, base)):
            self._add_tax(body, entity, record, held)
        if body.get("BillAddr") != held.get("BillAddr"):
            # They are those of the old place; a changed address gets a new Id (captured).
            place = body.pop("BillAddr", None) or {}
            place = {key: each for key, each in place.items() if key not in _OF_A_PLACE}
            body.update({"BillAddr": place} if place else {})
        if _changed("parent", record, base):
            body[_PARENT_FLAGS[entity]] = "ParentRef" in body
        if _changed("is_active", record, base) and _get(record, "is_active"):
            name = _NAMES[entity]
            body[name] = str(body[name]).removesuffix(DELETED_SUFFIX)
        self._settle_currency(body, record, is_update=True)
        self._settle_account(entity, body, record)
        named = {key for key, value in body.items() if value != held.get(key)}
        if "DueDate" in body and named & {"TxnDate", "SalesTermRef"}:
            # Left unsaid, it would be reckoned anew from the other two.
            named.add("DueDate")
        if cleared:
            sent = _in_full(entity, body, has_new_lines)
        else:
            sent = {key: body[key] for key in (*_REPEATED.get(entity, ()), *sorted(named)) if key in body}
            sent["sparse"] = True
        return {"Id": wanted.external_id, "SyncToken": wanted.version_token, **_without_names(sent)}

    def _settle_currency(self, body: dict[str, Any], record: Any, *, is_update: bool = False) -> None:
        """Currencies are named only where there are several: others know no such field, unless to be refused.

        A rate of one is what the ledger has where nobody said any; left out of a create, QuickBooks takes that day's.
        """
        home, currency = self._company.home_currency, _get(record, "currency")
        if not self._company.has_many_currencies and (not home or currency == home):
            body.pop("CurrencyRef", None)
        if not self._company.has_many_currencies or (not is_update and body.get("ExchangeRate") == 1):
            body.pop("ExchangeRate", None)

    def _settle_account(self, entity: str, body: dict[str, Any], record: Any) -> None:
        """A purchase order must name its accounts payable account; where there is only one, it is that."""
        if entity == "purchase_orders" and not (body.get("APAccountRef") or {}).get("value"):
            account = self._company.payable_account(record.currency)
            body.update({"APAccountRef": {"value": account}} if account else {})

    def _add_tax(self, body: dict[str, Any], entity: str, record: Any, held: Mapping[str, Any]) -> None:
        """The tax as far as it is ours to say.

        In the US it is the document's: its amount, and the code whose rates give just that. Elsewhere QuickBooks
        computes it from the codes of the lines, whose amounts are always without tax here.
        """
        if not self._company.is_american:
            is_taxed = record.tax_amount or any(line.tax_code for line in record.lines)
            body["GlobalTaxCalculation"] = "TaxExcluded" if is_taxed else "NotApplicable"
            for line in body.get("Line", ()):
                (line.get(str(line.get("DetailType"))) or {}).pop("TaxInclusiveAmt", None)
            return
        before = held.get("TxnTaxDetail") or {}
        held_code = (before.get("TxnTaxCodeRef") or {}).get("value")
        if entity in SALES and (record.tax_amount or held_code or before.get("TotalTax")):
            taxed = sum((line.amount for line in record.lines if line.tax_code == TAXED), Decimal(0))
            if body.get("ApplyTaxAfterDiscount"):
                taxed += sum((line.amount for line in record.lines if line.kind == "discount"), Decimal(0))
            code = self._company.tax_code_for(taxed, record.tax_amount, held_code)
            body["TxnTaxDetail"] = {
                **({"TxnTaxCodeRef": {"value": code}} if code else {}),
                "TotalTax": record.tax_amount,
            }


def writable_parts(mapping: WireMapping, record: Any) -> list[Any]:
    """Lines or applications as far as they are ours to write, comparable; what QuickBooks computes is left out."""
    if "applications" in mapping.parts:
        return [(*wire_lines.settled_key(part), part.amount) for part in record.applications]
    found: list[Any] = []
    for name, parts in mapping.parts.items():
        for part in getattr(record, name):
            word, variant = parts.variant_for(part)
            values = [getattr(part, key) for key, wire in variant.fields.items() if not wire.is_read_only]
            found.append((word, *values))
    return found


def _lines_of(mapping: WireMapping, record: Any, held: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    if "lines" in mapping.parts:
        return {"Line": wire_lines.rewritten(mapping.parts["lines"], record.lines, held)}
    if "applications" in mapping.parts:
        return {"Line": wire_lines.applied(record.applications, held)}
    return {}


def _in_full(entity: str, body: dict[str, Any], has_new_lines: bool) -> dict[str, Any]:
    """All of a record that is a client's to say."""
    sent = {key: value for key, value in body.items() if key not in _COMPUTED}
    if entity not in PAYERS:
        sent.pop("TotalAmt", None)
    if "LinkedTxn" in sent:
        sent["LinkedTxn"] = [link for link in sent["LinkedTxn"] if link.get("TxnType") in _OWN_LINKS]
        if not sent["LinkedTxn"]:
            del sent["LinkedTxn"]
    if "Line" in sent and not has_new_lines:
        sent["Line"] = wire_lines.kept(sent["Line"])
    return sent


def _ended(wanted: Wanted) -> dict[str, Any]:
    """The body of a void or a deletion; names are never deleted, only made inactive."""
    body: dict[str, Any] = {"Id": wanted.external_id, "SyncToken": wanted.version_token}
    if WIRE_ENTITIES[wanted.entity].is_name_list:
        return {**body, "sparse": True, "Active": False}
    return {**body, "sparse": True} if wanted.operation == "void" and wanted.entity in PAYERS else body


def _without_parts(mapping: WireMapping, record: Any) -> Any:
    return msgspec.structs.replace(record, **dict.fromkeys(mapping.parts, ()))


def _without_names(value: Any) -> Any:
    """References by id alone: the service fills the name in and ignores one that is sent."""
    if isinstance(value, list):
        return [_without_names(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_names(each)
        for key, each in value.items()
        # A reference whose id was taken out has but its name left.
        if not (key == "name" and "value" in value) and not (isinstance(each, dict) and set(each) == {"name"})
    }


def _plain(value: Any) -> Any:
    """Amounts without the zeros that a table's scale put on them, and never with an exponent."""
    if isinstance(value, Decimal):
        return Decimal(format(value.normalize(), "f"))
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return {key: _plain(each) for key, each in value.items()} if isinstance(value, dict) else value


def _get(record: Any, field: str) -> Any:
    return getattr(record, field, None)


def _changed(field: str, record: Any, base: Any) -> bool:
    return _get(record, field) != _get(base, field)
