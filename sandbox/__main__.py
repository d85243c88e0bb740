"""`python -m sandbox`: run one ERP simulator until told to stop.

Belongs here: the command line and the process (ready line, signals, parent watch). Importing it starts nothing.
"""

import argparse
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

import uvicorn

from sandbox.clock import Clock
from sandbox.control import Control
from sandbox.host import Host


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A wire-compatible ERP simulator.")
    parser.add_argument("--erp", choices=["quickbooks"], required=True)
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--seed", choices=["demo", "empty"], default="empty", help="what the company starts with")
    parser.add_argument("--persist", metavar="FILE", help="keep the company in FILE over restarts")
    parser.add_argument(
        "--with-parent", action="store_true", help="stop when the process that started this one is gone"
    )
    parser.add_argument("--no-limits", action="store_true", help="never answer 429")
    parser.add_argument("--realm", default="9130357849001216", metavar="ID", help="the company's realm id")
    return parser.parse_args(argv)


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, in the words others wait for."""

    def __init__(self, config: uvicorn.Config, port: int) -> None:
        super().__init__(config)
        self._port = port

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(f"listening on http://{self.config.host}:{self._port}", flush=True)


def _watch_parent(server: uvicorn.Server) -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        server.should_exit = True

    threading.Thread(target=watch, daemon=True, name="parent watch").start()


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code (2 when the port or the file cannot be used)."""
    arguments = _arguments(argv)
    clock = Clock()
    try:
        erp, committed = _quickbooks(arguments, clock)
        listener = socket.create_server((arguments.host, arguments.port), backlog=2048)
    except (OSError, ValueError) as error:
        print(f"sandbox {arguments.erp}: starting on {arguments.host}:{arguments.port}: {error}", file=sys.stderr)
        return 2
    config = uvicorn.Config(
        Host(Control(erp, clock), committed),
        host=arguments.host,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config, listener.getsockname()[1])
    if arguments.with_parent:
        _watch_parent(server)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has shut down; being told to stop is a clean end here.
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    return 0


def _quickbooks(arguments: argparse.Namespace, clock: Clock) -> tuple[Any, Any]:
    from sandbox.quickbooks.app import QuickBooks
    from sandbox.quickbooks.persist import Journal

    journal = Journal(arguments.persist) if arguments.persist else None
    company = QuickBooks(clock, realm_id=arguments.realm, journal=journal)
    if arguments.no_limits:
        company.turn({"rate_limits": False})
    if journal is None or not company.restore():
        company.reset(arguments.seed, 1)
    return company, company.commit


if __name__ == "__main__":
    sys.exit(main())
