"""Whom root lets run the embedded PostgreSQL, because PostgreSQL refuses to run as root.

Belongs here: choosing that user and finding out whether they can get at what they are to run. How a process turns into
them is in `resources/stores/keeper.py`. For everybody but root there is nothing to choose: they run it themselves.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from resources.errors import ErrorKind, TieoutError
from resources.stores import keeper

_CAP_DAC_OVERRIDE = 1
_CAP_DAC_READ_SEARCH = 2
_CAP_SETPCAP = 8


@dataclass(frozen=True, slots=True)
class Account:
    """Who runs the server when we are root. `capability` (a bit number) is kept if the way leads past root's doors."""

    user: int
    group: int
    name: str
    capability: int | None


def choose_account(root: Path, binaries: Path) -> Account | None:
    """Whom a root process lets run the server, because PostgreSQL refuses root; None for everybody else.

    `root` is the directory with `data` in it. The owner of existing data; else a user named tieout if the administrator
    made one; else nobody. Raises TieoutError(SYSTEM) if there is no such user or no way for them to what they run.
    """
    if os.geteuid() != 0:
        return None
    entry = None
    data = root / "data"
    if data.exists() and data.stat().st_uid != 0:
        with suppress(KeyError):
            entry = pwd.getpwuid(data.stat().st_uid)
    for name in ("tieout", "nobody"):
        with suppress(KeyError):
            entry = entry or pwd.getpwnam(name)
    if entry is None:
        raise _no_account(
            root,
            "root, and no user named tieout or nobody",
            "an unprivileged user, because PostgreSQL refuses to run as root",
            "make one (useradd --system tieout), or run Tieout as an ordinary user",
        )
    ways = (root, binaries)
    capability = None
    if not all(_may_pass(entry, way) for way in ways):
        capability = passing_capability()
        if capability is None:
            closed = " and ".join(str(way) for way in ways if not _may_pass(entry, way))
            raise _no_account(
                root,
                f"that user {entry.pw_name}, who runs PostgreSQL for root, may not pass the way to {closed}",
                "directories that every user may pass",
                "put checkout and TIEOUT_HOME elsewhere (/srv/tieout), or run Tieout as an ordinary user",
            )
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, capability)


def through_keeper(mode: str, command: list[str], account: Account | None, **more: str) -> list[str]:
    """The command line that makes the keeper `run` or `keep` this command as that user."""
    options = {
        "command": command,
        "user": account.user if account else None,
        "group": account.group if account else None,
        "capability": account.capability if account else None,
        **more,
    }
    return [sys.executable, "-I", "-S", str(Path(keeper.__file__).absolute()), mode, json.dumps(options)]


def account_name(account: Account | None) -> str:
    """Who runs the server: the chosen user, or the one of this process."""
    return account.name if account else name_of(os.geteuid())


def name_of(user: int) -> str:
    with suppress(KeyError):
        return pwd.getpwuid(user).pw_name
    return str(user)


def _may_pass(entry: pwd.struct_passwd, way: Path) -> bool:
    """Whether a user with no other group may pass every directory down to and including `way`."""
    for directory in (way, *way.parents):
        facts = directory.stat()
        needed = stat.S_IXOTH
        if facts.st_uid == entry.pw_uid:
            needed = stat.S_IXUSR
        elif facts.st_gid == entry.pw_gid:
            needed = stat.S_IXGRP
        if not facts.st_mode & needed:
            return False
    return True


def passing_capability() -> int | None:
    """The least capability we have that opens the way: to read and pass anything, else to override all file rights.

    Containers commonly keep only the second. None where the system has no capabilities, gives us neither, or does not
    let us hand one on (`_CAP_SETPCAP`).
    """
    try:
        own = re.search(r"^CapPrm:\s+([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        return None
    permitted = int(own.group(1), 16) if own else 0
    if not permitted >> _CAP_SETPCAP & 1:
        return None
    for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        if permitted >> capability & 1:
            return capability
    return None


def _no_account(root: Path, found: str, expected: str, next_step: str) -> TieoutError:
    return TieoutError(
        ErrorKind.SYSTEM,
        doing=f"starting the embedded PostgreSQL in {root}",
        found=found,
        expected=expected,
        next_step=next_step,
    )
