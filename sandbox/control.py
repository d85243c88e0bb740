"""The control API, the same for every simulated ERP: what a tester may ask of a simulator beside the ERP's own API.

Belongs here: the paths, reading what is asked, and refusing what cannot be understood. Everything is JSON; a mistake is
status 400 with {"error": what was wrong and what would be right}. Paths and meanings are described in docs/sandbox.md.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sandbox.faults import FaultRule
from sandbox.http import Answer, Request
from sandbox.service import Script, Service
from sandbox.webhook_control import WebhookControl

Stream = Iterator[bytes]
Reply = Answer | Stream | Awaitable[Answer]


class _Reset(msgspec.Struct, forbid_unknown_fields=True):
    seed: str = "empty"
    number: int = 1
    random_seed: int | None = None


class _SetClock(msgspec.Struct, forbid_unknown_fields=True):
    now: datetime | None = None
    advance_seconds: float = 0
    frozen: bool = False
    step_seconds: float = 0


class _Late(msgspec.Struct, forbid_unknown_fields=True):
    numbers: list[int] | None = None


class _Named(msgspec.Struct, forbid_unknown_fields=True):
    name: str = "default"


class Control:
    """Answers /_sandbox/* for one simulator."""

    def __init__(self, service: Service) -> None:
        self._service, self._erp, self._world = service, service.erp, service.world
        self._snapshots: dict[str, Any] = {}
        self._routes: dict[tuple[str, str], Callable[[Request], Reply]] = {
            ("POST", "reset"): self._reset,
            ("POST", "load"): self._load,
            ("POST", "edit"): self._edit,
            ("GET", "script"): lambda request: _json(service.script_report()),
            ("POST", "script"): self._set_scripts,
            ("POST", "tokens"): lambda request: _json(self._erp.tokens()),
            ("DELETE", "tokens"): lambda request: _json(self._erp.disconnect() or {}),
            ("GET", "faults"): lambda request: _json(service.faults.report()),
            ("POST", "faults"): self._set_faults,
            ("DELETE", "faults"): lambda request: _json(service.faults.replace([], self._world.clock.now()) or []),
            ("GET", "late"): lambda request: _json(service.late.report()),
            ("POST", "late"): self._deliver_late,
            ("DELETE", "late"): lambda request: _json(service.late.clear() or []),
            ("GET", "clock"): lambda request: _json({"now": self._world.clock.now()}),
            ("POST", "clock"): self._set_clock,
            ("GET", "switches"): lambda request: _json(self._erp.options.values()),
            ("POST", "switches"): self._turn,
            ("GET", "state"): lambda request: self._erp.state(request.query.get("entity")),
            ("GET", "effects"): self._effects,
            ("POST", "snapshot"): self._snapshot,
            ("POST", "restore"): self._restore,
            ("GET", "log"): lambda request: _json(list(service.log)),
            ("DELETE", "log"): lambda request: _json(service.log.clear() or []),
            **WebhookControl(service.world).routes(),
        }

    def handle(self, request: Request) -> Reply:
        """Answer one request for /_sandbox/...; a long answer comes as an iterator of pieces (status 200), one that
        must wait as an awaitable."""
        name = request.path.removeprefix("/_sandbox").strip("/")
        route = self._routes.get((request.method, name))
        if route is None:
            known = ", ".join(sorted(f"{method} /_sandbox/{each}" for method, each in self._routes))
            return _json({"error": f"no {request.method} {request.path} here; there are {known}"}, 404)
        try:
            self._service.deliver_due()
            return route(request)
        except (ValueError, LookupError) as error:
            return _json({"error": f"{request.method} {request.path}: {error}"}, 400)

    def _reset(self, request: Request) -> Answer:
        wish = _decode(request, _Reset, "{}")
        if wish.seed not in ("empty", "demo"):
            raise ValueError(f'seed is {wish.seed!r}, it must be "empty" or "demo"')
        self._world.seed(wish.random_seed)
        return _json({"seed": wish.seed, "objects": self._service.reset(wish.seed, wish.number)})

    def _load(self, request: Request) -> Answer:
        groups = _decode(request, dict[str, msgspec.Raw])
        objects = {}
        for entity, group in groups.items():
            is_list = bytes(memoryview(group)[:1]) == b"["
            objects[entity] = msgspec.json.decode(group, type=list[msgspec.Raw]) if is_list else [group]
        return _json({"loaded": self._erp.load(objects)})

    def _edit(self, request: Request) -> Answer:
        return self._service.edit(_decode(request, dict[str, Any]))

    def _set_scripts(self, request: Request) -> Answer:
        self._service.set_scripts(_decode(request, list[Script], "[]"))
        return _json(self._service.script_report())

    def _set_faults(self, request: Request) -> Answer:
        rules = _decode(request, list[FaultRule], "[]")
        for rule in rules:
            if rule.answer is not None:
                self._erp.answer_named(rule.answer, request)
        self._service.faults.replace(rules, self._world.clock.now())
        return _json(self._service.faults.report())

    def _deliver_late(self, request: Request) -> Answer:
        waiting = self._service.late.take(_decode(request, _Late, "{}").numbers)
        return _json({"statuses": self._service.deliver(waiting)})

    def _set_clock(self, request: Request) -> Answer:
        wish = _decode(request, _SetClock, "{}")
        if wish.now is not None and wish.now.tzinfo is None:
            raise ValueError(f"now is {wish.now.isoformat()}, it must have an offset such as Z")
        now = self._world.clock.set(
            now=wish.now,
            advance=timedelta(seconds=wish.advance_seconds),
            frozen=wish.frozen,
            step=timedelta(seconds=wish.step_seconds),
        )
        self._world.keep_clock()
        self._service.deliver_due()
        return _json({"now": now})

    def _turn(self, request: Request) -> Answer:
        self._erp.options.turn(_decode(request, dict[str, Any], "{}"))
        self._world.keep_switches(self._erp)
        return _json(self._erp.options.values())

    def _effects(self, request: Request) -> Answer:
        since = request.query.get("since", "0")
        if not since.isdigit():
            raise ValueError(f"since is {since!r}, it must be a sequence number; lines after it are given")
        return _json(self._world.effects.lines[int(since) :])

    def _snapshot(self, request: Request) -> Answer:
        name, started = _decode(request, _Named, "{}").name, time.perf_counter()
        self._snapshots[name] = self._service.snapshot()
        return _json({"name": name, "ms": _milliseconds(started)})

    def _restore(self, request: Request) -> Answer:
        name, started = _decode(request, _Named, "{}").name, time.perf_counter()
        if name not in self._snapshots:
            raise ValueError(f"no snapshot {name!r}; there are {sorted(self._snapshots)}")
        self._service.restore(self._snapshots[name])
        return _json({"name": name, "ms": _milliseconds(started)})


def edit_path(edit: dict[str, Any]) -> tuple[str, str, str]:
    """Method, path and query string of a literal edit {"method", "path", "body"}. Raises ValueError."""
    path = edit.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError(f'path is {path!r}, it must be a text such as "/invoices?x=1"')
    parts = urlsplit(path)
    return str(edit.get("method", "POST")).upper(), parts.path, parts.query


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 3)


def _decode(request: Request, kind: Any, default: str = "") -> Any:
    return msgspec.json.decode(request.body or default.encode(), type=kind)


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(status, msgspec.json.encode(value))
