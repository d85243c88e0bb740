"""What Xero has no form for, or refuses, among payments; see `refusing.py` and `writing_money.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from resources.connector import Refusal, Wanted
from resources.erps.xero.company import cents
from resources.erps.xero.writing_money import (
    CREDITS_USED,
    DOCUMENTS_PAID,
    account_code,
    is_allocation,
    new_applications,
)
from resources.errors import ErrorKind

_ACCOUNT = {"payments": "deposit_account_code", "bill_payments": "paid_from_account_code"}


def of_money(wanted: Wanted) -> Iterator[Refusal]:
    record: Any = wanted.record
    if wanted.operation == "update":
        yield from _of_update(wanted)
        return
    for number, part in enumerate(record.applications, 1):
        if part.document_entity not in (*DOCUMENTS_PAID, *CREDITS_USED):
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
    if record.total_amount <= 0:
        yield Refusal("total_amount", str(record.total_amount), "more than 0", "enter refunds in Xero")
    paid = [part for part in record.applications if part.document_entity in DOCUMENTS_PAID]
    if len(paid) != len(record.applications) or len(paid) > 1:
        yield Refusal(
            "applications",
            f"{len(record.applications)} applications",
            "one document: a payment in Xero is of one",
            "enter a payment for each document",
        )
    elif paid and paid[0].amount != record.total_amount:
        yield Refusal(
            "total_amount",
            f"{record.total_amount}, of which {paid[0].amount} are applied",
            "the amount applied: a payment in Xero has no rest",
            "enter the rest as a payment by itself; it becomes an overpayment",
        )


def _of_update(wanted: Wanted) -> Iterator[Refusal]:
    record: Any = wanted.record
    base: Any = wanted.base
    is_credit = str(wanted.external_id).startswith(("overpayment:", "prepayment:"))
    changed = {n for n in record.__struct_fields__ if getattr(record, n) != getattr(base, n)}
    is_more = is_credit and len(record.applications) > len(base.applications) and bool(new_applications(wanted))
    if changed - {"applications", "applied_amount", "unapplied_amount"} or not is_more:
        yield Refusal(
            ", ".join(sorted(changed)),
            "a change of a payment",
            "the payment as it was: Xero changes none"
            + (", it only applies the rest of this one further" if is_credit else ""),
            "delete it and enter it anew",
        )
