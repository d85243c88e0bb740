"""What may still be done to a document something was paid or credited on.

Belongs here: the questions and their refusals. Facts: reference section 8; the wording of some refusals is in the
manner of those that were seen.
"""

from typing import Any

from sandbox.xero.kinds import Kind
from sandbox.xero.wire import Refusal
from sandbox.xero.work import LOOKS, Work, amount

ALLOCATED = "This document cannot be edited as it has a payment or credit note allocated to it."
NEEDS_LINE_ID = "To update fields on a paid invoice line item, you must supply a LineItemID"
_FREE = {
    "Reference",
    "DueDate",
    "DueDateString",
    "InvoiceNumber",
    "BrandingThemeID",
    "Contact",
    "Url",
    "LineItems",
    "SentToContact",
    "ExpectedPaymentDate",
    "ExpectedPaymentDateString",
    "UpdatedDateUTC",
    "UpdatedDateUTCString",
}
_FREE_IN_LINE = {"Description", "AccountCode", "AccountID", "Tracking"}


def is_settled(kind: Kind, value: dict[str, Any]) -> bool:
    """Whether a payment or credit touches the document."""
    if kind.balance == "AmountDue":
        return amount(value, "AmountPaid") + amount(value, "AmountCredited") > 0
    if kind.balance == "RemainingCredit":
        return bool(value.get("Allocations") or value.get("Payments"))
    return False


def check_move(kind: Kind, before: dict[str, Any], status: str) -> None:
    """Refuse a change of status the table of moves does not have."""
    title, was = kind.title.lower(), before["Status"]
    if status != was and is_settled(kind, before):
        raise Refusal(
            f"The status {status} cannot be applied to the {title} because it has payments or credit notes allocated "
            "to it."
        )
    if status not in kind.moves.get(was, set()):
        raise Refusal(f"{kind.title} not of valid status for modification")


def check_changes(kind: Kind, before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The properties a write changes in a settled document. Raises Refusal when one of them may not be."""
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    if not changed:
        return changed
    is_credited = any(before.get(name) for name in ("CreditNotes", "Prepayments", "Overpayments"))
    is_bound = "Contact" in changed and is_credited
    if before.get("Type") != "ACCREC" or is_bound or changed - _FREE:
        raise Refusal(f"{kind.title} not of valid status for modification", ALLOCATED)
    if "LineItems" in changed:
        _check_lines(kind, before["LineItems"], after["LineItems"])
    return changed


def _check_lines(kind: Kind, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    known = {line.get("LineItemID"): line for line in before}
    if len(before) != len(after) or any(line["LineItemID"] not in known for line in after):
        raise Refusal(NEEDS_LINE_ID)
    for line in after:
        was = known[line["LineItemID"]]
        if {name for name in was.keys() | line.keys() if was.get(name) != line.get(name)} - _FREE_IN_LINE:
            raise Refusal(f"{kind.title} not of valid status for modification", ALLOCATED)


def show_elsewhere(work: Work, kind: Kind, value: dict[str, Any]) -> None:
    """Show a document's present number and contact in the payments and allocations that name it."""
    if kind.balance == "":
        return
    shown = {"InvoiceNumber": value.get(kind.number, ""), "Contact": value["Contact"]}
    for each in value.get("Payments", ()):
        payment = work.get("Payments", each["PaymentID"])
        if payment is not None:
            payment["Invoice"] |= shown
            work.touch("Payments", each["PaymentID"], LOOKS)
    for resource in ("CreditNotes", "Prepayments", "Overpayments"):
        for each in value.get(resource, ()):
            credit = work.get(resource, each["ID"])
            for allocation in (credit or {}).get("Allocations", ()):
                if allocation["Invoice"]["InvoiceID"] == value.get("InvoiceID"):
                    allocation["Invoice"]["InvoiceNumber"] = shown["InvoiceNumber"]
                    work.touch(resource, each["ID"], LOOKS)
