"""What the demo needs before it begins: its folder, a free port, a simulator of each ERP.

Belongs here: starting from nothing and ending what was started. What is shown is `show.py`.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from resources.errors import ErrorKind, TieoutError
from resources.stores import embedded

MARKER = "this-is-the-demo"
UNUSED_SECONDS_MAX = 10.0


def start_afresh(home: Path) -> None:
    """Remove what an earlier demo left; a folder that is not a demo's is refused."""
    if home.exists() and any(home.iterdir()) and not (home / MARKER).exists():
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing=f"starting the demo in {home}",
            found="files that no demo made",
            expected="an empty folder, or that of an earlier demo",
            next_step="name another folder with --home",
        )
    if home.exists():
        _wait_until_unused(home)
        shutil.rmtree(home)
    home.mkdir(parents=True)
    (home / MARKER).write_text("Everything here is made anew by every `make demo`.\n")


def refuse_taken_ports(port: int) -> None:
    """Said before the work, which takes a minute, and not after it: Dagster's port, and the gateway's behind it."""
    for needed, what in ((port, "Dagster's UI"), (port + 1, "the gateway")):
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", needed)) == 0:
                raise TieoutError(
                    ErrorKind.VALIDATION,
                    doing="starting the demo",
                    found=f"something that listens on port {needed}",
                    expected=f"a free port for {what}",
                    next_step=f'end it, or name another: make demo ARGS="--port {port + 10}"',
                )


@contextmanager
def simulators(erps: Sequence[str]) -> Iterator[list[str]]:
    """A simulator of each ERP as a process of its own, with its generated company; yields their addresses.

    They start side by side, because each takes seconds to make up its company. None of them counts calls: a morning's
    work in half a minute is more than an ERP allows.
    """
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "sandbox",
                "--erp",
                erp,
                "--port",
                "0",
                "--seed",
                "demo",
                "--with-parent",
                "--no-limits",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for erp in erps
    ]
    try:
        yield [_address(erp, process) for erp, process in zip(erps, processes, strict=True)]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()


def _address(erp: str, process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if "listening on " not in line:
        raise TieoutError(
            ErrorKind.SYSTEM,
            doing=f"starting the simulator of {erp}",
            found=line.strip() or f"exit code {process.wait()}",
            expected="the address it listens on",
            next_step=f"run `.venv/bin/python -m sandbox --erp {erp} --port 8801` to see why",
        )
    return line.split("listening on ")[1].strip()


def _wait_until_unused(home: Path) -> None:
    """A demo that was killed is gone within seconds; one that runs keeps its database, which must not be removed."""
    deadline = time.monotonic() + UNUSED_SECONDS_MAX
    while embedded.status(home).state not in ("absent", "stopped"):
        if time.monotonic() > deadline:
            raise TieoutError(
                ErrorKind.VALIDATION,
                doing=f"starting the demo in {home}",
                found="another demo at work there",
                expected="a folder that nothing uses",
                next_step="end that demo, or name another folder with --home and another port with --port",
            )
        time.sleep(0.2)
