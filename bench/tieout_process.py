"""One Tieout process of the benchmark: connect a company, or sync one, and print what it did as one JSON object.

Belongs here: what a user's own process would do, from import to exit. Measuring it is `bench/measure.py`.
"""

from __future__ import annotations

import json
import sys
from time import perf_counter

import requests

from resources.services import Services
from resources.settings import load_settings
from resources.stages.sync import sync

CONNECTION = "volume"
TENANT = "default"


def connect(services: Services, base_url: str) -> None:
    """Make the schema and one connection to the simulator at `base_url`, with tokens minted for it."""
    from resources.connecting import add_connection
    from resources.stores import migrate

    migrate.migrate(services.owner_url)
    token = requests.post(f"{base_url}/_sandbox/tokens", timeout=30).json()
    keys = ("realm_id", "client_id", "client_secret", "refresh_token")
    add_connection(
        services,
        name=CONNECTION,
        erp="quickbooks",
        tenant=TENANT,
        base_url=base_url,
        values={key: token[key] for key in keys},
    )


def main(arguments: list[str]) -> None:
    """`connect URL` or `sync`; TIEOUT_HOME says where."""
    with Services(load_settings()) as services:
        if arguments[0] == "connect":
            connect(services, arguments[1])
            return
        began = perf_counter()
        report = sync(services, CONNECTION)
        print(
            json.dumps(
                {
                    "seconds": perf_counter() - began,
                    "calls": report.api_calls,
                    "pulled": sum(outcome.pulled for outcome in report.outcomes.values()),
                    "inserted": sum(outcome.inserted for outcome in report.outcomes.values()),
                    "updated": sum(outcome.updated for outcome in report.outcomes.values()),
                    "held": sum(outcome.held for outcome in report.outcomes.values()),
                }
            )
        )


if __name__ == "__main__":
    main(sys.argv[1:])
