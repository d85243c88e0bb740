"""Connections: which organisations each app was let into.

Belongs here: the /connections resource and the question whether an app may speak for an organisation. Facts: reference
section 2.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandbox.http import Answer, Request
from sandbox.world import World
from sandbox.xero import wire


class Connections:
    """All connections of one simulator; `organisations` gives the names of its organisations by tenant id."""

    def __init__(self, world: World, organisations: Callable[[], dict[str, str]]) -> None:
        self._world, self._organisations = world, organisations
        self._rows: list[dict[str, Any]] = []

    def named(self) -> dict[str, str]:
        return self._organisations()

    def tenants(self) -> list[str]:
        return list(self._organisations())

    def first_tenant(self) -> str:
        return next(iter(self._organisations()))

    def connect(self, client_id: str, event: str, tenants: list[str]) -> None:
        """A consent: new connections, or old ones connected again, which keep the event of their first consent."""
        now = _stamp(self._world.clock.now())
        for tenant_id in tenants:
            known = next(
                (each for each in self._rows if (each["client"], each["tenantId"]) == (client_id, tenant_id)), None
            )
            if known is not None:
                known["updatedDateUtc"] = now
                continue
            row = {"client": client_id, "id": self._world.ids.uuid(), "authEventId": event, "tenantId": tenant_id}
            self._rows.append({**row, "createdDateUtc": now, "updatedDateUtc": now})

    def is_connected(self, client_id: str, tenant_id: str) -> bool:
        return any((each["client"], each["tenantId"]) == (client_id, tenant_id) for each in self._rows)

    def disconnect_all(self, client_id: str = "") -> None:
        """Take one app off all organisations; every app where none is named."""
        self._rows = [each for each in self._rows if client_id and each["client"] != client_id]

    def handle(self, request: Request, client_id: str) -> Answer | None:
        """The answer to /connections; None when the path or method is none of it."""
        parts = request.path.strip("/").split("/")
        own = [each for each in self._rows if each["client"] == client_id]
        if request.method == "GET" and len(parts) == 1:
            event = request.query.get("authEventId", "").lower()
            shown = [self._shown(each) for each in own if not event or each["authEventId"] == event]
            return Answer(200, wire.encode(shown), "application/json", dict(wire.NO_CACHE))
        if request.method == "DELETE" and len(parts) == 2:
            found = next((each for each in own if each["id"] == parts[1].lower()), None)
            if found is None:
                return Answer(404, b"", "text/plain")
            self._rows.remove(found)
            return Answer(204, b"", "text/plain")
        return None

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": row["id"],
            "authEventId": row["authEventId"],
            "tenantId": row["tenantId"],
            "tenantType": "ORGANISATION",
            "tenantName": self._organisations().get(row["tenantId"], ""),
            "createdDateUtc": row["createdDateUtc"],
            "updatedDateUtc": row["updatedDateUtc"],
        }

    def snapshot(self) -> Any:
        return [dict(each) for each in self._rows]

    def restore(self, snapshot: Any) -> None:
        self._rows = [dict(each) for each in snapshot]


def _stamp(instant: datetime) -> str:
    """Seven decimals and no zone, as the service writes them."""
    return f"{instant:%Y-%m-%dT%H:%M:%S.%f}0"
