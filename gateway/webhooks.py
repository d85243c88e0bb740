"""Webhooks in: a delivery is checked by the signature over its bytes, kept, and answered; a sync does the rest.

The address names a connection, whose app the deliveries are signed by. A delivery may name other companies of the same
app: each notice goes to the connection of its company, and to nobody if there is none.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from resources.errors import TieoutError
from resources.services import Services
from resources.settings import CONNECTION_NAME
from resources.stores import connections, inbox
from resources.stores.connections import Connection
from resources.webhooks import Notice, WebhookReader, is_signed

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
LOG = logging.getLogger("tieout.gateway")
# A signing key is read from the vault at most this often.
KEY_SECONDS_MAX = 60.0
# And the connections there are: their apps and companies change seldom.
CONNECTIONS_SECONDS_MAX = 1.0


class Inbound:
    """Takes deliveries, for one gateway."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._keys: dict[str, tuple[float, str]] = {}
        self._listed: tuple[float, list[Connection]] = (-CONNECTIONS_SECONDS_MAX, [])
        self._lock = threading.Lock()

    def take(self, name: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Keep what a delivery tells; returns what to answer."""
        connection = next((one for one in self._connections() if one.name == name), None)
        if connection is None:
            # Nobody learns by asking which connections there are.
            return 401
        reader = self._services.erp(connection).webhooks
        key = self._key_of(connection, reader) if reader is not None else ""
        if reader is None or not key or not is_signed(body, key, headers.get(reader.signature_header, "")):
            return 401
        try:
            notices = reader.read(body)
        except TieoutError as error:
            # It is from the ERP, so something has changed; refusing it would have the ERP end its deliveries.
            LOG.warning("%s", error)
            with self._services.db.transaction(connection.tenant) as tx:
                connections.pull_now(tx, connection.name)
            return 200
        for (whose, tenant), told in self._sorted(connection, notices).items():
            with self._services.db.transaction(tenant) as tx:
                if inbox.put(tx, tenant=tenant, connection=whose, notices=told):
                    connections.pull_now(tx, whose)
        return 200

    def _sorted(self, signer: Connection, notices: Sequence[Notice]) -> Mapping[tuple[str, str], list[Notice]]:
        """By connection and tenant: the companies of one app may be several tenants'."""
        wanted: dict[str, list[tuple[str, str]]] = defaultdict(list)
        erp = self._services.erp(signer)
        for one in self._connections():
            if one.erp == signer.erp and one.settings.get(erp.app_key) == signer.settings.get(erp.app_key):
                wanted[one.settings[erp.company_key]].append((one.name, one.tenant))
        found: dict[tuple[str, str], list[Notice]] = defaultdict(list)
        for notice in notices:
            for whose in wanted.get(notice.company, []):
                found[whose].append(notice)
        return found

    def _connections(self) -> list[Connection]:
        """Those there were a moment ago: deliveries come by the dozen, and a new company is read whole anyway."""
        now = time.monotonic()
        with self._lock:
            at, known = self._listed
        if now - at >= CONNECTIONS_SECONDS_MAX:
            known = self._services.connections()
            with self._lock:
                self._listed = (now, known)
        return known

    def _key_of(self, connection: Connection, reader: WebhookReader) -> str:
        now = time.monotonic()
        with self._lock:
            at, key = self._keys.get(connection.name, (now - KEY_SECONDS_MAX, ""))
        if now - at < KEY_SECONDS_MAX:
            return key
        key = self._services.vault(connection.tenant).get(connection.name, reader.key_setting) or ""
        with self._lock:
            self._keys[connection.name] = (now, key)
        return key


@router.post("/{name}", response_class=Response, responses={401: {"description": "not signed by this app"}})
async def receive(request: Request, name: Annotated[str, Path(pattern=f"^{CONNECTION_NAME.pattern}$")]) -> Response:
    """Take a delivery: 200 once it is kept, 401 if the app of this connection has not signed it; no body."""
    inbound: Inbound = request.app.state.inbound
    return Response(status_code=await run_in_threadpool(inbound.take, name, await request.body(), request.headers))
