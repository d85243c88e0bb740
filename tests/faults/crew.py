"""The processes in which the product works: each is forked from a warm parent, works until it is struck dead, and is
replaced then.

Belongs here: making them, giving them actions, and hearing what became of each. What one of them does is `worker.py`.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# What goes in and out of every process that was made here: no other may hold it open, or nobody would see it end.
_pipes: set[int] = set()

# (where actions come in, where reports go out) -> the exit code.
Serve = Callable[[int, int], int]


@dataclass
class Hired:
    """One process of the product; `mutant` says how the protocol is broken in it, if it is."""

    pid: int
    mutant: str
    asks: int
    hears: int
    _heard: bytes = field(default=b"", repr=False)

    def give(self, action: dict[str, Any]) -> None:
        os.write(self.asks, json.dumps(action).encode() + b"\n")

    def end(self) -> dict[str, Any]:
        """How the action that was given ended: `code` (minus a signal's number if the process died of it), `said`
        (what it failed with), `passed` (points by count), `struck` (whether its strike came), and what it reports.
        """
        passed: Counter[str] = Counter()
        found: dict[str, Any] = {"code": None, "said": "", "struck": False, "passed": passed}
        while found["code"] is None:
            report = self._next_report()
            if report is None:
                _, status = os.waitpid(self.pid, 0)
                self.dismiss()
                found["code"] = os.waitstatus_to_exitcode(status)
            elif "passed" in report:
                passed[report["passed"]] += 1
            else:
                found.update(report)
        return found

    def is_dead(self) -> bool:
        return self.asks not in _pipes

    def dismiss(self) -> None:
        """Let it go; it ends when it reads that nothing more comes."""
        for pipe in (self.asks, self.hears):
            _pipes.discard(pipe)
            os.close(pipe)

    def _next_report(self) -> dict[str, Any] | None:
        while b"\n" not in self._heard:
            said = os.read(self.hears, 65536)
            if not said:
                return None
            self._heard += said
        line, _, self._heard = self._heard.partition(b"\n")
        return json.loads(line)


def hire(serve: Serve, mutant: str) -> Hired:
    """Fork a process that serves."""
    reading, asks = os.pipe()
    hears, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(reading)
        os.close(writing)
        _pipes.update((asks, hears))
        return Hired(pid, mutant, asks, hears)
    code = 1
    try:
        for pipe in (asks, hears, *_pipes):
            os.close(pipe)
        _pipes.clear()
        code = serve(reading, writing)
    finally:
        os._exit(code)


class Crew:
    """Those who work now; somebody is hired where nobody is free."""

    def __init__(self, serve_as: Callable[[str], Serve]) -> None:
        self._serve_as = serve_as
        self._free: list[Hired] = []

    def work(self, actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Do all of these at once, each in a process of its own; gives how each ended."""
        chosen = [self._take(action.get("mutant", "")) for action in actions]
        for hired, action in zip(chosen, actions, strict=True):
            hired.give(action)
        ended = [hired.end() for hired in chosen]
        self._free = [*(hired for hired in chosen if not hired.is_dead()), *self._free]
        return ended

    def _take(self, mutant: str) -> Hired:
        for hired in self._free:
            if hired.mutant == mutant:
                self._free.remove(hired)
                return hired
        for hired in self._free:
            # Whoever works in another way is not needed any more.
            hired.dismiss()
            os.waitpid(hired.pid, 0)
        self._free = []
        return hire(self._serve_as(mutant), mutant)
