"""One Tieout process of the benchmark: connect a company, or sync one, and print what it did as one JSON object.

Belongs here: what a user's own process would do, from import to exit. Measuring it is `bench/measure.py`.
"""

from __future__ import annotations

import json
import sys
from time import perf_counter

import requests

from resources.erps import erp_of
from resources.services import Services
from resources.settings import load_settings
from resources.stages.sync import sync

CONNECTION = "volume"
TENANT = "default"
PACE = 0.001


def connect(services: Services, erp: str, base_url: str) -> None:
    """Make the schema and one connection to the simulator at `base_url`, with tokens minted for it."""
    from resources.connecting import add_connection
    from resources.stores import migrate

    migrate.migrate(services.owner_url)
    token = requests.post(f"{base_url}/_sandbox/tokens", timeout=30).json()
    keys = [key.name for key in erp_of(erp).setting_keys if key.name in token and key.name != "access_token"]
    add_connection(
        services,
        name=CONNECTION,
        erp=erp,
        tenant=TENANT,
        base_url=base_url,
        values={key: token[key] for key in keys},
    )


def main(arguments: list[str]) -> None:
    """`connect ERP URL`, `sync` or `census`; TIEOUT_HOME says where."""
    with Services(load_settings()) as services:
        # The simulators count no calls here, for dlt either: nobody waits for the next minute's.
        services.pace = PACE
        if arguments[0] == "connect":
            connect(services, *arguments[1:])
            return
        began = perf_counter()
        report = sync(services, CONNECTION, kind="full" if arguments[0] == "census" else "delta")
        print(
            json.dumps(
                {
                    "seconds": perf_counter() - began,
                    "calls": report.api_calls,
                    "pulled": sum(outcome.pulled for outcome in report.outcomes.values()),
                    "inserted": sum(outcome.inserted for outcome in report.outcomes.values()),
                    "updated": sum(outcome.updated for outcome in report.outcomes.values()),
                    "held": sum(outcome.held for outcome in report.outcomes.values()),
                    "censuses": len(report.censuses),
                    "listed": sum(found.listed for found in report.censuses.values()),
                }
            )
        )


if __name__ == "__main__":
    main(sys.argv[1:])
