"""The small process between Tieout and its embedded PostgreSQL: it starts the server and ends it with its last user.

Belongs here: what must go on when the process that asked for the server is gone. It runs as a script, isolated and with
the standard library alone (`python -I -S keeper.py keep '{...}'`), so that it costs 10 MB and starts in milliseconds.
Who may start it, when, and on which directory is decided in `resources/stores/embedded.py`.

How it knows its users: each holds a shared lock on one file for as long as it lives, and the kernel lets go of the lock
when the process ends, however it ends. Once the keeper gets the lock for itself alone, nobody is left.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import sys
import time
from types import FrameType

POLL_SECONDS = 0.2
FAST_STOP_SECONDS_MAX = 30.0
IMMEDIATE_STOP_SECONDS_MAX = 5.0

# From linux/prctl.h, linux/securebits.h and linux/capability.h.
PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapabilityData(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def become(user: int, group: int, capability: int | None) -> None:
    """Turn this root process into `user`, for good, keeping at most one capability (a bit number) across exec.

    PostgreSQL refuses to run as root. The capability is one that lets it pass directories of root's (`/root`, a private
    temporary directory) on the way to its own binaries and data. Raises OSError if the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if capability is not None:
        # Keeps the capability through setuid, and has access(2) respect it: initdb asks that before it starts postgres.
        _check(libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    if capability is not None:
        only = 1 << capability
        data = (_CapabilityData * 2)(_CapabilityData(only, only, only), _CapabilityData(0, 0, 0))
        _check(libc.capset(ctypes.byref(_CapabilityHeader(CAPABILITY_VERSION_3, 0)), ctypes.byref(data)))
        _check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def run(command: list[str], user: int | None, group: int | None, capability: int | None) -> None:
    """Replace this process by `command`, as `user` if one is given."""
    if user is not None and group is not None:
        become(user, group, capability)
    os.umask(0o077)
    os.execv(command[0], command)


def keep(command: list[str], user: int | None, group: int | None, capability: int | None, users_lock: str) -> int:
    """Run the server `command` until nobody holds `users_lock` any more or a signal says stop. Returns an exit code."""
    is_told_to_stop = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal is_told_to_stop
        is_told_to_stop = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    users = os.open(users_lock, os.O_RDWR)
    keeper = os.getpid()
    server = os.fork()
    if server == 0:
        _become_server(command, user, group, capability, keeper)
    while not is_told_to_stop and not _is_alone(users):
        ended, status = os.waitpid(server, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(POLL_SECONDS)
    # SIGINT is PostgreSQL's fast stop: cut the clients off, write a checkpoint. SIGQUIT leaves that to recovery.
    for number, seconds_max in ((signal.SIGINT, FAST_STOP_SECONDS_MAX), (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS_MAX)):
        os.kill(server, number)
        if _ends_within(server, seconds_max):
            return 0
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)
    return 1


def _become_server(
    command: list[str], user: int | None, group: int | None, capability: int | None, keeper: int
) -> None:
    """In the child: become the server, which the kernel stops (fast) should the keeper itself be killed."""
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        if user is not None and group is not None:
            become(user, group, capability)
        os.umask(0o077)
        if sys.platform == "linux":
            # Changing the user clears this, so it comes last.
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
            if os.getppid() != keeper:
                os._exit(1)
        os.execv(command[0], command)
    except OSError as error:
        print(f"keeper: starting {command[0]}: {error}", file=sys.stderr, flush=True)
    os._exit(127)


def _is_alone(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ends_within(process: int, seconds_max: float) -> bool:
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        if os.waitpid(process, os.WNOHANG)[0]:
            return True
        time.sleep(0.02)
    return False


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def main(arguments: list[str]) -> int:
    mode, options = arguments[0], json.loads(arguments[1])
    if mode == "keep":
        return keep(**options)
    try:
        run(**options)
    except OSError as error:
        print(f"keeper: starting {options['command'][0]}: {error}", file=sys.stderr, flush=True)
    return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
