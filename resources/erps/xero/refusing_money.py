"""What Xero has no form for, or refuses, among payments; see `refusing.py` and `writing_money.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from resources.connector import Refusal, Wanted
from resources.erps.xero.company import Company, cents
from resources.erps.xero.documents import UNAPPROVED
from resources.erps.xero.writing_money import (
    CREDITS_USED,
    DOCUMENTS_PAID,
    OVERPAYMENT,
    PREPAYMENT,
    REFUNDED,
    account_code,
    allocation_id_of,
    batch_of,
    gone_applications,
    is_allocation,
    is_refund,
    is_whole,
    new_applications,
)
from resources.errors import ErrorKind

_ACCOUNT = {"payments": "deposit_account_code", "bill_payments": "paid_from_account_code"}


def of_money(wanted: Wanted, company: Company) -> Iterator[Refusal]:
    record: Any = wanted.record
    if wanted.operation == "update":
        yield from _of_update(wanted)
        return
    yield from _of_applications(wanted, record.applications)
    if is_allocation(record):
        kinds = sorted(part.document_entity in CREDITS_USED for part in record.applications)
        if kinds != [False, True] or len({part.amount for part in record.applications}) != 1:
            yield Refusal(
                "applications",
                f"{len(record.applications)} applications without money",
                "one credit used on one document, both with the same amount",
                "enter one for each document",
            )
        return
    if not account_code(record):
        yield Refusal(
            _ACCOUNT[wanted.entity], "nothing", "the bank account the money moved on", "name it", ErrorKind.MAPPING
        )
    yield from _of_account(wanted, company)
    if is_refund(record):
        yield from _of_refund(record)
        return
    if not record.total_amount:
        yield Refusal("total_amount", "0 without the use of a credit", "an amount that moved", "correct it")
    credits_used = [part for part in record.applications if part.document_entity not in DOCUMENTS_PAID]
    applied = sum((part.amount for part in record.applications), Decimal(0))
    if credits_used:
        yield Refusal(
            "applications",
            f"{len(credits_used)} credits used together with money",
            "documents only: Xero uses a credit apart from money",
            "enter the use of each credit as a payment of 0 by itself",
        )
    elif applied > record.total_amount:
        yield Refusal(
            "applications", f"{applied} applied of {record.total_amount}", "at most what came in", "apply less"
        )


def of_taking_back(wanted: Wanted) -> Iterator[Refusal]:
    """Why money cannot be taken back."""
    held = wanted.held or {}
    if str(wanted.external_id).startswith((OVERPAYMENT, PREPAYMENT)):
        if any(held.get(key) for key in ("Allocations", "Payments")):
            yield Refusal(
                "the record",
                "a deletion of money that is applied to documents or was given back",
                "an over- or prepayment with all of it left",
                "take it off its documents first (edit its applications), and delete its refunds",
            )
        return
    batch_id, is_all = batch_of(held)
    if batch_id and not is_all:
        yield Refusal(
            "the record",
            "one payment of a batch of several",
            "a payment by itself: Xero takes a batch back whole",
            "delete the batch in Xero; all of its payments go with it",
        )


def _of_applications(wanted: Wanted, parts: Iterable[Any]) -> Iterator[Refusal]:
    for number, part in enumerate(parts, 1):
        if part.document_entity not in (*DOCUMENTS_PAID, *REFUNDED):
            yield Refusal(
                f"applications[{number}].document",
                part.document_entity,
                "an invoice, a bill or a credit",
                "apply it so",
            )
        if part.amount <= 0 or part.amount != cents(part.amount):
            yield Refusal(
                f"applications[{number}].amount", str(part.amount), "at least 0.01, in whole cents", "correct it"
            )
        status = wanted.documents.get((part.document_entity, part.document), {}).get("Status")
        if status in UNAPPROVED:
            yield Refusal(
                f"applications[{number}].document",
                f"{part.document_entity}/{part.document}, which is {status} in Xero",
                "an approved document: a draft is not owed yet",
                "approve it in Xero; this is sent by itself after the next sync",
            )


def _of_account(wanted: Wanted, company: Company) -> Iterator[Refusal]:
    """A bank transaction is in the currency of its account; a payment is exchanged on an account of the organisation's
    currency, and that it would be on one of a third is not confirmed.
    """
    record: Any = wanted.record
    code = account_code(record)
    found = company.currency_of(code)
    is_payment = is_refund(record) or is_whole(record)
    if found and found not in ({record.currency, company.base_currency} if is_payment else {record.currency}):
        yield Refusal(
            _ACCOUNT[wanted.entity],
            f"{code}, which is an account in {found}, for money in {record.currency}",
            f"an account in {record.currency}"
            + (f" or {company.base_currency}" if is_payment else ", for Xero would enter as much in the account's own"),
            f"name such an account, or enter what moved on this one, in {found}",
        )


def _of_refund(record: Any) -> Iterator[Refusal]:
    is_one = len(record.applications) == 1 and record.applications[0].document_entity in REFUNDED
    if not is_one or record.applications[0].amount != -record.total_amount:
        yield Refusal(
            "applications",
            f"{-record.total_amount} given back, with {len(record.applications)} applications",
            "one credit with that amount, out of which it is given back",
            "name the credit; enter one refund for each",
        )


def _of_update(wanted: Wanted) -> Iterator[Refusal]:
    record: Any = wanted.record
    base: Any = wanted.base
    is_credit = str(wanted.external_id).startswith((OVERPAYMENT, PREPAYMENT))
    changed = {n for n in record.__struct_fields__ if getattr(record, n) != getattr(base, n)}
    other = changed - {"applications", "applied_amount", "unapplied_amount"}
    if other or not is_credit:
        yield Refusal(
            ", ".join(sorted(other or changed)),
            "a change of a payment",
            "the payment as it was: Xero changes none"
            + (", it only applies this one otherwise" if is_credit else ", nor what it is applied to"),
            "delete it and enter it anew",
        )
        return
    parts = new_applications(wanted)
    yield from _of_applications(wanted, parts)
    for part in [one for one in parts if one.document_entity not in DOCUMENTS_PAID]:
        yield Refusal("applications", part.document_entity, "an invoice or a bill", "enter a refund by itself")
    for part in gone_applications(wanted):
        if allocation_id_of(part, wanted) is None:
            yield Refusal(
                "applications",
                f"{part.amount} taken off {part.document_entity}/{part.document or part.document_key}",
                "what Xero shows as an allocation of it: a refund is a payment of its own",
                "delete the refund instead",
            )
