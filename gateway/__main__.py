"""`python -m gateway --port 3001`: serve until told to stop. `tieout up` runs it."""

from __future__ import annotations

import argparse

import uvicorn

from gateway.app import build_app
from gateway.log import log_as_json
from gateway.teller import Teller
from resources.services import Services
from resources.settings import load_settings

STOP_SECONDS_MAX = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gateway", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3001)
    arguments = parser.parse_args()
    log_as_json()
    with Services(load_settings()) as services:
        _ = services.keeper
        with Teller(services):
            uvicorn.run(
                build_app(services),
                host=arguments.host,
                port=arguments.port,
                log_config=None,
                server_header=False,
                timeout_graceful_shutdown=STOP_SECONDS_MAX,
            )


if __name__ == "__main__":
    main()
