"""What Xero is known to refuse about a record, said before it is asked, all of it at once.

Belongs here: what can be seen from the record, what it was, and the organisation's own lists. What only Xero can see (a
number taken meanwhile, an archived contact) comes back with the answer: `answers.py`. Where Xero's behaviour is not
confirmed, the stricter reading is taken. Sources: reference of the API; README.md.

A reference "#12" to a record that has no id there yet is no refusal: its parent is sent first.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ledger.fields import Amount, Text
from resources.connector import Refusal, Wanted
from resources.erps.xero.company import Company, is_active, names_of
from resources.erps.xero.documents import UNAPPROVED, XeroDay, kept_rate
from resources.erps.xero.mappings import MAPPINGS
from resources.erps.xero.profile import AUTHORISED, CONTACT_ROLES, DOCUMENTS, PAYERS
from resources.erps.xero.refusing_amounts import of_amounts
from resources.erps.xero.refusing_money import of_money, of_taking_back
from resources.errors import ErrorKind

MARK_LENGTH = 30
# By how much of itself a rate may be another once Xero has rounded it: a cent in a hundred.
RATE_OFF_MAX = Decimal("0.0001")
# What may still change on a customer invoice that has payments or credits.
OPEN_FIELDS_OF_PAID = frozenset({"po_number", "due_date", "document_number", "customer"})
OPEN_LINE_FIELDS_OF_PAID = frozenset({"description", "account_code"})
_COMPUTED = frozenset({"open_amount", "net_amount", "tax_amount", "total_amount", "lines"})
_ACCOUNTS = frozenset(
    {"account_code", "deposit_account_code", "paid_from_account_code", "income_account_code", "expense_account_code"}
)


def refusals_of(wanted: Wanted, company: Company) -> list[Refusal]:
    """Everything known to be refused; empty if the record may be sent."""
    if wanted.operation in ("void", "delete"):
        return [*_of_ending(wanted), *_of_closed_books(wanted, company)]
    found = [*_of_texts(wanted), *_of_emptied(wanted), *_of_codes(wanted, company), *_of_currency(wanted, company)]
    if wanted.entity in CONTACT_ROLES:
        found += _of_contacts(wanted)
    elif wanted.entity == "items":
        found += _of_items(wanted)
    elif wanted.entity in PAYERS:
        found += of_money(wanted, company)
    else:
        found += [*_of_parties(wanted), *_of_states(wanted, company), *of_amounts(wanted, company)]
    return [*found, *_of_closed_books(wanted, company)]


def is_settled(held: Any) -> bool:
    """Whether money or credit has been applied to a document."""
    return bool(held) and (
        held.get("Status") == "PAID"
        or any(held.get(key) for key in ("AmountPaid", "AmountCredited", "Payments", "Allocations"))
    )


def _of_ending(wanted: Wanted) -> Iterator[Refusal]:
    held = wanted.held or {}
    status = held.get("Status")
    if wanted.operation == "void" and (wanted.entity not in DOCUMENTS or wanted.entity == "purchase_orders"):
        yield Refusal("is_void", "a void", "a deletion: Xero voids invoices, bills and credit notes only", "delete it")
    elif wanted.entity in PAYERS:
        yield from of_taking_back(wanted)
    elif wanted.entity not in DOCUMENTS:
        return
    elif wanted.entity == "purchase_orders":
        if status == "BILLED":
            yield Refusal("status", "an order that is billed", "one that is not", "delete its bill first")
    elif wanted.operation == "delete" and status not in UNAPPROVED:
        yield Refusal(
            "the record", f"a deletion of a document that is {status}", "a draft", "void it instead of deleting it"
        )
    elif wanted.operation == "void" and status in UNAPPROVED:
        yield Refusal("is_void", f"a void of a document that is {status}", "an approved one", "delete it")
    elif wanted.operation == "void" and is_settled(held):
        yield Refusal(
            "is_void",
            "a void of a document with payments or credits on it",
            "one with nothing applied to it",
            "take them off it first",
        )


def _of_closed_books(wanted: Wanted, company: Company) -> Iterator[Refusal]:
    closed = company.closed_until
    for field in ("issue_date", "payment_date"):
        days = {day for day in (getattr(wanted.record, field, None), getattr(wanted.base, field, None)) if day}
        if closed is not None and any(day <= closed for day in days):
            yield Refusal(
                field,
                f"{min(days)}, in books that are locked up to {closed}",
                f"a day after {closed}",
                "date it later, or have the lock date moved in Xero",
            )


def _of_texts(wanted: Wanted) -> Iterator[Refusal]:
    for name, wire in MAPPINGS[wanted.entity].fields.items():
        limit = wire.length_max if isinstance(wire, Text) else None
        if limit is None or not _is_new(wanted, name):
            continue
        if wire.path == "Reference" and wanted.entity != "invoices":
            limit -= MARK_LENGTH
        if len(getattr(wanted.record, name) or "") > limit:
            yield Refusal(
                name, f"{len(getattr(wanted.record, name))} characters", f"at most {limit} in Xero", "shorten it"
            )


def _of_emptied(wanted: Wanted) -> Iterator[Refusal]:
    """Xero keeps what an update leaves out, and a text alone is known to be emptied by ""."""
    for name, wire in MAPPINGS[wanted.entity].fields.items():
        is_emptied = wanted.base is not None and _is_new(wanted, name) and getattr(wanted.record, name) is None
        if is_emptied and isinstance(wire, XeroDay | Amount):
            yield Refusal(
                name,
                f"nothing instead of {getattr(wanted.base, name)}",
                "a value: how one is taken out by the API is not known",
                "give it one, or take it out in Xero",
            )


def _of_codes(wanted: Wanted, company: Company) -> Iterator[Refusal]:
    for field in sorted(_ACCOUNTS & set(MAPPINGS[wanted.entity].fields)):
        if _is_new(wanted, field):
            yield from _of_code(company, "accounts", field, getattr(wanted.record, field))
    held = set(getattr(wanted.base, "lines", ()))
    for number, line in enumerate(getattr(wanted.record, "lines", ()), 1):
        if line not in held:
            yield from _of_code(company, "accounts", f"lines[{number}].account_code", line.account_code)
            yield from _of_code(company, "tax_codes", f"lines[{number}].tax_code", line.tax_code)


def _of_code(company: Company, entity: str, place: str, code: str) -> Iterator[Refusal]:
    rows = company.known(entity)
    if not code or not rows or (entity == "tax_codes" and code == "NONE"):
        return
    title = entity.replace("_", " ")
    if code not in rows:
        yield Refusal(
            place,
            f"{code!r}, which is none of the organisation's {title}",
            f"one of {names_of(rows)}",
            "map the code to one of them, or add it in Xero",
            ErrorKind.MAPPING,
        )
    elif not is_active(rows[code]):
        yield Refusal(
            place,
            f"{code!r} ({rows[code].get('Name')}), which is archived in Xero",
            f"one of {names_of(rows)}",
            "restore it in Xero, or map the code to another",
            ErrorKind.MAPPING,
        )


def _of_currency(wanted: Wanted, company: Company) -> Iterator[Refusal]:
    currency = getattr(wanted.record, "currency", None)
    if not currency:
        return
    if wanted.base is not None and _is_new(wanted, "currency"):
        yield Refusal(
            "currency",
            f"{currency} instead of {wanted.base.currency}",  # type: ignore[attr-defined]
            "the currency it was made in",
            "put the old currency back, or make a new record",
        )
    elif wanted.base is None and company.currencies and currency not in company.currencies:
        yield Refusal(
            "currency",
            currency,
            f"one of {', '.join(sorted(company.currencies))}, to which the organisation is subscribed",
            "add the currency in Xero",
        )
    elif hasattr(wanted.record, "exchange_rate") and _is_new(wanted, "exchange_rate"):
        yield from _of_rate(wanted, company)


def _of_rate(wanted: Wanted, company: Company) -> Iterator[Refusal]:
    record: Any = wanted.record
    if record.currency == company.base_currency and record.exchange_rate != 1:
        yield Refusal(
            "exchange_rate",
            str(record.exchange_rate),
            f"1, for {record.currency} is the organisation's own currency",
            "set it to 1",
        )
    elif record.exchange_rate <= 0:
        yield Refusal("exchange_rate", str(record.exchange_rate), "more than 0", "correct it")
    elif record.currency != company.base_currency and abs(kept_rate(record) / record.exchange_rate - 1) > RATE_OFF_MAX:
        yield Refusal(
            "exchange_rate",
            str(record.exchange_rate),
            f"a rate whose inverse has six decimals, as Xero keeps it: it would be {kept_rate(record)} there",
            "say that rate, if it will do, or enter the document in Xero",
        )
    elif wanted.base is not None and record.exchange_rate == 1:
        yield Refusal(
            "exchange_rate",
            f"1 instead of {wanted.base.exchange_rate}",  # type: ignore[attr-defined]
            "another rate: of 1 Xero is told nothing, for it stands where nobody has said a rate",
            "put the old rate back, or say the new one",
        )


def _of_contacts(wanted: Wanted) -> Iterator[Refusal]:
    record: Any = wanted.record
    if not record.name.strip():
        yield Refusal("name", "no name", "a name that no other active contact has", "give it one")
    if wanted.base is not None and _is_new(wanted, "is_active") and record.is_active:
        yield Refusal("is_active", "an archived contact made active", "an archived one", "restore the contact in Xero")
    if wanted.base is None and not record.is_active:
        yield Refusal("is_active", "a new contact that is inactive", "an active one", "make it first, then archive it")


def _of_items(wanted: Wanted) -> Iterator[Refusal]:
    record: Any = wanted.record
    if wanted.base is not None and _is_new(wanted, "sku"):
        yield Refusal(
            "sku",
            f"{record.sku!r} instead of {wanted.base.sku!r}",  # type: ignore[attr-defined]
            "the code it has: lines name an item by it",
            "change the code in Xero, or add another item",
        )
    if wanted.base is None and len(record.sku or record.name) > 30:
        yield Refusal("sku", record.sku or "nothing", "a code of at most 30 characters", "give it a sku")
    if len(record.name) > 50:
        yield Refusal("name", f"{len(record.name)} characters", "at most 50 in Xero", "shorten it")
    if wanted.base is None and record.kind in ("inventory", "group", "category"):
        yield Refusal(
            "kind",
            record.kind,
            "service or non_inventory: Xero tracks stock by accounts of its own and has neither groups nor categories",
            "add it in Xero; it comes here with the next sync",
        )
    elif wanted.base is not None and _is_new(wanted, "kind"):
        yield Refusal("kind", record.kind, "the kind it has in Xero", "put the old kind back")


def _of_parties(wanted: Wanted) -> Iterator[Refusal]:
    for field in ("customer", "vendor"):
        if hasattr(wanted.record, field) and not getattr(wanted.record, field):
            yield Refusal(field, "nothing", f"the {field} the document is for", f"name the {field}")


def _of_states(wanted: Wanted, company: Company) -> Iterator[Refusal]:
    record, base, held = wanted.record, wanted.base, wanted.held or {}
    if base is None:
        if getattr(record, "is_void", False):
            yield Refusal("is_void", "a void document", "one that counts", "make it first, then void it")
        if wanted.entity in ("invoices", "bills") and company.document_status == AUTHORISED and not record.due_date:  # type: ignore[attr-defined]
            yield Refusal("due_date", "nothing", "a due date: Xero approves no invoice without one", "give it one")
        return
    status = held.get("Status")
    if status in ("VOIDED", "DELETED"):
        yield Refusal("is_void", f"a change of a document that is {status}", "one that counts", "enter it anew")
        return
    if not is_settled(held) or wanted.entity == "purchase_orders":
        return
    changed = {name for name in record.__struct_fields__ if getattr(record, name) != getattr(base, name)}
    if wanted.entity != "invoices":
        yield Refusal(
            ", ".join(sorted(changed)) or "the record",
            "a change of a document with payments or credits on it",
            "one with nothing applied to it: Xero changes no other",
            "take them off it first",
        )
        return
    for name in sorted(changed - OPEN_FIELDS_OF_PAID - _COMPUTED):
        yield Refusal(
            name, "a change of a part-paid invoice", "a change before it was paid", "change it in a credit note"
        )
    yield from _of_lines_of_paid(record, base)


def _of_lines_of_paid(record: Any, base: Any) -> Iterator[Refusal]:
    before = {line.line_key: line for line in base.lines}
    is_other = {line.line_key for line in record.lines} != set(before) or len(record.lines) != len(base.lines)
    for number, line in enumerate(record.lines, 1):
        was = before.get(line.line_key)
        changed = set() if was is None else {n for n in line.__struct_fields__ if getattr(line, n) != getattr(was, n)}
        if is_other or changed - OPEN_LINE_FIELDS_OF_PAID:
            yield Refusal(
                f"lines[{number}]",
                "a change of the amounts of a part-paid invoice",
                "a change of description or account only",
                "take its payments off first, or enter a credit memo",
            )
            return


def _is_new(wanted: Wanted, field: str) -> bool:
    """Whether the record has the field and Xero does not hold this value of it already."""
    if not hasattr(wanted.record, field):
        return False
    return wanted.base is None or getattr(wanted.base, field) != getattr(wanted.record, field)
