"""What was answered under which requestid.

Belongs here: remembering answers, for how long, and giving them again. Facts: reference section 5; how long the service
remembers and what it says to a changed body is not known, so both are switches.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox.http import Answer, Request
from sandbox.quickbooks import wire
from sandbox.quickbooks.switches import Switches
from sandbox.quickbooks.wire import Refusal
from sandbox.world import World

REQUEST_ID_MAX = 50

Entry = tuple[datetime, str, Answer]
"""When it was answered, a digest of the request, the answer."""


class Replays:
    """The requestids of one company."""

    def __init__(self, world: World, options: Switches) -> None:
        self._world, self._options = world, options
        self._answered: dict[str, Entry] = {}

    def known(self, request: Request, request_id: str) -> Answer | None:
        """The answer given to this id before, None when it is new or forgotten.

        Raises Refusal for an id that is too long, or known with another body where the switch refuses that.
        """
        if len(request_id) > REQUEST_ID_MAX:
            raise Refusal("2050", f"requestid is longer than {REQUEST_ID_MAX} characters", element="requestid")
        entry = self._answered.get(request_id)
        if entry is None:
            return None
        at, digest, answer = entry
        if self._world.clock.now() - at >= timedelta(seconds=self._options.request_id_seconds):
            return None
        if digest != _digest(request) and self._options.request_id_with_other_body == "fault":
            raise Refusal("600", f"Duplicate Request ID : {request_id}", element="")
        return answer

    def keep(self, request: Request, request_id: str, answer: Answer, *, is_forced: bool = False) -> None:
        """Remember an answer; a fault only where the switch says so, or when `is_forced`."""
        if answer.status != 200 and self._options.request_id_errors == "forgotten" and not is_forced:
            return
        entry = (self._world.clock.now(), _digest(request), answer)
        self._answered[request_id] = entry
        if self._world.journal is not None:
            self._world.journal.add("request", request_id, *_written(entry))

    def snapshot(self) -> dict[str, Entry]:
        return dict(self._answered)

    def restore(self, snapshot: dict[str, Entry]) -> None:
        self._answered = dict(snapshot)

    def entries(self) -> Iterator[tuple[Any, ...]]:
        for request_id, entry in self._answered.items():
            yield "request", request_id, *_written(entry)

    def take(self, request_id: str, at: str, digest: str, status: int, content_type: str, body: str) -> None:
        """Take over one entry of a journal file."""
        answer = wire.as_answered(status, body.encode(), content_type)
        self._answered[request_id] = (datetime.fromisoformat(at), digest, answer)


def request_id_of(request: Request) -> str:
    """The requestid of a request that can have one, else ""."""
    if request.method != "POST" or request.path.endswith("/query"):
        return ""
    return request.query.get("requestid", "")


def _digest(request: Request) -> str:
    return hashlib.sha256(request.body + request.path.encode()).hexdigest()


def _written(entry: Entry) -> tuple[Any, ...]:
    at, digest, answer = entry
    return at, digest, answer.status, answer.content_type, answer.body.decode("utf-8", "replace")
