"""Xero as the fault programme sees it: its requests, its records, how a person over there makes and edits one.

Facts come from the reference of the API that the simulator was built from: one list for both kinds of invoices and for
both kinds of contacts, void documents that keep their total, payments that settle one document and never change, and
money for several documents or with a rest, which is an overpayment in a list of its own.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.books import Books
from tests.faults.erps import Wire
from tests.faults.erps.xero.kinds import KINDS
from tests.faults.faults import Requests
from tests.faults.kinds import DAY, Kind

_API = r"^/api\.xro/2\.0/"
_LISTED = "Contacts|Invoices|CreditNotes|Payments|PurchaseOrders"
_TYPES = {
    "invoices": "ACCREC",
    "bills": "ACCPAY",
    "credit_memos": "ACCRECCREDIT",
    "vendor_credits": "ACCPAYCREDIT",
}
# What settles a document, and what gives a credit note or money with a rest back.
_PAYMENTS = {
    "payments": ("ACCRECPAYMENT", "ARCREDITPAYMENT", "AROVERPAYMENTPAYMENT", "ARPREPAYMENTPAYMENT"),
    "bill_payments": ("ACCPAYPAYMENT", "APCREDITPAYMENT", "APOVERPAYMENTPAYMENT", "APPREPAYMENTPAYMENT"),
}
# Money with a rest: as an overpayment and as a prepayment.
_AHEAD = {
    "payments": ("RECEIVE-OVERPAYMENT", "RECEIVE-PREPAYMENT"),
    "bill_payments": ("SPEND-OVERPAYMENT", "SPEND-PREPAYMENT"),
}
_RESTS = {"OverpaymentID": ("overpayment", "Overpayments"), "PrepaymentID": ("prepayment", "Prepayments")}
_BALANCES = {"customers": "AccountsReceivable", "vendors": "AccountsPayable"}
_KEYS = {
    "Contacts": "ContactID",
    "Items": "ItemID",
    "Invoices": "InvoiceID",
    "CreditNotes": "CreditNoteID",
    "Payments": "PaymentID",
    "PurchaseOrders": "PurchaseOrderID",
}
_MARK = re.compile(r"(?:^| )\[tieout:([^]]*)\]\s*$|^https://tieout\.invalid/(.+)$|^tieout-(?:customers|vendors)-(.+)$")
_WAITS_SHORTENED = 0.02
# A minute becomes an eighth of a second: this is sat out, by every call of the organisation.
_RETRY_AFTER_SHORTENED = 0.002


class Xero:
    name = "xero"
    kinds: Mapping[str, Kind] = KINDS
    any_request = _API
    requests = Requests(
        # Every write has a key, and nothing else has.
        write={"path": _API, "header": {"idempotency-key": "?*"}},
        read={"method": "GET", "path": _API},
        # A census lists from the beginning, in the order of a walk; what is read by ids is no listing.
        listing={
            "method": "GET",
            "path": rf"{_API}({_LISTED})\?(?!.*IDs=).*order=",
            "header": {"if-modified-since": ""},
        },
        token={"path": r"^/connect/token"},
    )
    switches: Mapping[str, Any] = {
        "rate_limits": False,
        "idempotency_seconds": 360,
        "idempotency_errors": "stored",
        "write_answer_amounts": "unpaid",
        "refresh_grace_seconds": 1800,
        "unsupported_reference": "kept",
        "unsupported_url": "kept",
    }
    item = "WORK"
    settles_always: frozenset[str] = frozenset()
    # Six minutes and nineteen are what is known of a key's life, and where the product draws its lines; its waits have
    # this pace, and the rest, which is longer than any of them, has its real length (`warm_up`).
    pace, rest_seconds = 1e-6, (400, 1201)
    reads_to_write = True
    income_code, expense_code, payable_code, bank_code = "200", "429", "", "090"
    gives_back = {"payments": ("credit_memos", "payments"), "bill_payments": ("vendor_credits", "bill_payments")}
    uses_have_names, uses_go_with_money, has_batches = False, False, True
    # Whoever has the name of a vendor is that vendor: one contact, which no second one may be called.
    taken_name = ""

    def __init__(self) -> None:
        self.parties: dict[str, str] = {}

    def warm_up(self) -> None:
        from resources.erps.xero import auth, client, erp, errors, profile, sending, writing  # noqa: F401
        from resources.profile import KeyMemory

        asked_for = errors.retry_after_seconds
        errors.retry_after_seconds = lambda headers: (
            None if (seconds := asked_for(headers)) is None else seconds * _RETRY_AFTER_SHORTENED
        )
        memory = erp.ERP.key_memory
        assert memory is not None
        own_length = KeyMemory(memory.sure_seconds / self.pace, memory.over_seconds / self.pace)
        object.__setattr__(erp.ERP, "key_memory", own_length)
        for name in ("THROTTLED_SECONDS", "OFFLINE_SECONDS", "CONCURRENT_SECONDS"):
            setattr(profile, name, _WAITS_SHORTENED)
            setattr(errors, name, _WAITS_SHORTENED)

    def furnish(self, books: Books) -> None:
        def make(entity: str, name: str, amount: str = "0", **more: Any) -> dict[str, Any]:
            kind = KINDS[entity]
            body = self.new(kind, name, Decimal(amount)) | more
            return self.made(kind, books.simulator.post("edit", self.edit_of("create", kind, None, body)))

        make("items", self.item)
        first, second, vendor = (make("customers", name)["ContactID"] for name in ("Customer 1", "Customer 2", "Maker"))
        self.parties = {"customers": first, "vendors": vendor}
        for number, party, amount in (("INV-100", first, "100.00"), ("INV-101", first, "300.00")):
            make("invoices", number, amount, **self.with_party(KINDS["invoices"], party))
        make("invoices", "INV-102", "100.00", **self.with_party(KINDS["invoices"], second))
        make("credit_memos", "CM-110", "60.00", **self.with_party(KINDS["credit_memos"], first))
        make("vendor_credits", "VC-140", "60.00", **self.with_party(KINDS["vendor_credits"], vendor))
        for number in ("BILL-130", "BILL-131"):
            make("bills", number, "100.00", **self.with_party(KINDS["bills"], vendor))
        make("purchase_orders", "PO-150", "50.00", **self.with_party(KINDS["purchase_orders"], vendor))

    def chosen_switches(self, chance: random.Random) -> Mapping[str, Any]:
        return {
            "idempotency_seconds": chance.choice([360, 1200]),
            "write_answer_amounts": chance.choice(["unpaid", "present"]),
        }

    # Reading

    def lists_of(self, kind: Kind) -> tuple[str, ...]:
        return (kind.wire, *(name for _, name in _RESTS.values())) if kind.is_money else (kind.wire,)

    def is_of(self, kind: Kind, one: Wire) -> bool:
        if _rest_of(one):
            return one.get("Type") in _AHEAD[kind.entity]
        if kind.is_money:
            return one.get("PaymentType") in _PAYMENTS[kind.entity]
        if kind.wire == "Contacts":
            role = re.match(r"tieout-(customers|vendors)-", str(one.get("ContactNumber") or ""))
            own, other = ("IsCustomer", "IsSupplier") if kind.entity == "customers" else ("IsSupplier", "IsCustomer")
            return bool(one.get(own)) or (role[1] == kind.entity if role else not one.get(other))
        return one.get("Type") == _TYPES.get(kind.entity, one.get("Type"))

    def id_of(self, one: Wire) -> str:
        # An item is named by its code, as lines name it.
        if key := _rest_of(one):
            return f"{_RESTS[key][0]}:{one[key]}"
        return one["Code"] if "ItemID" in one else next(one[key] for key in _KEYS.values() if key in one)

    def name_of(self, kind: Kind, one: Wire) -> str | None:
        return self.text_at(one, kind.wire_name)

    def text_at(self, one: Wire, path: str) -> str:
        return re.sub(r"(^| )\[tieout:[^]]*\]\s*$", "", str(one.get(path) or ""))

    def is_gone(self, one: Wire) -> bool:
        # Money with a rest is taken back by its bank transaction, and shows that so.
        return one.get("Status") == ("VOIDED" if _rest_of(one) else "DELETED")

    def is_void(self, one: Wire) -> bool:
        return one.get("Status") == "VOIDED"

    def texts_of_void(self, kind: Kind) -> frozenset[str]:
        return frozenset()

    def is_active(self, one: Wire) -> bool:
        return one.get("ContactStatus") == "ACTIVE"

    def activity(self, is_active: bool) -> dict[str, Any]:
        return {"ContactStatus": "ACTIVE" if is_active else "ARCHIVED"}

    def total_of(self, one: Wire) -> Decimal:
        return Decimal(str(one.get("Total", one.get("Amount", 0))))

    def open_of(self, kind: Kind, one: Wire) -> Decimal:
        return Decimal(0) if self.is_void(one) else Decimal(str(one.get(kind.wire_open, 0)))

    def balance_of(self, kind: Kind, party: Wire) -> Decimal:
        # The organisation has one currency, so that these are in the documents' own.
        side = (party.get("Balances") or {}).get(_BALANCES[kind.entity]) or {}
        return Decimal(str(side.get("Outstanding", 0)))

    def is_applied(self, kind: Kind, one: Wire) -> bool:
        return not _rest_of(one) or bool(one.get("Allocations"))

    def may_end(self, one: Wire) -> bool:
        # Money with a rest goes with its bank transaction, which is no record of a kind.
        return not _rest_of(one)

    def party_of(self, kind: Kind, one: Wire) -> str:
        return one["Contact"]["ContactID"]

    def was_refused(self, said: Wire) -> bool:
        return "ErrorNumber" in said or "error" in said

    def written_to(self, kind: Kind, external_id: str) -> tuple[str, str]:
        prefix, _, key = external_id.rpartition(":")
        if prefix == "allocation":
            # A use is written into its note, which takes it back without a key.
            return "CreditNote", key.partition("/")[0]
        return {"overpayment": "Overpayment", "prepayment": "Prepayment"}.get(prefix, kind.effect), key

    def marker_of(self, one: Wire) -> str:
        return next(filter(None, (self.marker_in(str(one.get(key) or "")) for key in ("Url", "Reference"))), "")

    def marker_in(self, told: str) -> str:
        found = _MARK.search(told)
        return next(filter(None, found.groups()), "") if found else ""

    def made(self, kind: Kind, said: Wire) -> dict[str, Any]:
        return (said.get(kind.wire) or said["BankTransactions"])[0]

    # Writing

    def edit_of(self, operation: str, kind: Kind, one: Wire | None, body: Wire | None = None) -> dict[str, Any]:
        is_bank_transaction = body is not None and "BankAccount" in body
        edit: dict[str, Any] = {
            "operation": operation,
            "entity": "BankTransactions" if is_bank_transaction else kind.wire,
        }
        if one is not None:
            edit["id"] = one[_KEYS[kind.wire]]
        return edit if body is None else {**edit, "body": body}

    def new(self, kind: Kind, name: str, amount: Decimal) -> dict[str, Any]:
        body: dict[str, Any] = {kind.wire_name: name}
        if kind.entity == "items":
            return {**body, "Code": name, "SalesDetails": {"AccountCode": self.income_code}}
        if not kind.has_amount:
            return body
        body |= {
            "Date": DAY,
            "Status": "AUTHORISED",
            "LineAmountTypes": "NoTax",
            "LineItems": [self._line(kind, amount)],
        }
        if kind.entity in _TYPES:
            body["Type"] = _TYPES[kind.entity]
        return body | {"DueDate": "2026-03-31"} if kind.wire == "Invoices" else body

    def _line(self, kind: Kind, amount: Decimal) -> dict[str, Any]:
        account = self.income_code if kind.party == "customers" else self.expense_code
        return {"Description": "work", "Quantity": 1, "UnitAmount": float(amount), "AccountCode": account}

    def with_party(self, kind: Kind, party: str) -> dict[str, Any]:
        # Money is its document's party's.
        return {} if kind.is_money else {"Contact": {"ContactID": party}}

    def money(self, kind: Kind, amount: Decimal, settles: Sequence[tuple[Kind, Wire, Decimal]]) -> dict[str, Any]:
        if settles:
            ((_, paid, _),) = settles
            word, key = _payable(paid)
            return {word: {key: paid[key]}, "Account": {"Code": self.bank_code}, "Date": DAY, "Amount": float(amount)}
        # An odd amount was paid ahead, an even one is more than was owed.
        is_ahead = int(amount * 100) % 2
        return {
            "Type": _AHEAD[kind.entity][is_ahead],
            "Contact": {"ContactID": self.parties[str(kind.party)]},
            "BankAccount": {"Code": self.bank_code},
            "Date": DAY,
            "LineAmountTypes": "NoTax",
            "LineItems": [self._line(kind, amount)],
        }

    def rest_of(self, one: Wire) -> Decimal:
        # What was just made says it as a bank transaction does, by its total.
        rest = one.get("RemainingCredit", one.get("Total", 0)) if _rest_of(one) else 0
        return Decimal(str(rest))

    def part_of_rest(self, external_id: str | None) -> dict[str, Any]:
        word, _, key = str(external_id).partition(":")
        return {"document_entity": f"{word}s", "document_id": None, "document_key": key}

    def allocation(self, kind: Kind, one: Wire, document_kind: Kind, document: Wire, amount: Decimal) -> dict[str, Any]:
        used = {"Amount": float(amount), "Date": DAY, "Invoice": {"InvoiceID": document["InvoiceID"]}}
        word, key = _payable(one)
        return {"method": "PUT", "path": f"/{word}s/{one[key]}/Allocations", "body": {"Allocations": [used]}}

    def taken_off(self, note: Wire, document: Wire, amount: Decimal) -> dict[str, Any] | None:
        for used in note.get("Allocations") or ():
            if (used["Invoice"]["InvoiceID"], Decimal(str(used["Amount"]))) == (document["InvoiceID"], amount):
                path = f"/CreditNotes/{note['CreditNoteID']}/Allocations/{used['AllocationID']}"
                return {"method": "DELETE", "path": path}
        return None

    def settled_by(self, kind: Kind, one: Wire) -> list[tuple[str, Decimal]]:
        # A payment shows whatever it is of under the names of an invoice.
        found = [one] if "PaymentID" in one else one.get("Allocations") or ()
        return [(each["Invoice"]["InvoiceID"], Decimal(str(each["Amount"]))) for each in found]

    def batch(self, parts: Sequence[tuple[str, Wire, Decimal]]) -> dict[str, Any]:
        paid = [
            {"Invoice": {"InvoiceID": document["InvoiceID"]}, "Amount": float(amount), "Reference": name}
            for name, document, amount in parts
        ]
        body = {"Account": {"Code": self.bank_code}, "Date": DAY, "Payments": paid}
        return {"method": "PUT", "path": "/BatchPayments", "body": {"BatchPayments": [body]}}

    def batched(self, said: Wire) -> list[str]:
        return [each["PaymentID"] for each in said["BatchPayments"][0]["Payments"]]

    def end_of_batch(self, one: Wire) -> dict[str, Any]:
        body = {"BatchPaymentID": one["BatchPaymentID"], "Status": "DELETED"}
        return {"method": "POST", "path": "/BatchPayments", "body": {"BatchPayments": [body]}}

    def edited(self, kind: Kind, one: Wire) -> dict[str, Any]:
        return {}

    def with_text(self, one: Wire | None, path: str, value: str) -> dict[str, Any]:
        # A person adds to the reference and leaves the mark that a program put there.
        mark = re.search(r"\[tieout:[^]]*\]\s*$", str((one or {}).get(path) or ""))
        return {path: f"{value} {mark[0]}" if mark else value}

    def new_amount(self, kind: Kind, one: Wire, amount: Decimal) -> dict[str, Any]:
        return {"LineItems": [{**self._line(kind, amount), "LineItemID": one["LineItems"][0]["LineItemID"]}]}


def _rest_of(one: Wire) -> str:
    """The name of the id of money with a rest, also as the bank transaction that makes it shows it; empty for anything
    else: a payment out of it has an id of its own.
    """
    return "" if "PaymentID" in one else next((key for key in _RESTS if key in one), "")


def _payable(one: Wire) -> tuple[str, str]:
    """What a payment or a use calls what it is of, and the name of its id."""
    key = _rest_of(one) or next(key for key in ("InvoiceID", "CreditNoteID") if key in one)
    return key.removesuffix("ID"), key


ERP = Xero()
