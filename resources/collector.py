"""Pausing Python's garbage collector around work that makes a million objects and no cycles."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
# How many blocks are being worked in, by all threads, and whether the collector ran before the first of them.
_depth = 0
_was_collecting = False


@contextmanager
def collector_paused() -> Iterator[None]:
    """The collector would walk everything made in the block again and again, for up to half of its time.

    It rests until no thread is in such a block any more, and then looks once at what they left.
    """
    global _depth, _was_collecting
    with _lock:
        if _depth == 0:
            _was_collecting = gc.isenabled()
            gc.disable()
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0 and _was_collecting:
                gc.enable()
