"""Sending money that moves: which call each form of it is, and the forms that take more than one call.

Belongs here: payments, uses of credits, overpayments and their allocations, and taking each back. What is common to all
writes (reading before and after, the meaning of answers) is `sending.py`; the bodies are `writing_money.py`.

Money for several documents is made in two steps, for Xero allocates nothing in the call that makes an overpayment: the
bank transaction, then its allocations. Between the two it is found again by its mark, and gone on with; if the
allocations are refused, the bank transaction is taken back, so that what is refused has left nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from resources.connector import Answer, Deferred, InDoubt, Refused, Stale, WireRecord, Write, Written
from resources.erps.xero import profile
from resources.erps.xero.answers import answer_to_element, answer_to_failure, doubt_of, refused_of
from resources.erps.xero.errors import messages_of
from resources.erps.xero.lists import Walk
from resources.erps.xero.markers import marker_in
from resources.erps.xero.reading import Found
from resources.erps.xero.records import PREFIXES
from resources.erps.xero.wire import Wire
from resources.erps.xero.writing_money import met_allocations
from resources.errors import ErrorKind, TieoutError

SEPARATELY = "false"
_RAISED = (ErrorKind.AUTHENTICATION, ErrorKind.AUTHORIZATION)
# By the key of the credit in a body: (allocate, take one allocation off).
_CREDITS: Mapping[str, tuple[str, str]] = {
    "CreditNoteID": ("create_credit_note_allocation", "delete_credit_note_allocations"),
    "OverpaymentID": ("create_overpayment_allocations", "delete_overpayment_allocations"),
    "PrepaymentID": ("create_prepayment_allocations", "delete_prepayment_allocations"),
}

Call = Callable[..., list[Any]]


def is_alone(write: Write) -> bool:
    """Whether a write of money is a call by its nature."""
    return write.operation != "create" or "Allocations" in write.body


class MoneySender:
    """Money into one organisation. `call` makes one request under the key of a write and gives its elements; `read`
    gives records by id.
    """

    def __init__(self, wire: Wire, call: Call, read: Callable[[str, Sequence[str]], Found]) -> None:
        self._wire = wire
        self._call = call
        self._read = read

    def sent(self, writes: Sequence[Write]) -> list[Any] | Answer:
        """Send what is one call, or allocations taken off and put on; gives the elements of the answer, or what a write
        has become of which only a part has happened.
        """
        first = writes[0]
        body = first.body
        credit = next((key for key in _CREDITS if key in body), "")
        if "AllocationID" in body:
            self._unallocate(first, credit, body[credit], [body["AllocationID"]])
            return [{"PaymentID": first.external_id}]
        if "Allocations" in body:
            return self._applied_otherwise(first, credit)
        if "BatchPaymentID" in body:
            self._call(first, "delete_batch_payment", body=body, name="BatchPayments")
            return [{"PaymentID": first.external_id}]
        if first.operation == "delete" and credit:
            return self._taken_back(first, credit)
        if first.operation == "delete":
            status = {"Status": body["Status"]}
            return self._call(first, "delete_payment", body["PaymentID"], body=status, name="Payments")
        name, method = "Payments", "create_payments"
        if "BankAccount" in body:
            name, method = "BankTransactions", "create_bank_transactions"
        bodies = [write.body for write in writes]
        return self._call(first, method, body={name: bodies}, name=name, summarize_errors=SEPARATELY)

    def applied(self, write: Write) -> Answer:
        """Make an overpayment and apply it, or go on with one that an earlier attempt has made.

        Raises for authentication and authorization as long as nothing was sent.
        """
        try:
            made = self._begun(write)
        except TieoutError as error:
            if error.kind in _RAISED:
                raise
            return Deferred(error)
        if made is None:
            answer = self._made(write)
            if not isinstance(answer, str):
                return answer
            key, left = answer, write.body["Allocations"]
        else:
            key, left = made.external_id.partition(":")[2], met_allocations(write.body, made.payload)[1]
        try:
            refused = self._said(self._allocate(write, "OverpaymentID", key, left)) if left else []
        except TieoutError as error:
            if error.kind in _RAISED and made is not None:
                raise
            answered = answer_to_part(error, write)
            return self._given_up(write, key, answered) if isinstance(answered, Refused) else answered
        if refused:
            return self._given_up(write, key, refused_of(doubt_of(self._wire.connection, write), write, refused))
        try:
            record = self._overpayment(write, key)
        except TieoutError as error:
            return InDoubt(error)
        found = "nothing with its id"
        return Written(record) if record is not None else InDoubt(doubt_of(self._wire.connection, write, found))

    def _begun(self, write: Write) -> WireRecord | None:
        """The overpayment that carries the mark of a write, applied or not: its bank transaction does, by one or the
        other of the places that the mark stands in.
        """
        marker = marker_in(write.body)
        rows = (one for one in self._transactions(write.body) if one.get("Status") != "DELETED")
        row = next((one for one in rows if marker_in(one) == marker), None)
        if row is None:
            return None
        made = self._overpayment(write, str(row.get("OverpaymentID")))
        if made is None:
            raise self._wire.damaged("a bank transaction of ours without what it made", "its overpayment")
        return made

    def _overpayment(self, write: Write, key: str) -> WireRecord | None:
        external_id = f"{PREFIXES[profile.OVERPAYMENTS]}{key}"
        return self._read(write.entity, [external_id]).get(external_id)

    def _made(self, write: Write) -> Answer | str:
        """The first step: the id of the overpayment, or what became of it instead."""
        body = {key: value for key, value in write.body.items() if key != "Allocations"}
        doubt = doubt_of(self._wire.connection, write)
        sent = {"BankTransactions": [body]}
        try:
            elements = self._call(
                write, "create_bank_transactions", body=sent, name="BankTransactions", summarize_errors=SEPARATELY
            )
        except TieoutError as error:
            if error.kind in _RAISED:
                raise
            return answer_to_failure(error, write, has_gone_out=self._wire.has_gone_out)
        return answer_to_element(elements[0], write, doubt) if len(elements) == 1 else InDoubt(doubt)

    def _given_up(self, write: Write, key: str, refused: Refused) -> Answer:
        """What was refused leaves nothing behind: our allocations that were taken, and the bank transaction, go too."""
        try:
            made = self._overpayment(write, key)
            taken = met_allocations(write.body, made.payload)[0] if made is not None else []
            self._unallocate(write, "OverpaymentID", key, [one["AllocationID"] for one in taken])
            said = self._said(self._taken_back(write, "OverpaymentID", key))
        except TieoutError as error:
            return InDoubt(error)
        return InDoubt(refused.error) if said else refused

    def _taken_back(self, write: Write, credit: str, key: str = "") -> list[Any]:
        """Delete the bank transaction that made an over- or prepayment: it has no deletion of its own."""
        key = key or write.body[credit]
        row = next((one for one in self._transactions(write.body) if one.get(credit) == key), None)
        if row is None:
            return [{"ValidationErrors": [{"Message": "Xero lists no bank transaction that made it: remove it there"}]}]
        kept = ("BankTransactionID", "Type", "Contact", "BankAccount", "LineItems")
        body = {name: row[name] for name in kept if name in row}
        body["Contact"] = {"ContactID": body["Contact"]["ContactID"]}
        body["BankAccount"] = {"AccountID": body["BankAccount"]["AccountID"]}
        body["LineItems"] = [{name: one[name] for name in _LINE if name in one} for one in body["LineItems"]]
        sent = {"BankTransactions": [{**body, "Status": "DELETED"}]}
        elements = self._call(
            write,
            "update_or_create_bank_transactions",
            body=sent,
            name="BankTransactions",
            summarize_errors=SEPARATELY,
        )
        return [{**one, credit: key} for one in elements if isinstance(one, Mapping)]

    def _transactions(self, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        where = f'Type=="{body["Type"]}" AND {_of_contact(body)}'
        for batch in Walk(self._wire, profile.BANK_TRANSACTIONS, entity="bank transactions", where=where).pages():
            yield from (row for row in batch.rows if isinstance(row, Mapping) and row.get("Status") == "AUTHORISED")

    def _applied_otherwise(self, write: Write, credit: str) -> list[Any] | Answer:
        """Taken off some documents, then put on others."""
        body, is_begun = write.body, False
        try:
            for one in body.get("Unallocate", ()):
                self._unallocate(write, credit, body[credit], [one])
                is_begun = True
            return self._allocate(write, credit, body[credit], body["Allocations"])
        except TieoutError as error:
            if not is_begun:
                raise
            return answer_to_part(error, write)

    def _allocate(self, write: Write, credit: str, key: str, allocations: Sequence[Any]) -> list[Any]:
        if not allocations:
            return []
        sent = {"Allocations": allocations}
        method = _CREDITS[credit][0]
        return self._call(write, method, key, body=sent, name="Allocations", summarize_errors=SEPARATELY)

    def _unallocate(self, write: Write, credit: str, key: str, allocation_ids: Sequence[str]) -> None:
        for one in allocation_ids:
            self._call(write, _CREDITS[credit][1], key, one, body=None, name="")

    def _said(self, elements: Sequence[Any]) -> list[str]:
        return [message for each in elements if isinstance(each, Mapping) for message in messages_of(each)]


_LINE = ("LineItemID", "Description", "Quantity", "UnitAmount", "AccountCode", "LineAmount", "TaxType")


def answer_to_part(error: TieoutError, write: Write) -> Answer:
    """What a failed call means for a write of which an earlier call has happened: where it is not the write that Xero
    refuses, the rest is for later.
    """
    answer = answer_to_failure(error, write)
    return answer if isinstance(answer, Refused | Stale) and error.kind not in _RAISED else InDoubt(error)


def _of_contact(body: Mapping[str, Any]) -> str:
    return f'Contact.ContactID==guid("{body["Contact"]["ContactID"]}")'
