"""The server side of a simulator: one ASGI application around an ERP's API and the control API.

Belongs here: reading requests and telling the two APIs apart. What rules do to a call is `spoil.py`, what a request
means is the ERP's.
"""

from inspect import isawaitable
from typing import Any

from sandbox.control import Control
from sandbox.http import Request
from sandbox.service import Service
from sandbox.spoil import send_answer, serve


class Host:
    """ASGI application."""

    def __init__(self, service: Service) -> None:
        self.service, self.control = service, Control(service)
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
            if isawaitable(answer):
                answer = await answer
            self.service.world.commit()
            await send_answer(answer, send)
            return
        self._in_flight += 1
        try:
            await serve(self.service, request, send)
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
