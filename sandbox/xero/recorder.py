"""Reporting what a request changed: to the effects journal, to the webhooks, to the file.

Belongs here: telling a create from an update, a void from a delete, and whether it was the app. Carrying writes out is
`writing.py`.
"""

from typing import TYPE_CHECKING, Any

from sandbox.http import Request
from sandbox.notices import Change
from sandbox.xero import wire
from sandbox.xero.notices import CATEGORIES
from sandbox.xero.replays import key_of
from sandbox.xero.resources import BY_NAME, BY_PATH
from sandbox.xero.work import TIME, Undo

if TYPE_CHECKING:
    from sandbox.xero.company import Company

_NUMBERS = ("InvoiceNumber", "CreditNoteNumber", "PurchaseOrderNumber", "Code", "ContactNumber")
_MARKERS = ("Url", "Reference", "ContactNumber", "AccountNumber")


class Recorder:
    """The effects of one request. No webhook tells of a record whose UpdatedDateUTC did not move."""

    def __init__(self, company: "Company", tenant_id: str, request: Request, trace: str, client_id: str) -> None:
        self._company, self._tenant_id, self._request = company, tenant_id, request
        self._trace, self._client_id = trace, client_id
        resource = BY_PATH.get(request.path.strip("/").split("/")[2].lower())
        self._own = resource.name if resource is not None else ""
        self._books = company.tenants[tenant_id].books

    def changed(self, steps: Undo) -> None:
        """These records were saved for good."""
        for name, key, was, mark in steps:
            row = self._books.tables[name].rows.get(key)
            if was is None and row is not None and self._client_id:
                self._company.keep_made(self._tenant_id, key)
            before = wire.decode(was.raw) if was is not None else None
            after = wire.decode(row.raw) if row is not None else None
            operation = _operation(before, after)
            # What a write changes in records of other resources (a payment in its invoice) is told by webhooks and
            # deltas, but is no effect of its own.
            if name == self._own or operation == "create":
                self._add(name, key, operation, after or before or {})
            if mark >= TIME:
                self._publish(name, key, operation)

    def _add(self, name: str, key: str, operation: str, value: dict[str, Any], *, replay: bool = False) -> None:
        self._company.world.effects.add(
            BY_NAME[name].singular,
            key,
            operation,
            key=key_of(self._request),
            number=next((str(value[each]) for each in _NUMBERS if value.get(each)), ""),
            marker=next((str(value[each]) for each in _MARKERS if value.get(each)), ""),
            trace=self._trace,
            replay=replay,
        )

    def _publish(self, name: str, key: str, operation: str) -> None:
        entity = BY_NAME[name].singular
        if entity in CATEGORIES:
            at = self._company.world.clock.now()
            self._company.world.webhooks.publish(Change(entity, key, operation, at, self._tenant_id))

    def replayed(self, parts: list[str]) -> None:
        """An answer was given again and nothing done."""
        resource = BY_PATH.get(parts[0].lower())
        if resource is not None:
            self._add(resource.name, parts[1] if len(parts) > 1 else "", "replay", {}, replay=True)

    def keep(self, ids_before: int) -> None:
        """The request is done: what a restart must know beside the records."""
        if self._books.ids.count != ids_before:
            self._company.keep_ids(self._tenant_id)
        for name, key in self._books.sides_changed:
            self._company.keep_sides(self._tenant_id, name, key)
        self._books.sides_changed.clear()


def _operation(before: dict[str, Any] | None, after: dict[str, Any] | None) -> str:
    if before is None:
        return "create"
    if after is None:
        return "delete"
    status, was = after.get("Status"), before.get("Status")
    if status != was and status in ("VOIDED", "DELETED"):
        return "void" if status == "VOIDED" else "delete"
    return "update"
