"""The control API's part about webhooks: /_sandbox/webhooks and below.

Belongs here: reading what is asked. What it means is `webhooks.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal

import msgspec

from sandbox.http import Answer, Request
from sandbox.notices import Change, DeliveryRule, Endpoint
from sandbox.postman import Postman
from sandbox.world import World


class _Numbered(msgspec.Struct, forbid_unknown_fields=True):
    endpoint: int | None = None


class _Flush(msgspec.Struct, forbid_unknown_fields=True):
    early: bool = False


class _MadeUp(msgspec.Struct, forbid_unknown_fields=True):
    entity: str
    id: str
    operation: Literal["create", "update", "delete", "void", "send", "merge"] = "update"
    at: datetime | None = None
    other_id: str = ""


class _Send(msgspec.Struct, forbid_unknown_fields=True):
    changes: list[_MadeUp]
    endpoint: int | None = None
    forged: bool = False


class WebhookControl:
    """Answers for one simulator."""

    def __init__(self, world: World) -> None:
        self._world, self._webhooks = world, world.webhooks
        self._postman = Postman(world.webhooks)
        if self._webhooks.entry():
            self._postman.start()

    def routes(self) -> dict[tuple[str, str], Callable[[Request], Answer | Awaitable[Answer]]]:
        return {
            ("GET", "webhooks"): lambda request: _json(self._webhooks.endpoints()),
            ("POST", "webhooks"): self._register,
            ("DELETE", "webhooks"): self._unregister,
            ("POST", "webhooks/enable"): self._enable,
            ("POST", "webhooks/faults"): self._set_rules,
            ("POST", "webhooks/send"): self._send,
            ("POST", "webhooks/flush"): self._flush,
            ("GET", "webhooks/log"): lambda request: _json(list(self._webhooks.log)),
            ("DELETE", "webhooks/log"): lambda request: _json(self._webhooks.log.clear() or []),
        }

    def _register(self, request: Request) -> Answer:
        endpoint = self._webhooks.register(_decode(request, Endpoint))
        self._postman.start()
        return _json({**msgspec.to_builtins(endpoint), "verifier": "***"})

    def _unregister(self, request: Request) -> Answer:
        self._webhooks.unregister(_decode(request, _Numbered, "{}").endpoint)
        return _json(self._webhooks.endpoints())

    def _enable(self, request: Request) -> Answer:
        self._webhooks.enable(_decode(request, _Numbered).endpoint or 0)
        return _json(self._webhooks.endpoints())

    def _set_rules(self, request: Request) -> Answer:
        rules = _decode(request, list[DeliveryRule], "[]")
        self._webhooks.set_rules(rules)
        return _json(rules)

    def _send(self, request: Request) -> Answer:
        wish, now = _decode(request, _Send), self._world.clock.now()
        changes = [Change(each.entity, each.id, each.operation, each.at or now, each.other_id) for each in wish.changes]
        self._webhooks.send(changes, wish.endpoint, is_forged=wish.forged)
        return _json({"changes": len(changes)})

    async def _flush(self, request: Request) -> Answer:
        # In a thread, so that whoever receives may call the simulator before it answers.
        wish = _decode(request, _Flush, "{}")
        attempts = await asyncio.to_thread(self._postman.flush, is_early=wish.early)
        return _json({"attempts": attempts, "log": list(self._webhooks.log)[len(self._webhooks.log) - attempts :]})


def _decode(request: Request, kind: Any, default: str = "") -> Any:
    return msgspec.json.decode(request.body or default.encode(), type=kind)


def _json(value: Any) -> Answer:
    return Answer(200, msgspec.json.encode(value))
