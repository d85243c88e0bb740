"""A proxy that stands between our connector and the simulator, and keeps every exchange for the judge.

Belongs here: carrying bytes both ways unchanged, a dropped or cut answer included. What an exchange must be is
`description.py`. Calls of the control API and of the token endpoint are carried and not kept: the published description
does not have them.
"""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.house import CALL_SECONDS_MAX, Simulator
from tests.resources.erps.xero.description import ACCOUNTING, FOLDER, Exchange, Judge

_KEPT = (ACCOUNTING, "/connections")
_OWN_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"})


class Between(Simulator):
    """A simulator reached through the proxy: whoever talks to it talks through the proxy."""

    def __init__(self, base_url: str, judge: Judge) -> None:
        super().__init__(base_url)
        self.judge = judge
        self._exchanges: list[Exchange] = []

    def keep(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)

    def findings(self) -> list[str]:
        """What was wrong with the exchanges since this was last asked, each sentence once."""
        exchanges, self._exchanges = self._exchanges, []
        return list(dict.fromkeys(found for each in exchanges for found in self.judge.findings(each)))


def listened_to(simulator: Simulator) -> AbstractContextManager[Simulator]:
    """A simulator behind the proxy, or as it is where the published description is not beside this checkout."""
    return standing_between(simulator, Judge()) if FOLDER.is_dir() else nullcontext(simulator)


@contextmanager
def standing_between(simulator: Simulator, judge: Judge) -> Iterator[Between]:
    """A proxy on loopback before a running simulator, for as long as the block lasts."""
    upstream = urlsplit(simulator.base_url)
    kept: list[Between] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        upstream: http.client.HTTPConnection | None = None

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (ConnectionError, TimeoutError):
                self.close_connection = True

        def finish(self) -> None:
            if self.upstream is not None:
                self.upstream.close()
            with suppress(OSError):
                super().finish()

        def carry(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {key.lower(): value for key, value in self.headers.items()}
            # A connection for each call: one that the simulator has closed would look like an answer that was lost.
            self.upstream = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=CALL_SECONDS_MAX)
            try:
                self.upstream.request(self.command, self.path, body or None, headers)
                answer = self.upstream.getresponse()
            except (http.client.HTTPException, OSError):
                self._hang_up()
                return
            try:
                content, is_whole = answer.read(), True
            except http.client.IncompleteRead as cut:
                content, is_whole = cut.partial, False
            except OSError:
                self._hang_up()
                return
            if is_whole and self.path.lower().startswith(_KEPT):
                kind = answer.getheader("Content-Type") or ""
                plain = gzip.decompress(content) if answer.getheader("Content-Encoding") == "gzip" else content
                kept[0].keep(Exchange(self.command, self.path, headers, body, answer.status, kind, plain))
            self.send_response_only(answer.status, answer.reason)
            for key, value in answer.getheaders():
                if key.lower() not in _OWN_HEADERS:
                    self.send_header(key, value)
            announced = len(content) if is_whole else int(answer.getheader("Content-Length") or len(content) + 1)
            self.send_header("Content-Length", str(announced))
            self.end_headers()
            self.wfile.write(content)
            self.upstream.close()
            if not is_whole:
                self._hang_up()

        do_GET = do_PUT = do_POST = do_DELETE = carry

        def _hang_up(self) -> None:
            with suppress(OSError):
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.append(Between(f"http://127.0.0.1:{server.server_address[1]}", judge))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield kept[0]
    finally:
        server.shutdown()
        server.server_close()
