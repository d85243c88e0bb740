"""The control API, the same for every simulated ERP: reset, load, edit, tokens, faults, clock, switches, state, log.

Belongs here: what a tester may ask of a simulator beside the ERP's own API. Everything is JSON; a mistake is status
400 with {"error": what was wrong and what would be right}. Paths and meanings are described in
docs/sandbox-quickbooks.md.
"""

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from sandbox.clock import Clock
from sandbox.faults import FaultRule, Faults
from sandbox.http import Answer, Request

LOG_ENTRIES_MAX = 200_000

Stream = Iterator[bytes]


class Erp(Protocol):
    """What a simulated ERP offers the control API and the server."""

    def handle(self, request: Request, *, authenticated: bool = False) -> Answer:
        """Answer one request of the ERP's API; `authenticated` skips tokens and limits."""
        ...

    def reset(self, seed: str, number: int) -> dict[str, int]:
        """Start over with an "empty" or the "demo" company (generated from `number`); counts by entity."""
        ...

    def load(self, objects: dict[str, list[msgspec.Raw]]) -> dict[str, int]:
        """Store the ERP's own objects as given; counts by entity. Raises ValueError."""
        ...

    def tokens(self) -> dict[str, Any]: ...

    def switches(self) -> dict[str, Any]: ...

    def turn(self, changes: dict[str, Any]) -> None:
        """Turn switches. Raises ValueError."""
        ...

    def state(self, entity: str | None) -> Stream:
        """All objects as one JSON object of lists by entity, in pieces. Raises ValueError for an unknown entity."""
        ...

    def edit_request(self, edit: dict[str, Any]) -> Request:
        """The ERP's own request for one edit. Raises ValueError."""
        ...


class _Reset(msgspec.Struct, forbid_unknown_fields=True):
    seed: str = "empty"
    number: int = 1


class _SetClock(msgspec.Struct, forbid_unknown_fields=True):
    now: datetime | None = None
    advance_seconds: float = 0
    frozen: bool = False


class Control:
    """Answers /_sandbox/* for one simulator."""

    def __init__(self, erp: Erp, clock: Clock) -> None:
        self.erp, self.clock, self.faults = erp, clock, Faults()
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_ENTRIES_MAX)
        self._routes: dict[tuple[str, str], Callable[[Request], Answer | Stream]] = {
            ("POST", "reset"): self._reset,
            ("POST", "load"): self._load,
            ("POST", "edit"): self._edit,
            ("POST", "tokens"): lambda request: _json(self.erp.tokens()),
            ("GET", "faults"): lambda request: _json(self.faults.report()),
            ("POST", "faults"): self._set_faults,
            ("DELETE", "faults"): lambda request: _json(self.faults.replace([]) or []),
            ("GET", "clock"): lambda request: _json({"now": self.clock.now()}),
            ("POST", "clock"): self._set_clock,
            ("GET", "switches"): lambda request: _json(self.erp.switches()),
            ("POST", "switches"): self._turn,
            ("GET", "state"): lambda request: self.erp.state(request.query.get("entity")),
            ("GET", "log"): lambda request: _json(list(self.log)),
            ("DELETE", "log"): lambda request: _json(self.log.clear() or []),
        }

    def handle(self, request: Request) -> Answer | Stream:
        """Answer one request for /_sandbox/...; a long answer comes as an iterator of pieces (status 200)."""
        name = request.path.removeprefix("/_sandbox").strip("/")
        route = self._routes.get((request.method, name))
        if route is None:
            known = ", ".join(sorted(f"{method} /_sandbox/{each}" for method, each in self._routes))
            return _json({"error": f"no {request.method} {request.path} here; there are {known}"}, 404)
        try:
            return route(request)
        except (ValueError, LookupError) as error:
            return _json({"error": f"{request.method} {request.path}: {error}"}, 400)

    def _reset(self, request: Request) -> Answer:
        wish = _decode(request, _Reset, "{}")
        if wish.seed not in ("empty", "demo"):
            raise ValueError(f'seed is {wish.seed!r}, it must be "empty" or "demo"')
        self.faults.replace([])
        return _json({"seed": wish.seed, "objects": self.erp.reset(wish.seed, wish.number)})

    def _load(self, request: Request) -> Answer:
        groups = _decode(request, dict[str, msgspec.Raw])
        objects = {}
        for entity, group in groups.items():
            is_list = bytes(memoryview(group)[:1]) == b"["
            objects[entity] = msgspec.json.decode(group, type=list[msgspec.Raw]) if is_list else [group]
        return _json({"loaded": self.erp.load(objects)})

    def _edit(self, request: Request) -> Answer:
        edit = _decode(request, dict[str, Any])
        return self.erp.handle(self.erp.edit_request(edit), authenticated=True)

    def _set_faults(self, request: Request) -> Answer:
        self.faults.replace(_decode(request, list[FaultRule], "[]"))
        return _json(self.faults.report())

    def _set_clock(self, request: Request) -> Answer:
        wish = _decode(request, _SetClock, "{}")
        if wish.now is not None and wish.now.tzinfo is None:
            raise ValueError(f"now is {wish.now.isoformat()}, it must have an offset such as Z")
        now = self.clock.set(now=wish.now, advance=timedelta(seconds=wish.advance_seconds), frozen=wish.frozen)
        return _json({"now": now})

    def _turn(self, request: Request) -> Answer:
        self.erp.turn(_decode(request, dict[str, Any], "{}"))
        return _json(self.erp.switches())


def edit_path(edit: dict[str, Any]) -> tuple[str, str, str]:
    """Method, path and query string of a literal edit {"method", "path", "body"}. Raises ValueError."""
    path = edit.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError(f'path is {path!r}, it must be a text such as "/invoice?operation=void"')
    parts = urlsplit(path)
    return str(edit.get("method", "POST")).upper(), parts.path, parts.query


def _decode(request: Request, kind: Any, default: str = "") -> Any:
    return msgspec.json.decode(request.body or default.encode(), type=kind)


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, msgspec.json.encode(value))
