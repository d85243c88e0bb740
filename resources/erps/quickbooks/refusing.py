"""What QuickBooks is known to refuse about a record, said before it is asked, all of it at once.

Belongs here: what can be seen from the record, what it was, and the company's own lists. What only QuickBooks can see
(a number taken meanwhile, a record made inactive) comes back as a fault: see `answers.py`. Where QuickBooks' behaviour
is not confirmed, the stricter reading is taken. Sources: reference of the API, entities and fault codes; README.md.

A reference "#12" to a record that has no id there yet is no refusal: its parent is sent first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from ledger.fields import MappingError, Text
from resources.connector import Refusal, Wanted
from resources.erps.quickbooks.cases import Case
from resources.erps.quickbooks.company import PSEUDO_TAX_CODES, Company, names_of
from resources.erps.quickbooks.documents import PRIVATE_NOTE_LENGTH_MAX
from resources.erps.quickbooks.markers import mark_length, marker_in
from resources.erps.quickbooks.profile import VOIDABLE, WIRE_ENTITIES
from resources.erps.quickbooks.refusing_amounts import of_applications, of_lines, of_totals
from resources.errors import ErrorKind

_LIST_OF_CODE = {
    "terms_code": "terms",
    "method_code": "payment_methods",
    "tax_code": "tax_codes",
    "account_code": "accounts",
    "deposit_account_code": "accounts",
    "payable_account_code": "accounts",
    "paid_from_account_code": "accounts",
    "income_account_code": "accounts",
    "expense_account_code": "accounts",
    "asset_account_code": "accounts",
}
_FORBIDDEN_IN_NAMES = re.compile(r"[:\t\r\n]")
_DATES = ("issue_date", "payment_date")
_PARTIES = ("customer", "vendor")


def refusals_of(wanted: Wanted, company: Company) -> list[Refusal]:
    """Everything known to be refused; empty if the record may be sent."""
    if wanted.operation in ("void", "delete"):
        return [*_of_ending(wanted), *_of_closed_books(wanted, company)]
    checks: Sequence[Callable[[Case], Iterator[Refusal]]] = (
        _of_texts,
        _of_names,
        _of_references,
        _of_codes,
        _of_currency,
        _of_items,
        of_lines,
        of_totals,
        of_applications,
        _of_states,
    )
    case = Case(wanted, company)
    return [*(refusal for check in checks for refusal in check(case)), *_of_closed_books(wanted, company)]


def _of_ending(wanted: Wanted) -> Iterator[Refusal]:
    entity = WIRE_ENTITIES[wanted.entity]
    if wanted.operation == "void" and wanted.entity not in VOIDABLE:
        what = "made inactive" if entity.is_name_list else "deleted"
        yield Refusal(
            "is_void" if not entity.is_name_list else "is_active",
            f"a void of a {entity.wire_name}, which QuickBooks does not have",
            "a void of an invoice, a payment or a bill payment",
            f"have it {what} instead"
            if wanted.entity != "bills"
            else "delete the bill, or enter a vendor credit against it",
        )


def _of_closed_books(wanted: Wanted, company: Company) -> Iterator[Refusal]:
    closed = company.closed_until
    for field in _DATES:
        days = {day for day in (getattr(wanted.record, field, None), getattr(wanted.base, field, None)) if day}
        if closed is not None and any(day <= closed for day in days):
            yield Refusal(
                field,
                f"{min(days)}, in books that were closed on {closed}",
                f"a day after {closed}",
                "date it later, or have the books opened in QuickBooks",
            )


def _of_texts(case: Case) -> Iterator[Refusal]:
    for name, wire in case.mapping.fields.items():
        limit = wire.length_max if isinstance(wire, Text) else None
        if name == "private_note" and limit is not None:
            marker = case.wanted.marker or marker_in((case.wanted.held or {}).get("PrivateNote")) or ""
            limit = PRIVATE_NOTE_LENGTH_MAX - mark_length(marker)
        if limit is not None and case.is_new(name) and len(case.get(name)) > limit:
            yield Refusal(
                name,
                f"{len(case.get(name))} characters",
                f"at most {limit} in QuickBooks",
                "shorten it, then it is sent",
            )


def _of_names(case: Case) -> Iterator[Refusal]:
    if not case.is_new("name"):
        return
    name = case.get("name")
    if not name.strip():
        yield Refusal("name", "no name", "a name that is not taken in QuickBooks", "give it one")
    elif found := _FORBIDDEN_IN_NAMES.search(name):
        yield Refusal(
            "name",
            f"{name!r}, with {found[0]!r} in it",
            "a name without colons, tabs and line breaks",
            "take it out: QuickBooks separates the levels of a name with it",
        )


def _of_references(case: Case) -> Iterator[Refusal]:
    for field in _PARTIES:
        if hasattr(case.record, field) and not case.get(field):
            yield Refusal(field, "nothing", f"the {field} the document is for", f"name the {field}")
    if (
        case.entity == "purchase_orders"
        and not case.get("payable_account_code")
        and case.company.payable_account(case.get("currency")) is None
    ):
        yield Refusal(
            "payable_account_code",
            "nothing, and not exactly one accounts payable account in its currency",
            "the accounts payable account: QuickBooks has no purchase order without one",
            "name the account on the order",
            ErrorKind.MAPPING,
        )
    if case.entity == "bill_payments" and not case.get("paid_from_account_code"):
        yield Refusal(
            "paid_from_account_code",
            "nothing",
            "the bank or card account it was paid from",
            "name the account on the payment",
            ErrorKind.MAPPING,
        )


def _of_codes(case: Case) -> Iterator[Refusal]:
    for field in _LIST_OF_CODE:
        if field in case.mapping.fields and case.is_new(field):
            yield from _of_code(case, field, field, case.get(field))
    lines = case.mapping.parts.get("lines")
    if lines is None:
        return
    for place, line in case.new_lines():
        try:
            _, variant = lines.variant_for(line)
        except MappingError:
            continue
        for field in ("tax_code", "account_code"):
            if field in variant.fields and not variant.fields[field].is_read_only:
                yield from _of_code(case, field, f"{place}.{field}", getattr(line, field))


def _of_code(case: Case, field: str, place: str, code: str) -> Iterator[Refusal]:
    entity = _LIST_OF_CODE[field]
    rows = case.company.known(entity)
    if not code or not rows:
        return
    title = entity.replace("_", " ")
    if code in PSEUDO_TAX_CODES and field == "tax_code":
        if not case.company.is_american:
            yield Refusal(
                place,
                f"the tax code {code}, which is for companies in the US",
                f"one of the company's tax codes: {names_of(rows)}",
                "map the code to one of them",
                ErrorKind.MAPPING,
            )
    elif code not in rows:
        yield Refusal(
            place,
            f"{code!r}, which is none of the company's {title}",
            f"one of {names_of(rows)}",
            "map the code to one of them, or add it in QuickBooks",
            ErrorKind.MAPPING,
        )
    elif rows[code].get("Active") is False:
        yield Refusal(
            place,
            f"{code!r} ({rows[code].get('Name')}), which is inactive in QuickBooks",
            f"one of {names_of(rows)}",
            "make it active again in QuickBooks, or map the code to another",
            ErrorKind.MAPPING,
        )


def _of_currency(case: Case) -> Iterator[Refusal]:
    currency, home = case.get("currency"), case.company.home_currency
    if currency is None:
        return
    if case.base is not None and case.is_new("currency"):
        yield Refusal(
            "currency",
            f"{currency} instead of {case.base.currency}",  # type: ignore[attr-defined]
            "the currency it was made in: QuickBooks never changes it",
            "put the old currency back, or make a new record",
        )
        return
    if case.base is None and home and currency != home and not case.company.has_many_currencies:
        yield Refusal(
            "currency",
            currency,
            f"{home}: the company keeps its books in one currency",
            "switch multicurrency on in QuickBooks (it cannot be switched off again)",
        )
    if case.wanted.party_currency and currency != case.wanted.party_currency:
        yield Refusal(
            "currency",
            currency,
            f"{case.wanted.party_currency}, the currency of its customer or vendor",
            "change the document's currency, or make a customer or vendor for this one",
        )
    if case.is_new("exchange_rate") and case.get("exchange_rate") != 1 and currency == home:
        yield Refusal(
            "exchange_rate", str(case.get("exchange_rate")), "1, for it is in the home currency", "set it to 1"
        )


def _of_items(case: Case) -> Iterator[Refusal]:
    if case.entity != "items":
        return
    kind = case.get("kind")
    if case.base is None and kind in ("inventory", "group"):
        needs = "an opening quantity and its day" if kind == "inventory" else "the items it is made of"
        yield Refusal(
            "kind",
            kind,
            f"service, non_inventory or category: QuickBooks wants {needs}, which the ledger does not keep",
            "add it in QuickBooks; it comes here with the next sync",
        )
    elif case.base is not None and case.is_new("kind"):
        yield Refusal(
            "kind",
            f"{kind} instead of {case.base.kind}",  # type: ignore[attr-defined]
            "the kind it has in QuickBooks",
            "put the old kind back, or add another item",
        )
    if kind == "service" and not case.get("income_account_code"):
        yield Refusal(
            "income_account_code",
            "nothing",
            "the income account its sales go to",
            "name the account on the item",
            ErrorKind.MAPPING,
        )
    if kind == "inventory" and case.base is not None and (cleared := _cleared(case)):
        yield Refusal(
            cleared,
            "nothing",
            "a value: clearing it would set the item's quantity anew as well",
            "clear it in QuickBooks",
        )


def _of_states(case: Case) -> Iterator[Refusal]:
    if case.is_new("is_void") and case.get("is_void"):
        yield Refusal("is_void", "a void document", "one that counts", "make it first, then void it")
    elif case.base is not None and case.is_new("is_void"):
        yield Refusal(
            "is_void", "a void document that counts again", "a void one", "enter it anew: QuickBooks undoes no void"
        )


def _cleared(case: Case) -> str | None:
    for name, wire in case.mapping.fields.items():
        if not wire.is_read_only and case.is_new(name) and case.get(name) in (None, ""):
            return name
    return None
