"""Measuring whole processes: wall time, CPU with children, peak memory, and the CPU of servers that work for them.

Belongs here: starting, timing and stopping processes. What is compared is in `bench/run.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 0.05
PROCESS_SECONDS_MAX = 900.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One whole process, from start to exit. `said` is the JSON object it printed last.

    `client_cpu_seconds`: user and system time of it and its children, by wait4. `server_cpu_seconds`: what PostgreSQL
    used meanwhile. `simulator_cpu_seconds`: what the ERP simulator used meanwhile, in no ratio. `peak_bytes`: the
    largest sum of resident memory over it and its children, sampled, and never less than its own peak.
    """

    wall_seconds: float
    client_cpu_seconds: float
    server_cpu_seconds: float
    simulator_cpu_seconds: float
    peak_bytes: int
    said: dict[str, Any]

    @property
    def cpu_seconds(self) -> float:
        return self.client_cpu_seconds + self.server_cpu_seconds


def cpu_of_tree(pid: int) -> float:
    """User and system seconds of a process, its living descendants, and those it has waited for."""
    total = 0.0
    process = psutil.Process(pid)
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def measure(
    command: Sequence[str], *, postgres_pid: int, simulator_pid: int, environment: dict[str, str] | None = None
) -> Measured:
    """Run one process to its end. Raises RuntimeError with what it said if it fails or takes over 15 minutes."""
    server_before, simulator_before = cpu_of_tree(postgres_pid), cpu_of_tree(simulator_pid)
    began = perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    sampler = _Sampler(process.pid)
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read()), daemon=True)
    reader.start()
    limit = threading.Timer(PROCESS_SECONDS_MAX, process.kill)
    limit.start()
    try:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    finally:
        limit.cancel()
        sampler.stop()
    wall_seconds = perf_counter() - began
    reader.join()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} ...: exit {process.returncode}: {''.join(errors)[-2000:]}")
    return Measured(
        wall_seconds=wall_seconds,
        client_cpu_seconds=usage.ru_utime + usage.ru_stime,
        server_cpu_seconds=cpu_of_tree(postgres_pid) - server_before,
        simulator_cpu_seconds=cpu_of_tree(simulator_pid) - simulator_before,
        peak_bytes=max(sampler.peak_bytes, usage.ru_maxrss * 1024),
        said=json.loads(output.strip().splitlines()[-1]) if output.strip() else {},
    )


class _Sampler:
    """Sums the resident memory of a process tree every 50 ms and keeps the largest sum."""

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self._process = psutil.Process(pid)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._is_over.wait(SAMPLE_SECONDS):
            with suppress(psutil.NoSuchProcess):
                tree = [self._process, *self._process.children(recursive=True)]
                self.peak_bytes = max(self.peak_bytes, sum(one.memory_info().rss for one in tree))

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()
