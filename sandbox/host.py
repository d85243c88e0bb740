"""The server side of a simulator: one ASGI application around an ERP and its control API.

Belongs here: reading requests, acting on fault rules (delay, drop, truncate, duplicate), the request log. Which rule
applies is `faults.py`; what a request means is the ERP's. Connections are cut through uvicorn's transport, so it must
be uvicorn that serves it.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from sandbox.control import Control
from sandbox.faults import FaultRule
from sandbox.http import Answer, Request

_PIECE_BYTES = 1 << 20


class Host:
    """ASGI application;
    `committed` is called after every request that may have changed something, before it is answered.
    """

    def __init__(self, control: Control, committed: Callable[[], None] = lambda: None) -> None:
        self.control, self._committed = control, committed
        self._in_flight = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] != "http":
            return
        request = await self._read(scope, receive)
        if request.path.startswith("/_sandbox"):
            answer = self.control.handle(request)
            self._committed()
            await _send(answer, send, send_body=True)
            return
        self._in_flight += 1
        try:
            await self._serve(request, send)
        finally:
            self._in_flight -= 1

    async def _read(self, scope: dict[str, Any], receive: Any) -> Request:
        pieces = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            pieces.append(message.get("body", b""))
            if not message.get("more_body", False):
                break
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        server = scope.get("server") or ("127.0.0.1", 0)
        base = f"{scope['scheme']}://{headers.get('host') or f'{server[0]}:{server[1]}'}"
        query = scope["query_string"].decode("latin-1")
        return Request(scope["method"], scope["path"], query, headers, b"".join(pieces), base, self._in_flight + 1)

    async def _serve(self, request: Request, send: Any) -> None:
        started, began_at = time.perf_counter(), self.control.clock.now()
        rule = self.control.faults.rule_for(request.method, request.path, request.query_string, request.body)
        status, sent = 0, 0
        if rule is not None and rule.delay_seconds:
            await asyncio.sleep(rule.delay_seconds)
        if rule is not None and rule.drop == "before":
            await _cut(send)
        else:
            answer = _spoiled(rule) or self.control.erp.handle(request)
            if rule is not None and rule.duplicate:
                answer = self.control.erp.handle(request)
            self._committed()
            status, sent = answer.status, len(answer.body)
            if rule is not None and rule.drop == "after":
                status, sent = 0, 0
                await _cut(send)
            elif rule is not None and rule.truncate_bytes is not None:
                sent = min(sent, rule.truncate_bytes)
                await _send(answer, send, send_body=False)
                await send(
                    {"type": "http.response.body", "body": answer.body[: rule.truncate_bytes], "more_body": True}
                )
                await _cut(send)
            else:
                await _send(answer, send, send_body=True)
        self.control.log.append(
            {
                "method": request.method,
                "path": request.path,
                "query": request.query_string,
                "statement": request.body.decode("utf-8", "replace") if request.path.endswith("/query") else "",
                "status": status,
                "time": began_at,
                "ms": round((time.perf_counter() - started) * 1000, 2),
                "bytes": sent,
                "fault": rule is not None,
            }
        )


def _spoiled(rule: FaultRule | None) -> Answer | None:
    """The answer a rule puts in place of the real one (status 0 in no log: the rule's own)."""
    if rule is None or rule.status is None:
        return None
    if isinstance(rule.body, str):
        kinds = {"<": "text/html", "{": "application/json", "[": "application/json"}
        body, kind = rule.body.encode(), kinds.get(rule.body.lstrip()[:1], "text/plain")
    else:
        body, kind = (b"" if rule.body is None else msgspec.json.encode(rule.body)), "application/json"
    headers = {name: value for name, value in rule.headers.items() if name.lower() != "content-type"}
    given_kind = next((value for name, value in rule.headers.items() if name.lower() == "content-type"), kind)
    return Answer(rule.status, body, given_kind, headers)


async def _send(answer: Answer | Iterator[bytes], send: Any, *, send_body: bool) -> None:
    if not isinstance(answer, Answer):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        for piece in answer:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(len(answer.body)).encode())]
    headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if not send_body:
        return
    for start in range(0, len(answer.body), _PIECE_BYTES):
        piece = answer.body[start : start + _PIECE_BYTES]
        await send({"type": "http.response.body", "body": piece, "more_body": start + _PIECE_BYTES < len(answer.body)})
    if not answer.body:
        await send({"type": "http.response.body", "body": b""})


async def _cut(send: Any) -> None:
    """Close the connection now, without (the rest of) an answer; what was handed to the socket is still delivered."""
    transport = send.__self__.transport
    transport.close()
    while not send.__self__.disconnected:
        await asyncio.sleep(0.001)
