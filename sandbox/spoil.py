"""Doing to one call what a fault rule says, and sending what is left of its answer.

Belongs here: waiting, losing, repeating, cutting and trickling. Which rule applies is `faults.py`; carrying requests
out is `service.py`. Connections are cut through uvicorn's transport; mounted without a server (an ASGI client in the
same process), a cut raises ConnectionCutError to the caller instead.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from sandbox.faults import FaultRule
from sandbox.http import Answer, Request
from sandbox.service import Service

_PIECE_BYTES = 1 << 20
REQUEST_SECONDS_MAX = 120
"""A request that is delayed longer is given up by the gateway."""


class ConnectionCutError(ConnectionError):
    """The connection ended without (the rest of) an answer, where there is no socket to close."""


async def serve(service: Service, request: Request, send: Any) -> None:
    """Carry out one call of a client as the rules in force say, answer it and log it."""
    service.deliver_due()
    started, began_at = time.perf_counter(), service.world.clock.now()
    rule = service.faults.rule_for(request, began_at)
    status, sent = 0, 0
    try:
        if rule is None:
            answer = service.answer(request)
            service.count_request()
            service.world.commit()
            status, sent = answer.status, len(answer.body)
            await send_answer(answer, send)
        else:
            status, sent = await _spoiled(service, request, rule, send)
    finally:
        # Whoever sees the end of the connection finds the call in the log.
        service.note(request, status, sent, began_at, started, spoiled=rule is not None)
    if rule is not None:
        await _until_closed(send)


async def _spoiled(service: Service, request: Request, rule: FaultRule, send: Any) -> tuple[int, int]:
    """The status and the number of bytes sent; 0 and 0 when the connection was cut before any."""
    service.world.clock.advance(rule.advance_seconds)
    await asyncio.sleep(min(rule.delay_seconds, REQUEST_SECONDS_MAX))
    if rule.delay_seconds > REQUEST_SECONDS_MAX:
        answer: Answer | None = service.erp.answer_named("gateway_timeout", request)
    elif rule.drop == "before":
        answer = None
    else:
        answer = _carried_out(service, request, rule)
    service.count_request()
    service.world.commit()
    await asyncio.sleep(rule.answer_delay_seconds)
    if answer is None or rule.drop == "after":
        await asyncio.sleep(rule.hang_seconds)
        _cut(send, rule.reset)
        return 0, 0
    return answer.status, await _send_spoiled(answer, rule, send)


def _carried_out(service: Service, request: Request, rule: FaultRule) -> Answer | None:
    """What the call is answered with; None when its answer is lost because it takes effect later."""
    given = _given(service, request, rule)
    if rule.late is not None:
        service.late.put(request, rule.late, service.world.clock.now(), service.requests_seen)
        if not rule.duplicate:
            return given
    if given is not None and not rule.carried_out:
        answer = given
    else:
        answer = service.answer(request)
        if rule.duplicate and rule.late is None:
            answer = service.answer(request, "duplicate")
    if given is not None and rule.stored:
        service.erp.remember(request, given)
    return answer if given is None else given


def _given(service: Service, request: Request, rule: FaultRule) -> Answer | None:
    """The answer a rule puts in place of the real one."""
    if rule.answer is not None:
        return service.erp.answer_named(rule.answer, request)
    if rule.status is None:
        return None
    if isinstance(rule.body, str):
        kinds = {"<": "text/html", "{": "application/json", "[": "application/json"}
        body, kind = rule.body.encode(), kinds.get(rule.body.lstrip()[:1], "text/plain")
    else:
        body, kind = (b"" if rule.body is None else msgspec.json.encode(rule.body)), "application/json"
    headers = {name: value for name, value in rule.headers.items() if name.lower() != "content-type"}
    given_kind = next((value for name, value in rule.headers.items() if name.lower() == "content-type"), kind)
    return Answer(rule.status, body, given_kind, headers)


async def _send_spoiled(answer: Answer, rule: FaultRule, send: Any) -> int:
    """Send an answer short or slowly; the number of bytes of its body that went out."""
    body = answer.body if rule.truncate_bytes is None else answer.body[: rule.truncate_bytes]
    is_cut = rule.truncate_bytes is not None and not rule.truncate_quietly
    await _start(answer, len(answer.body) if is_cut else len(body), send)
    if rule.drip_bytes_per_second is None:
        await send({"type": "http.response.body", "body": body, "more_body": is_cut})
    else:
        tenth = max(1, rule.drip_bytes_per_second // 10)
        for at in range(0, len(body), tenth):
            await send({"type": "http.response.body", "body": body[at : at + tenth], "more_body": True})
            await asyncio.sleep(tenth / rule.drip_bytes_per_second)
        if not is_cut:
            await send({"type": "http.response.body", "body": b""})
    if is_cut:
        _cut(send, rule.reset)
    return len(body)


async def send_answer(answer: Answer | Iterator[bytes], send: Any) -> None:
    """Send a whole answer; an iterator of pieces is one of status 200."""
    if not isinstance(answer, Answer):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        for piece in answer:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    await _start(answer, len(answer.body), send)
    for at in range(0, len(answer.body), _PIECE_BYTES):
        piece = answer.body[at : at + _PIECE_BYTES]
        await send({"type": "http.response.body", "body": piece, "more_body": at + _PIECE_BYTES < len(answer.body)})
    if not answer.body:
        await send({"type": "http.response.body", "body": b""})


async def _start(answer: Answer, length: int, send: Any) -> None:
    headers = [(b"content-type", answer.content_type.encode()), (b"content-length", str(length).encode())]
    headers += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


def _cut(send: Any, is_reset: bool) -> None:
    """Close the connection at the loop's next turn; what was handed to the socket still goes, unless it is reset."""
    protocol = getattr(send, "__self__", None)
    transport = getattr(protocol, "transport", None)
    if protocol is None or transport is None:
        raise ConnectionCutError("the simulator was told to cut this connection")
    if is_reset:
        # Lingering for no time makes the system send a reset instead of an orderly end.
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    else:
        transport.close()


async def _until_closed(send: Any) -> None:
    """A call may only end once its connection is closed, if it was cut: the server would answer for it otherwise."""
    protocol = getattr(send, "__self__", None)
    transport = getattr(protocol, "transport", None)
    while transport is not None and transport.is_closing() and not protocol.disconnected:
        await asyncio.sleep(0.001)
