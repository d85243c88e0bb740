"""Who calls, for whom, and whether they may: API keys, roles, and how often.

Belongs here: everything between a request and a `Caller`. Keys are kept by `resources/stores/api_keys.py`.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import psycopg
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from gateway.problems import Refused
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stores import api_keys
from resources.stores.api_keys import ROLES, ApiKey
from resources.stores.connections import Connection

WINDOW_SECONDS = 60.0
# How long a key that was found is not looked up again: a revoked one ends within this.
KEY_SECONDS_MAX = 5.0
KEYS_HELD_MAX = 10_000

# What the console keeps its session in.
CONSOLE_COOKIE = "tieout_console"
_BEARER = HTTPBearer(auto_error=False, description="A key that `tieout keys make` printed.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody with a key: whose books they see, and as whom they act."""

    services: Services
    key: ApiKey

    @property
    def tenant(self) -> str:
        return self.key.tenant_id

    @property
    def actor(self) -> str:
        """How what they do is signed."""
        return f"api:{self.key.name}"

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[Any]]:
        """A transaction that sees this tenant's rows, and signs what it writes."""
        with self.services.db.transaction(self.tenant, **{"tieout.actor": self.actor}) as tx:
            yield tx

    def connection(self, name: str) -> Connection:
        """A connection of this tenant; another's is as good as none."""
        found = self.services.connection(name)
        if found.tenant != self.tenant:
            raise TieoutError(
                ErrorKind.NOT_FOUND,
                doing=f"looking up the connection {name}",
                found="no such connection",
                expected="one of this tenant's",
                next_step="see GET /v1/connections",
            )
        return found

    def connections(self) -> list[Connection]:
        return [one for one in self.services.connections() if one.tenant == self.tenant]


class Access:
    """Finds callers by their keys and counts their calls, in this process."""

    def __init__(self, services: Services, *, calls_a_minute_max: int) -> None:
        self._services = services
        self._calls_max = calls_a_minute_max
        self._known: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()
        self._calls: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def caller(self, key: str) -> Caller | None:
        """Whose key it is; None if nobody's."""
        now = time.monotonic()
        with self._lock:
            held = self._known.get(key)
            if held is not None and now - held[0] < KEY_SECONDS_MAX:
                return Caller(self._services, held[1])
        tenant = api_keys.tenant_of(key)
        if tenant is None:
            return None
        with self._services.db.transaction(tenant) as tx:
            found = api_keys.known(tx, key)
        if found is None:
            return None
        with self._lock:
            self._known[key] = (now, found)
            if len(self._known) > KEYS_HELD_MAX:
                self._known.popitem(last=False)
        return Caller(self._services, found)

    def wait_seconds(self, caller: Caller) -> float:
        """Count a call; 0 if it may go on, else how long until one may."""
        now = time.monotonic()
        with self._lock:
            calls = self._calls.setdefault(caller.key.key_id, deque())
            while calls and now - calls[0] >= WINDOW_SECONDS:
                calls.popleft()
            if len(calls) >= self._calls_max:
                return WINDOW_SECONDS - (now - calls[0])
            calls.append(now)
            return 0.0


def caller_of(request: Request) -> Caller | None:
    """Who sends a request, by whatever it shows for it: the one place that knows. None if it shows nothing good.

    A key counts everywhere; the console's cookie only on the way to a consent and back, which is a browser's: anywhere
    else a page of somebody else's could have the browser send it.
    """
    access: Access = request.app.state.access
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return access.caller(key.strip())
    if not request.url.path.startswith("/connect/"):
        return None
    found: Caller | None = request.app.state.visitor_of(request.app.state.services, request.cookies.get(CONSOLE_COOKIE))
    return found


def require(role: str) -> Callable[..., Caller]:
    """What a route depends on: a caller with this role or a higher one."""
    least = ROLES.index(role)

    # The scheme is declared for the gateway's own description; who it is, is found by `caller_of`.
    def caller(
        request: Request, _given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)] = None
    ) -> Caller:
        access: Access = request.app.state.access
        found = caller_of(request)
        if found is None:
            raise Refused(
                401,
                "no key, or one that is not known",
                next_step="send `Authorization: Bearer KEY`; `tieout keys make` makes one",
                WWW_Authenticate="Bearer",
            )
        if (seconds := access.wait_seconds(found)) > 0:
            raise Refused(
                429,
                f"more than {access._calls_max} calls in a minute with this key",
                next_step="wait as long as Retry-After says",
                Retry_After=str(int(seconds) + 1),
            )
        if ROLES.index(found.key.role) < least:
            raise Refused(403, f"a key with the role {found.key.role}, where {role} is needed")
        return found

    return caller


Viewer = Annotated[Caller, Depends(require("viewer"))]
Operator = Annotated[Caller, Depends(require("operator"))]
Admin = Annotated[Caller, Depends(require("admin"))]
