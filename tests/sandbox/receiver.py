"""A small web server that receives webhooks and answers as a test wants."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """`received`: headers (lower case) and body of each request; `statuses`: what the next ones are answered with, 200
    when empty."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/hook?from=erp"
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    def wait_for(self, count: int) -> None:
        """Until so many requests have come; AssertionError after five seconds."""
        for _ in range(500):
            if len(self.received) >= count:
                return
            threading.Event().wait(0.01)
        raise AssertionError(f"{len(self.received)} webhooks came in five seconds, {count} were expected")


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
