"""Recurring transactions: templates that QuickBooks makes transactions from.

Belongs here: creating, changing and deleting templates. A template is stored and answered as one object around the
transaction it makes, `{"Invoice": {..., "RecurringInfo": {...}}}`, which alone has Id and SyncToken (schema, and the
python-quickbooks integration tests). It posts nothing, and the simulator's clock makes no transactions from it. Not
confirmed by a recording: which parts of RecurringInfo are required, the fault for a name that is taken, the answer to
a deletion.
"""

from typing import Any

from sandbox.quickbooks import bodies, references, wire
from sandbox.quickbooks.documents import Documents
from sandbox.quickbooks.spec import BY_NAME
from sandbox.quickbooks.store import Store
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.wire import STALE, Refusal
from sandbox.quickbooks.work import Work

KINDS = (
    "Bill",
    "Purchase",
    "CreditMemo",
    "Deposit",
    "Estimate",
    "Invoice",
    "JournalEntry",
    "RefundReceipt",
    "SalesReceipt",
    "Transfer",
    "VendorCredit",
    "PurchaseOrder",
)
_ENTITY = "RecurringTransaction"
_TYPES = ("Automated", "Reminder", "Unscheduled")
_INTERVALS = ("Daily", "Weekly", "Monthly", "Yearly")
_SYSTEM = {"Id", "SyncToken", "MetaData", "domain", "sparse", "status"}
_NEVER_IN_A_TEMPLATE = ("DocNumber", "Balance", "HomeBalance", "RemainingCredit", "DueDate")


def write(store: Store, options: Switches, now: Any, body: dict[str, Any], operation: str) -> dict[str, Any]:
    """Carry out one write; returns the wrapped object as answered. Raises Refusal."""
    kinds = [name for name in body if name in KINDS]
    unknown = [name for name in body if name not in (*KINDS, *_SYSTEM)]
    if unknown or len(kinds) != 1 or not isinstance(body[kinds[0]], dict):
        found = (unknown or ["RecurringTransaction"])[0]
        raise Refusal("2010", f"Property Name:{found} specified is unsupported or invalid")
    kind = kinds[0]
    given = bodies.clean(BY_NAME[kind], body[kind])
    if operation == "delete":
        return _delete(store, now, kind, given)
    if operation not in ("", "create", "update"):
        raise Refusal("500", f"Operation {operation} is not supported.")
    if given.get("Deposit") is not None and given.get("Id"):
        # The service shows Deposit 0 on a recurring invoice and refuses it in an update (python-quickbooks' tests).
        raise Refusal("2010", "Property Name:Deposit specified is unsupported or invalid", element="Deposit")
    before = _current(store, kind, given) if given.get("Id") else None
    work = Work(store, now)
    value = _completed(work, options, kind, given, before)
    _check_info(store, value)
    moment = wire.stamp(now)
    if before is None:
        value |= {"Id": store.next_id("transaction"), "SyncToken": "0", "MetaData": {"CreateTime": moment}}
    else:
        value |= {"SyncToken": str(int(before["SyncToken"]) + 1), "MetaData": dict(before["MetaData"])}
    value["MetaData"]["LastUpdatedTime"] = moment
    store.save(_ENTITY, {kind: value})
    return {kind: value}


def _completed(
    work: Work, options: Switches, kind: str, given: dict[str, Any], before: dict[str, Any] | None
) -> dict[str, Any]:
    """The template's transaction with what the service fills in; what only a real transaction has is left out."""
    entity = BY_NAME[kind]
    hidden = _SYSTEM | set(entity.read_only.split())
    value = {name: each for name, each in given.items() if name not in hidden}
    if before is not None:
        kept = before if given.get("sparse") else {"CurrencyRef": before.get("CurrencyRef"), "Id": before["Id"]}
        value = {**{name: each for name, each in kept.items() if each is not None}, **value}
    for name in entity.required.split():
        if value.get(name) in (None, ""):
            raise Refusal("2020", f"Required parameter {name} is missing in the request", element=name)
    references.check(work, kind, value, before)
    Documents(work, options, wire.pacific(work.now).date()).complete(entity, value, None, given)
    references.check(work, kind, value, before)
    for name in _NEVER_IN_A_TEMPLATE:
        value.pop(name, None)
    if kind == "Invoice":
        value["Deposit"] = 0
    return {**value, "domain": "QBO", "sparse": False}


def _check_info(store: Store, value: dict[str, Any]) -> None:
    info = value.get("RecurringInfo") or {}
    for name in ("Name", "RecurType"):
        if not info.get(name):
            raise Refusal(
                "2020",
                f"Required parameter RecurringInfo.{name} is missing in the request",
                element=f"RecurringInfo.{name}",
            )
    info.setdefault("Active", True)
    schedule = info.setdefault("ScheduleInfo", {})
    for name, found, known in (
        ("RecurType", info["RecurType"], _TYPES),
        ("IntervalType", schedule.get("IntervalType", "Monthly"), _INTERVALS),
    ):
        if found.lower() not in map(str.lower, known):
            raise Refusal("2010", f"Property Name:{name} {found} specified is unsupported or invalid", element=name)
    if schedule.get("StartDate"):
        schedule.setdefault("NextDate", schedule["StartDate"])
    for raw in store.objects(_ENTITY):
        (other,) = wire.decode(raw).values()
        if other["Id"] != value.get("Id") and (other.get("RecurringInfo") or {}).get("Name") == info["Name"]:
            raise Refusal("6240", "The name supplied already exists. : null")


def _current(store: Store, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """The stored template a write is about. Raises Refusal when it is gone, of another kind, or stale."""
    present = (store.get(_ENTITY, given["Id"]) or {}).get(kind)
    if present is None:
        raise wire.not_found()
    if "SyncToken" not in given:
        raise Refusal("2020", "Required parameter SyncToken is missing in the request", element="SyncToken")
    if given["SyncToken"] != present["SyncToken"]:
        raise Refusal("5010", STALE, element="")
    return present


def _delete(store: Store, now: Any, kind: str, given: dict[str, Any]) -> dict[str, Any]:
    if not given.get("Id"):
        raise Refusal("2020", "Required parameter Id is missing in the request", element="Id")
    _current(store, kind, given)
    gone = {"domain": "QBO", "status": "Deleted", "Id": given["Id"]}
    store.remove(_ENTITY, given["Id"], {**gone, "MetaData": {"LastUpdatedTime": wire.stamp(now)}})
    return {kind: gone}
