"""What the company tells by webhooks while a schedule runs: late, twice, out of order, or never.

Belongs here: the address that the simulator delivers to, and what goes wrong on the way. A delivery that has come is
given to the gateway's own `Inbound`, whose death is tried in `tests/gateway/test_proofs.py`.
"""

from __future__ import annotations

import http.server
import random
import threading
from collections.abc import Mapping
from typing import Any

from gateway.webhooks import Inbound
from resources.services import Services

KEY = "what deliveries are signed with"
# Deliveries of a schedule; few have more.
SPOILED_MAX = 12
CHANGES_MAX = 3
WAYS: tuple[dict[str, Any], ...] = (
    {"copies": 2},
    {"copies": 3, "reverse": True},
    {"reverse": True},
    {"later_deliveries": 3},
    {"copies": 2, "later_deliveries": 2},
    {"drop": True},
)


def spoiled(seed: int) -> list[dict[str, Any]]:
    """The rules of the simulator under which about half of a schedule's deliveries go wrong, and every other
    schedule's all: a notice has its record read by id, which would hide what a delta has missed.
    """
    if seed % 2 == 0:
        return [{"drop": True}]
    chance = random.Random(f"letters {seed}")
    return [{"nth": nth, **chance.choice(WAYS)} for nth in range(1, SPOILED_MAX + 1) if chance.random() < 0.5]


class Letters:
    """One letterbox; what is in it is handed on when somebody says so."""

    def __init__(self, services: Services, connection: str) -> None:
        self._inbound, self._connection = Inbound(services), connection
        self._came: list[tuple[Mapping[str, str], bytes]] = []
        box = self

        class Box(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                box._came.append((self.headers, self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """The simulator keeps its own log of deliveries."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Box)
        threading.Thread(target=self._server.serve_forever, name="letterbox", daemon=True).start()

    @property
    def endpoint(self) -> dict[str, Any]:
        """As the simulator's control API wants to know it."""
        address = f"http://127.0.0.1:{self._server.server_port}/"
        return {"url": address, "verifier": KEY, "automatic": False, "group_max": CHANGES_MAX}

    def hand_on(self) -> int:
        """Give what has come to the product; returns how many deliveries that were."""
        came, self._came = self._came, []
        for headers, body in came:
            answered = self._inbound.take(self._connection, body, headers)
            assert answered == 200, f"a delivery was answered {answered}: {body[:500]!r}"
        return len(came)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
