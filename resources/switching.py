"""How soon one of our threads makes way for another that has something to do."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_SECONDS = 0.001

_lock = threading.Lock()
# How many blocks are being worked in, by all threads, and how long a thread might go on before the first of them.
_depth = 0
_before = 0.0


@contextmanager
def prompt_switching() -> Iterator[None]:
    """For a thread that mostly waits for others, beside one that reckons.

    Whoever reckons would go on for five milliseconds each time the other is back with an answer, and a page takes
    thirty answers of PostgreSQL, which meanwhile has nothing to do.
    """
    global _depth, _before
    with _lock:
        if _depth == 0:
            _before = sys.getswitchinterval()
            sys.setswitchinterval(min(SWITCH_SECONDS, _before))
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                sys.setswitchinterval(_before)
