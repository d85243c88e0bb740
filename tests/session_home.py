"""Where the server of a test session keeps its data: in memory where there is room, else beside pytest's other files.

Every test's database is a thousand files that live for a second. On a disk, making them is most of what many a test
does: ext4 passes over all that were deleted a moment ago before it makes the next.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from pathlib import Path

from resources.stores import embedded

MEMORY = Path("/dev/shm")
# Far more than a session needs: nobody else's is taken away. Containers often have 64 MB there.
FREE_BYTES_MIN = 3_000_000_000
STOP_SECONDS_MAX = 30.0
LEFT_BEHIND_SECONDS = 3600.0
_PREFIX = "tieout-tests-"


def home_of(session: Path) -> Path:
    """The same for every process of the session whose temporary folder this is."""
    own = MEMORY / f"{_PREFIX}{hashlib.sha256(str(session).encode()).hexdigest()[:12]}"
    if own.exists() or (MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= FREE_BYTES_MIN):
        return own
    return session / "tieout-home"


def remove(session: Path) -> None:
    """Give the memory back, once the server has stopped, which it does with its last user; and what killed sessions
    have left.
    """
    own = home_of(session)
    deadline = time.monotonic() + STOP_SECONDS_MAX
    while embedded.status(own).state in ("running", "starting") and time.monotonic() < deadline:
        time.sleep(0.05)
    for home in MEMORY.glob(f"{_PREFIX}*"):
        # Another's that is young and does not run may be just about to.
        is_mine = home == own or time.time() - home.stat().st_mtime > LEFT_BEHIND_SECONDS
        if is_mine and embedded.status(home).state in ("stopped", "absent"):
            shutil.rmtree(home, ignore_errors=True)
