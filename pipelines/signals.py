"""Signals while Dagster runs a job in this process: none is forgotten.

Between two steps Dagster takes SIGINT and SIGTERM and, if no step follows, drops them (dagster 1.13,
`dagster._utils.interrupts.capture_interrupts`): whoever pressed Ctrl-C just then would wait for ever.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ENDING = {signal.SIGINT, signal.SIGTERM}


@contextmanager
def none_forgotten() -> Iterator[None]:
    """Raise KeyboardInterrupt at the end of the block if a signal that ends us came in it and nothing was raised."""
    if threading.current_thread() is not threading.main_thread():
        # Signals are the main thread's, and only there does Dagster take them.
        yield
        return
    reading, writing = socket.socketpair()
    with reading, writing:
        reading.setblocking(False)
        writing.setblocking(False)
        # Python writes the number of each signal here, whoever's handler is set.
        before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
        try:
            came = set(reading.recv(1024))
        except BlockingIOError:
            came = set()
    if came & _ENDING:
        raise KeyboardInterrupt
