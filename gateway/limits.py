"""How much a request may be: its body in bytes and in depth, told before anything reads it."""

from __future__ import annotations

from itertools import accumulate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import problem

DEPTH_MAX = 32
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# As signed bytes: one deeper, and one less deep.
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")


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
    """How deeply the arrays and objects of a JSON text are nested; texts in it count for nothing.

    It runs on the event loop and before any key is looked at, for a body is parsed before its sender is asked for: so
    no loop of Python's goes over bytes.
    """
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    brackets = b"".join(plain.split(b'"')[::2]).translate(_STEPS, _NO_BRACKETS)
    return max(accumulate(memoryview(brackets).cast("b"), initial=0))
