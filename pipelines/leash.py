"""A process on a leash: it never outlives the one that started it, however that one ends, and neither do its children.

Belongs here: only this. It runs as a script with the standard library alone (`python -I -S leash.py COMMAND...`), stdin
being a pipe whose other end only the supervisor holds: when the supervisor is gone, even by SIGKILL, the pipe ends.
Who is started, restarted and reported is decided in `pipelines/up.py`.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from types import FrameType

POLL_SECONDS = 0.2
STOP_SECONDS_MAX = 6.0
SIGNAL_EXIT = 128


def hold(command: list[str]) -> int:
    """Run `command` in a session of its own until it ends, or until told to stop.

    Returns its exit code, 128 + n if signal n ended it, 0 if we did.
    """
    is_told_to_stop = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal is_told_to_stop
        is_told_to_stop = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    child = os.fork()
    if child == 0:
        _become(command)
    while not is_told_to_stop and not _is_supervisor_gone():
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            # As a shell says it: an exit code cannot be negative.
            return code if code >= 0 else SIGNAL_EXIT - code
    _stop_all(child)
    return 0


def _become(command: list[str]) -> None:
    os.setsid()
    # Dagster copies the disposition of SIGINT onto SIGTERM, so an inherited "ignore" would make it deaf to both.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        os.execv(command[0], command)
    except OSError as error:
        print(f"leash: starting {command[0]}: {error}", file=sys.stderr, flush=True)
    os._exit(127)


def _is_supervisor_gone() -> bool:
    """Waits a moment for the pipe to end; nothing is ever written to it."""
    try:
        readable, _, _ = select.select([0], [], [], POLL_SECONDS)
    except InterruptedError:
        return False
    return bool(readable)


def _stop_all(child: int) -> None:
    """Ask the child to stop, then end it and all that is left of its process group."""
    with_grace = time.monotonic() + STOP_SECONDS_MAX
    os.kill(child, signal.SIGTERM)
    while time.monotonic() < with_grace:
        if os.waitpid(child, os.WNOHANG)[0]:
            break
        time.sleep(0.05)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(hold(sys.argv[1:]))
