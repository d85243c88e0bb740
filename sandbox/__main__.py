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

import uvicorn

from sandbox.erps import ERPS, plug_of
from sandbox.host import Host
from sandbox.persist import Journal
from sandbox.service import Service
from sandbox.world import World


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    first = argparse.ArgumentParser(prog="python -m sandbox", add_help=False)
    first.add_argument("--erp", choices=sorted(ERPS))
    erp = first.parse_known_args(argv)[0].erp
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A wire-compatible ERP simulator.")
    parser.add_argument("--erp", choices=sorted(ERPS), required=True, help="with --help: shows its own arguments too")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--seed", choices=["demo", "empty"], default="empty", help="what the company starts with")
    parser.add_argument("--random-seed", type=int, metavar="N", help="the same tokens and trace ids in every run")
    parser.add_argument("--persist", metavar="FILE", help="keep the company in FILE over restarts")
    parser.add_argument(
        "--with-parent", action="store_true", help="stop when the process that started this one is gone"
    )
    parser.add_argument("--tls-certificate", metavar="FILE", help="speak https with this certificate (PEM)")
    parser.add_argument("--tls-key", metavar="FILE", help="the certificate's key (PEM)")
    parser.add_argument("--no-limits", action="store_true", help="never refuse a request for coming too soon")
    if erp is not None:
        plug_of(erp).add_arguments(parser)
    return parser.parse_args(argv)


class _Server(uvicorn.Server):
    """uvicorn that says when it listens, in the words others wait for."""

    def __init__(self, config: uvicorn.Config, port: int) -> None:
        super().__init__(config)
        self._port = port

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            scheme = "https" if self.config.is_ssl else "http"
            print(f"listening on {scheme}://{self.config.host}:{self._port}", flush=True)


def _watch_parent(server: uvicorn.Server) -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        server.should_exit = True

    threading.Thread(target=watch, daemon=True, name="parent watch").start()


def _service(arguments: argparse.Namespace) -> Service:
    """The company as its file holds it, else begun anew. Raises OSError and ValueError."""
    world = World(Journal(arguments.persist) if arguments.persist else None)
    world.seed(arguments.random_seed)
    service = Service(plug_of(arguments.erp).build(world, arguments), world)
    if not world.come_back(service.erp):
        service.reset(arguments.seed, 1)
    return service


def _config(service: Service, arguments: argparse.Namespace) -> uvicorn.Config:
    """How to serve it. Raises OSError when the certificate cannot be used."""
    for file in (arguments.tls_certificate, arguments.tls_key):
        if file is not None and not os.path.isfile(file):
            raise FileNotFoundError(f"there is no file {file}")
    config = uvicorn.Config(
        Host(service),
        host=arguments.host,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
        ssl_certfile=arguments.tls_certificate,
        ssl_keyfile=arguments.tls_key,
    )
    config.load()
    return config


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code (2 when the port or a file cannot be used)."""
    arguments = _arguments(argv)
    try:
        config = _config(_service(arguments), arguments)
        listener = socket.create_server((arguments.host, arguments.port), backlog=2048)
    except (OSError, ValueError) as error:
        print(f"sandbox {arguments.erp}: starting on {arguments.host}:{arguments.port}: {error}", file=sys.stderr)
        return 2
    server = _Server(config, listener.getsockname()[1])
    if arguments.with_parent:
        _watch_parent(server)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has shut down; being told to stop is a clean end here.
        signal.signal(number, lambda *_: None)
    server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
