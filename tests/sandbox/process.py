"""One simulator as a process of its own, with the few words the tests of its server need."""

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]


class Server:
    """One running simulator."""

    def __init__(self, *arguments: str, erp: str = "quickbooks") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--erp", erp, "--port", "0", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline().strip()
        self.address = urlsplit(self.ready.removeprefix("listening on "))
        self.connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=20)
        self.tokens: dict[str, Any] = {}

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        self.connection.request(method, path, data, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def control(self, method: str, name: str, body: Any = None) -> Any:
        status, answer = self.send(method, f"/_sandbox/{name}", body)
        assert status == 200, answer
        return json.loads(answer)

    def api(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        if not self.tokens:
            self.tokens = self.control("POST", "tokens")
        bearer = f"Bearer {self.tokens['access_token']}"
        full = f"/v3/company/{self.tokens['realm_id']}{path}"
        return self.send(method, full, body, Authorization=bearer, Accept="application/json")

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextlib.contextmanager
def running(*arguments: str, erp: str = "quickbooks") -> Iterator[Server]:
    server = Server(*arguments, erp=erp)
    try:
        yield server
    finally:
        server.stop()
