"""The warm parent of the product's processes: everything is imported here once, and nothing is ever done here.

Run as `python -m tests.faults.zygote ERP URL HOME SERVER`, it reads one JSON list of actions a line on standard input,
has them all done at once, each in a process of its own (`crew.py`), and answers with a list of how each ended. What an
action is says `worker.py`.
"""

from __future__ import annotations

import gc
import json
import logging
import sys
import time
import types
from pathlib import Path

from psycopg import _preparing

from resources import erps
from resources.stages import sync as whole_way
from tests.faults.crew import Crew
from tests.faults.erps import erp_of
from tests.faults.worker import Worker

WAITS_SHORTENED = 0.02


def main() -> None:
    erp, url, home, server = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    warm_up(erp)
    crew = Crew(lambda mutant: Worker(erp, url, home, server, mutant).serve)
    for line in sys.stdin:
        print(json.dumps(crew.work(json.loads(line))), flush=True)


def warm_up(erp: str) -> None:
    """Import what every child needs, so that none of them has to, and shorten every wait."""
    import resources.http
    import resources.oauth

    erps.erp_of(erp).mappings()
    erp_of(erp).warm_up()
    resources.http.RETRY_DELAY_SECONDS_MIN = resources.http.RETRY_DELAY_SECONDS_MAX = 0.0
    whole_way.time = types.SimpleNamespace(  # type: ignore[assignment]
        monotonic=time.monotonic, sleep=lambda seconds: time.sleep(seconds * WAITS_SHORTENED)
    )
    # A statement is prepared the first time, and (`cluster.py`) planned once: most of what a run costs the database is
    # planning, and a process that is struck dead after one action never comes to where that stops by itself.
    _preparing.PrepareManager.prepare_threshold = 0
    _preparing.PrepareManager.prepared_max = 1000
    # A pool whose connections were dropped says so; that they were is our own doing.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    # What is not moved to the permanent generation would be copied into every child by its first collection.
    gc.freeze()


if __name__ == "__main__":
    main()
