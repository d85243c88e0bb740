"""How much a request may be: its body in bytes and in depth, told before anything reads it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import problem

DEPTH_MAX = 32
_QUOTE, _ESCAPE = b'"\\'
_OPENINGS, _CLOSINGS = frozenset(b"[{"), frozenset(b"]}")


class BodyLimit:
    """Reads a body to its end, refuses one that is too long or nested too deeply, and hands it on whole."""

    def __init__(self, app: ASGIApp, *, bytes_max: int) -> None:
        self._app = app
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            if len(body) > self._bytes_max:
                await problem(413, f"a body of more than {self._bytes_max} bytes")(scope, receive, send)
                return
            if not message.get("more_body"):
                break
        if depth_of(body) > DEPTH_MAX:
            await problem(400, f"a document nested more than {DEPTH_MAX} deep")(scope, receive, send)
            return
        given: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def receive_again() -> Message:
            return given.pop() if given else await receive()

        await self._app(scope, receive_again, send)


def depth_of(body: bytes | bytearray) -> int:
    """How deeply the arrays and objects of a JSON text are nested; texts in it count for nothing."""
    depth = deepest = 0
    is_text = is_escaped = False
    for byte in body:
        if is_text:
            if is_escaped:
                is_escaped = False
            elif byte == _ESCAPE:
                is_escaped = True
            elif byte == _QUOTE:
                is_text = False
        elif byte == _QUOTE:
            is_text = True
        elif byte in _OPENINGS:
            depth += 1
            deepest = max(deepest, depth)
        elif byte in _CLOSINGS:
            depth -= 1
    return deepest
