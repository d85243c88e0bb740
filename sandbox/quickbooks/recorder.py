"""Reporting every write of the API to the effects journal and to the webhooks.

Belongs here: telling what a write was, whether it changed anything, and which other objects it changed. Carrying writes
out is `writes.py`.
"""

from collections.abc import Callable
from typing import Any

from sandbox.notices import Change
from sandbox.quickbooks.spec import BY_NAME, Entity
from sandbox.quickbooks.store import Store, inner, key_of
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.table import Row
from sandbox.quickbooks.wire import Refusal
from sandbox.quickbooks.writes import Writer
from sandbox.world import World


class Recorder:
    """A Writer whose effects are written down and told."""

    def __init__(self, world: World, options: Switches, store: Store, writer: Writer) -> None:
        self._world, self._options, self._store, self._writer = world, options, store, writer
        self._request_id, self._trace = "", ""
        self._touched: dict[tuple[str, str], Row | None] | None = None

    def begin(self, request_id: str, trace: str) -> None:
        """From now on effects belong to this request."""
        self._request_id, self._trace = request_id, trace

    def note(self, entity: str, key: str, before: Row | None, raw: bytes | None) -> None:
        """The store changed an object (or removed it: `raw` is None)."""
        if self._touched is not None and raw is not None:
            self._touched.setdefault((entity, key), before)

    def write(self, entity: Entity, body: dict[str, Any], parameters: dict[str, str]) -> dict[str, Any]:
        """As Writer.write, but an update that names no object is no create. Raises Refusal."""
        own = inner(entity, body)
        key = str(own.get("Id") or "")
        if parameters.get("operation") == "update" and not key and not entity.key and entity.kind != "single":
            raise Refusal("2020", "Required parameter Id is missing in the request", element="Id")
        operation = _operation(own, parameters)
        return self._recorded(entity, key, operation, lambda: self._writer.write(entity, body, parameters))

    def send(self, entity: Entity, key: str, to: str | None) -> dict[str, Any]:
        """As Writer.send. Raises Refusal."""
        return self._recorded(entity, key, "send", lambda: self._writer.send(entity, key, to))

    def add_tax_code(self, body: Any) -> dict[str, Any]:
        """As Writer.add_tax_code. Raises Refusal."""
        answer = self._writer.add_tax_code(body)
        self.add("TaxCode", answer["TaxCodeId"], "create", {})
        return answer

    def replayed(self, entity: str, key: str, shown: dict[str, Any]) -> None:
        """An answer was given again and nothing done."""
        self._line(entity, key, "replay", shown, replay=True)

    def add(self, entity: str, key: str, operation: str, value: dict[str, Any], other_id: str = "") -> None:
        """One object was changed by this request."""
        self._line(entity, key, operation, value)
        self._world.webhooks.publish(Change(entity, key, operation, self._world.clock.now(), other_id))

    def _recorded(self, entity: Entity, key: str, operation: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        table = self._store.tables[entity.name]
        version, before = table.version, table.rows.get(key)
        self._touched = {}
        try:
            shown = work()
            touched = self._touched
        finally:
            self._touched = None
        if table.version == version:
            return shown
        key = key_of(entity, shown)
        row = before if operation == "delete" else table.rows.get(key)
        self.add(entity.name, key, operation, row.decoded() if row is not None else shown)
        if self._options.webhook_scope == "touched":
            touched.pop((entity.name, key), None)
            self._tell(touched)
        return shown

    def _tell(self, touched: dict[tuple[str, str], Row | None]) -> None:
        """Webhooks for the objects whose SyncToken a write to another one moved."""
        for (entity, key), before in touched.items():
            present = self._store.tables[entity].rows.get(key)
            is_moved = before is None or present is None or _token(entity, before) != _token(entity, present)
            if present is None or not is_moved:
                continue
            operation = "create" if before is None else "update"
            self._world.webhooks.publish(Change(entity, key, operation, self._world.clock.now()))

    def _line(self, entity: str, key: str, operation: str, value: dict[str, Any], *, replay: bool = False) -> None:
        value = inner(BY_NAME[entity], value)
        self._world.effects.add(
            entity,
            key,
            operation,
            key=self._request_id,
            number=str(value.get("DocNumber", "")),
            marker=str(value.get("PrivateNote", "")),
            trace=self._trace,
            replay=replay,
        )


def _token(entity: str, row: Row) -> str:
    return str(inner(BY_NAME[entity], row.decoded()).get("SyncToken"))


def _operation(body: dict[str, Any], parameters: dict[str, str]) -> str:
    if parameters.get("operation") == "void" or "void" in parameters.get("include", "").split(","):
        return "void"
    if parameters.get("operation") == "delete":
        return "delete"
    return "update" if body.get("Id") else "create"
