"""What was answered under which Idempotency-Key.

Belongs here: remembering answers, for how long, and giving them again. Facts: reference section 5: keys are the app's,
not an organisation's, and refused requests are remembered too.
"""

import base64
import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox.http import Answer, Request
from sandbox.world import World
from sandbox.xero import wire
from sandbox.xero.switches import Switches

KEY_MAX = 128
METHODS = ("PUT", "POST", "PATCH")

Entry = tuple[datetime, str, Answer]
"""When it was first asked, a digest of the request, the answer."""


class Replays:
    """The keys of one app."""

    def __init__(self, world: World, options: Switches) -> None:
        self._world, self._options = world, options
        self._entries: dict[str, Entry] = {}

    def known(self, client_id: str, request: Request) -> Answer | None:
        """The answer given before, None when the request is to be carried out. Raises Problem."""
        key = key_of(request)
        if not key:
            return None
        if len(key) > KEY_MAX:
            raise wire.Problem(10, "ValidationException", f"The Idempotency-Key is longer than {KEY_MAX} characters.")
        entry = self._entries.get(f"{client_id} {key}")
        if entry is None or self._is_over(entry):
            return None
        if entry[1] != _digest(request):
            raise wire.Problem(
                10, "ValidationException", "The Idempotency-Key has already been used with a different request."
            )
        return entry[2]

    def keep(self, client_id: str, request: Request, answer: Answer, *, is_forced: bool = False) -> None:
        """Remember an answer under its key; a refused one only where the switch says so, or `is_forced`."""
        key = key_of(request)
        is_kept = answer.status < 400 or self._options.idempotency_errors == "stored" or is_forced
        if not key or len(key) > KEY_MAX or not is_kept:
            return
        name, entry = f"{client_id} {key}", (self._world.clock.now(), _digest(request), answer)
        self._entries[name] = entry
        if self._world.journal is not None:
            self._world.journal.add("replay", *_values(name, entry))

    def _is_over(self, entry: Entry) -> bool:
        return self._world.clock.now() - entry[0] >= timedelta(seconds=self._options.idempotency_seconds)

    def snapshot(self) -> Any:
        return dict(self._entries)

    def restore(self, snapshot: Any) -> None:
        self._entries = dict(snapshot)

    def entries(self) -> Iterator[tuple[Any, ...]]:
        """The journal entries of the keys still alive."""
        for name, entry in self._entries.items():
            if not self._is_over(entry):
                yield "replay", *_values(name, entry)

    def take(
        self, name: str, asked: str, digest: str, status: int, kind: str, body: str, headers: dict[str, str]
    ) -> None:
        answer = Answer(status, base64.b64decode(body), kind, headers)
        self._entries[name] = (datetime.fromisoformat(asked), digest, answer)


def key_of(request: Request) -> str:
    return request.headers.get("idempotency-key", "") if request.method in METHODS else ""


def _digest(request: Request) -> str:
    parts = (request.method, request.path.lower(), request.query_string, request.headers.get("xero-tenant-id", ""))
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + request.body).hexdigest()


def _values(name: str, entry: Entry) -> tuple[Any, ...]:
    asked, digest, answer = entry
    body = base64.b64encode(answer.body).decode()
    return name, asked, digest, answer.status, answer.content_type, body, answer.headers
