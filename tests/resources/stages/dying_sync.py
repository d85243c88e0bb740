"""A sync in a process of its own that is killed at a point, as by a power cut: `python -m ... URL HOME NAME POINT`.

POINT is what the sync says it is doing ("pulling invoices", "merging payments"); the process dies the first time.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from resources.stages.sync import sync
from tests.books import open_services


def main(url: str, home: str, name: str, point: str) -> None:
    with open_services(url, Path(home)) as services:

        def die(connection: str, doing: str, count: int) -> None:
            if doing == point:
                os.kill(os.getpid(), signal.SIGKILL)

        services.on_progress = die
        sync(services, name)


if __name__ == "__main__":
    main(*sys.argv[1:])
