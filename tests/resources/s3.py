"""A bucket of our own over real HTTP: what an object store needs of S3, and no more.

Path-style PUT and GET of objects with a SHA-256 checksum, signed requests only, errors as S3 writes them. A server of
the whole protocol would bring a dozen packages for two verbs.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

ACCESS_KEY = "AKIATEST"


class Bucket:
    """`objects` is path -> (content, media type); `failing` is how many requests are answered with 503 first."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}
        self.failing = 0
        self.url = ""


@contextmanager
def bucket_server() -> Iterator[Bucket]:
    bucket = Bucket()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
            if self._is_refused():
                return
            if self.headers.get("x-amz-checksum-sha256") != digest:
                self._error(400, "BadDigest")
                return
            bucket.objects[self._path()] = (content, self.headers["Content-Type"])
            self._answer(200, b"")

        def do_GET(self) -> None:
            if self._is_refused():
                return
            if self._path() not in bucket.objects:
                self._error(404, "NoSuchKey")
                return
            self._answer(200, bucket.objects[self._path()][0])

        def _path(self) -> str:
            return unquote(urlsplit(self.path).path)

        def _is_refused(self) -> bool:
            if bucket.failing:
                bucket.failing -= 1
                self._error(503, "SlowDown")
            elif f"Credential={ACCESS_KEY}/" not in self.headers.get("Authorization", ""):
                self._error(403, "AccessDenied")
            else:
                return False
            return True

        def _error(self, status: int, code: str) -> None:
            self._answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        bucket.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield bucket
        server.shutdown()
