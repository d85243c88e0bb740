"""Writing: the elements of one request, each taken or refused, and the answer that says which.

Belongs here: PUT and POST, summarised and unsummarised errors, undoing, the shape of answers. What an element means is
in the module of its resource; HANDLERS says which. Facts: reference section 5.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from sandbox.xero import (
    balances,
    banking,
    batches,
    contacts,
    documents,
    inventory,
    items,
    lists,
    payments,
    wire,
)
from sandbox.xero.kinds import CREDIT_NOTE, INVOICE, PURCHASE_ORDER
from sandbox.xero.resources import Resource
from sandbox.xero.store import Books
from sandbox.xero.switches import Switches
from sandbox.xero.wire import Refusal
from sandbox.xero.work import Undo, Work, undo

Value = dict[str, Any]


def _nothing(work: Work, given: Value) -> Value | None:
    return None


@dataclass(frozen=True, slots=True)
class Handler:
    """How one resource is written: `find` is what a POST means, `methods` which requests it knows."""

    create: Callable[[Work, Value], Value]
    update: Callable[[Work, Value, Value], Value]
    find: Callable[[Work, Value], Value | None] = _nothing
    delete: Callable[[Work, Value], Value | None] | None = None
    methods: str = "PUT POST"


def _documents(kind: Any) -> Handler:
    return Handler(
        partial(_with_kind, documents.create, kind),
        lambda work, present, given: documents.update(work, kind, present, given),
        partial(_with_kind, documents.find, kind),
    )


def _with_kind(function: Callable[..., Any], kind: Any, work: Work, given: Value) -> Any:
    return function(work, kind, given)


def _bank_transaction(work: Work, given: Value) -> Value | None:
    key = given.get("BankTransactionID")
    found = work.get("BankTransactions", key) if key and key != wire.ZERO_GUID else None
    if key and key != wire.ZERO_GUID and found is None:
        raise Refusal(contacts.NOT_FOUND)
    return found


HANDLERS = {
    "Contacts": Handler(contacts.create, contacts.update, contacts.find),
    "Items": Handler(items.create, items.update, items.find, items.delete),
    "Invoices": _documents(INVOICE),
    "CreditNotes": _documents(CREDIT_NOTE),
    "PurchaseOrders": _documents(PURCHASE_ORDER),
    "BankTransactions": Handler(banking.create, banking.update, _bank_transaction),
    "Payments": Handler(payments.create, payments.delete, payments.find),
    "BatchPayments": Handler(batches.create, batches.delete, batches.find),
    "Accounts": Handler(lists.create_account, lists.update_account, lists.find_account, lists.delete_account),
    "TaxRates": Handler(lists.create_tax_rate, lists.update_tax_rate, lists.find_tax_rate),
    "Currencies": Handler(
        lists.create_currency, lambda work, present, given: present, lists.find_currency, methods="PUT"
    ),
    "TrackingCategories": Handler(
        lists.create_category, lists.update_category, lists.find_category, lists.delete_category
    ),
}


@dataclass(slots=True)
class Written:
    """What one request did: the elements of its answer, whether any was refused, and the changed records."""

    elements: list[Value] = field(default_factory=list)
    refused: list[Value] = field(default_factory=list)
    steps: Undo = field(default_factory=list)


class Writer:
    """Carries out writes on one organisation's books."""

    def __init__(self, books: Books, options: Switches) -> None:
        self._books, self._options = books, options

    def run(self, now: datetime, do: Callable[[Work], Any], *, is_fine: bool = False) -> tuple[Any, Undo, list[str]]:
        """Carry out one change, its effects on contacts included; what it returned, how to undo it, warnings.

        Raises Refusal or NotFound; then nothing has changed.
        """
        work = Work(self._books, self._options, now, is_fine=is_fine)
        done = do(work)
        balances.keep(work)
        inventory.keep(work)
        steps = work.commit()
        return done, steps, work.warnings

    def write(
        self,
        resource: Resource,
        method: str,
        elements: list[Value],
        now: datetime,
        *,
        key: str = "",
        is_fine: bool = False,
    ) -> Written:
        """Carry out the elements one after the other, refused ones left out. `key` is the record a path names."""
        handler, written = HANDLERS[resource.name], Written()
        for given in elements:
            if key:
                given = {**given, resource.key: key}
            try:
                do = partial(self._one, resource, handler, method, given)
                value, steps, warnings = self.run(now, do, is_fine=is_fine)
            except Refusal as refusal:
                element = refused(resource, given, refusal)
                written.elements.append(element)
                written.refused.append(element)
                continue
            written.steps += steps
            shown = answer(self._books, self._options, resource, value)
            if warnings:
                shown |= {"StatusAttributeString": "WARNING", "Warnings": wire.messages(warnings)}
            written.elements.append(shown)
        return written

    def _one(self, resource: Resource, handler: Handler, method: str, given: Value, work: Work) -> Value:
        if method == "PUT":
            known = given.get(resource.key) if resource.name != "Currencies" else None
            present = work.get(resource.name, known) if known else None
            if present is not None:
                raise Refusal(f"{resource.singular} already exists: use POST to update it")
            return handler.create(work, given)
        present = handler.find(work, given)
        return handler.create(work, given) if present is None else handler.update(work, present, given)

    def take_back(self, steps: Undo) -> None:
        undo(self._books, steps)


def refused(resource: Resource, given: Value, refusal: Refusal) -> Value:
    """A refused element as it was sent, with its errors; a new one has the zero id."""
    element = _as_sent(given)
    element.setdefault(resource.key, wire.ZERO_GUID)
    if resource.flag:
        element[resource.flag] = True
    return {**element, "StatusAttributeString": "ERROR", "ValidationErrors": wire.messages(refusal.messages)}


def refused_allocation(given: Value, refusal: Refusal) -> Value:
    """A refused allocation as it was sent, with its errors."""
    errors = wire.messages(refusal.messages)
    return {**_as_sent(given), "StatusAttributeString": "ERROR", "ValidationErrors": errors}


def _as_sent(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_sent(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_as_sent(each) for each in value]
    return wire.day_stamp(value) if isinstance(value, date) else value


# -- what a write answers ----------------------------------------------------------------------------------------------


def answer(books: Books, options: Switches, resource: Resource, value: Value) -> Value:
    """A saved record in the shape answers to writes have: fuller contacts, no list of payments."""
    stored = books.get(resource.name, str(value[resource.key])) or value
    if resource.name == "Contacts":
        return contacts.write_answer(stored)
    if resource.name == "Payments":
        return _payment(books, stored)
    if resource.name not in ("Invoices", "CreditNotes", "PurchaseOrders", "BankTransactions"):
        return stored
    shown = {name: each for name, each in stored.items() if name not in ("Payments", "CreditNotes", "HasAttachments")}
    contact = books.get("Contacts", stored["Contact"]["ContactID"])
    if contact is not None:
        shown["Contact"] = contacts.write_answer(contact, is_embedded=resource.name != "Invoices")
    shown["LineItems"] = [{**line, "ValidationErrors": []} for line in stored.get("LineItems", [])]
    if resource.name == "Invoices":
        shown |= {
            "HasAttachments": stored.get("HasAttachments", False),
            "SentToContact": stored.get("SentToContact", False),
        }
        shown["Attachments"] = []
        if options.write_answer_amounts == "unpaid":
            shown.pop("AmountCredited", None)
            shown |= {"AmountDue": stored["Total"], "AmountPaid": Decimal("0.00")}
    return shown


def _payment(books: Books, payment: Value) -> Value:
    account = books.get("Accounts", payment["Account"]["AccountID"]) or {}
    shown = {**payment, "Account": {**payment["Account"], "Name": account.get("Name", "")}}
    invoice = books.get("Invoices", payment["Invoice"]["InvoiceID"])
    if invoice is not None:
        hidden = ("Payments", "CreditNotes", "HasAttachments", "AmountCredited")
        shown["Invoice"] = {name: each for name, each in invoice.items() if name not in hidden}
    return shown


def body(resource: Resource, written: Written, *, is_summarised: bool) -> tuple[int, list[Value]]:
    """Status and elements of the answer; 400 only where errors are summarised."""
    if is_summarised:
        return (400, written.refused) if written.refused else (200, written.elements)
    return 200, [{"StatusAttributeString": "OK", **element} for element in written.elements]
