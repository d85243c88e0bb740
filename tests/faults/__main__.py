"""The long run: `python -m tests.faults --schedules N --seed S --workers W [--minutes M] [--mutants] [--write]`.

Belongs here: the command, and what it writes into docs/reliability.md between the markers. Each worker is a process
with a database, a simulated company and a product of its own; `make chaos` is this command with its full numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from resources.points import POINTS
from resources.stores.embedded import Server, ensure_running
from tests.books import Books, open_services
from tests.conftest import THROW_AWAY, ScratchDatabase
from tests.faults.faults import FAULTS
from tests.faults.mutants import MUTANTS
from tests.faults.running import attempt, first_failure, shortened
from tests.faults.world import World, running_world
from tests.house import ROOT, connect_simulator, prepare_database, running_simulator

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- figures of the last long run: begin -->", "<!-- figures of the last long run: end -->"
STRIKES = ("kill", "cut", "zombie", "write")
MUTANT_SEEDS = 200
REACHED = 100
SAID_EVERY_SECONDS = 10.0


def main() -> int:
    asked = _arguments()
    if asked.home:
        _work(asked)
        return 0
    with tempfile.TemporaryDirectory() as home, ensure_running(Path(home), options=THROW_AWAY):
        return _lead(asked, home)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1_000, help="the first seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=None, help="begin no schedule after so long")
    parser.add_argument("--mutants", action="store_true", help="also break the protocol on purpose, in every known way")
    parser.add_argument("--write", action="store_true", help=f"write the figures into {DOCUMENT.relative_to(ROOT)}")
    parser.add_argument("--home", default="", help=argparse.SUPPRESS)
    parser.add_argument("--step", type=int, default=1, help=argparse.SUPPRESS)
    return parser.parse_args()


# One worker


def _work(asked: argparse.Namespace) -> None:
    started = time.monotonic()
    with ensure_running(Path(asked.home), options=THROW_AWAY) as server, _new_world(server) as world:
        for seed in range(asked.seed, asked.seed + asked.schedules, asked.step):
            if asked.minutes is not None and time.monotonic() - started > asked.minutes * 60:
                break
            tried = attempt(world, seed)
            _tell(seed=seed, found=bool(tried.found), steps=len(tried.ran.steps))
            if tried.found:
                _tell(failure=shortened(world, tried))
        for name in list(MUTANTS)[asked.seed % asked.step :: asked.step] if asked.mutants else ():
            _tell(mutant=name, found_at=first_failure(world, range(MUTANT_SEEDS), name))
        _tell(passed=world.passed, struck=[[*pair, count] for pair, count in world.struck.items()])


@contextmanager
def _new_world(server: Server) -> Iterator[World]:
    database = ScratchDatabase(f"chaos_{secrets.token_hex(4)}", server)
    with psycopg.connect(server.url("owner", "postgres"), autocommit=True) as owner:
        owner.execute(f"create database {database.name} template template0")
    prepare_database(database)
    with tempfile.TemporaryDirectory() as home, running_simulator("--no-limits") as simulator:
        simulator.reset("empty")
        with open_services(database.url(), Path(home)) as services:
            connect_simulator(services, simulator)
            with running_world(Books(services, database, simulator, Path(home))) as world:
                yield world


def _tell(**report: Any) -> None:
    print(json.dumps(report), flush=True)


# The lead


def _lead(asked: argparse.Namespace, home: str) -> int:
    began = time.monotonic()
    workers = [_start(asked, home, number) for number in range(asked.workers)]
    total = Total()
    said_at = began
    for report in _reports(workers):
        total.take(report)
        if time.monotonic() - said_at > SAID_EVERY_SECONDS:
            said_at = time.monotonic()
            print(f"{total.schedules} schedules, {len(total.failures)} failed, {said_at - began:.0f} s", flush=True)
    total.seconds = time.monotonic() - began
    text = total.as_markdown(asked)
    print(text)
    if asked.write:
        _write(text)
    for failure in total.failures:
        print(failure)
    missed = [name for name, found in total.mutants.items() if found is None]
    lost = [worker.returncode for worker in workers if worker.returncode]
    return 1 if total.failures or missed or lost else 0


def _start(asked: argparse.Namespace, home: str, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults", "--home", home, "--step", str(asked.workers)]
    command += ["--seed", str(asked.seed + number), "--schedules", str(asked.schedules - number)]
    command += ["--minutes", str(asked.minutes)] if asked.minutes is not None else []
    command += ["--mutants"] if asked.mutants else []
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _reports(workers: list[subprocess.Popen[str]]) -> Iterator[dict[str, Any]]:
    """What the workers say, as it comes."""
    with selectors.DefaultSelector() as selector:
        for worker in workers:
            assert worker.stdout
            selector.register(worker.stdout, selectors.EVENT_READ, worker)
        while selector.get_map():
            for key, _ in selector.select():
                line = key.fileobj.readline()  # type: ignore[union-attr]
                if line:
                    yield json.loads(line)
                else:
                    selector.unregister(key.fileobj)
                    key.data.wait()


class Total:
    """What all workers did."""

    def __init__(self) -> None:
        self.schedules = 0
        self.seconds = 0.0
        self.failures: list[str] = []
        self.mutants: dict[str, list[Any] | None] = {}
        self.passed: Counter[str] = Counter()
        self.struck: Counter[tuple[str, str]] = Counter()

    def take(self, report: dict[str, Any]) -> None:
        if "seed" in report:
            self.schedules += 1
        elif "failure" in report:
            self.failures.append(report["failure"])
        elif "mutant" in report:
            self.mutants[report["mutant"]] = report["found_at"]
        else:
            self.passed.update(report["passed"])
            self.struck.update({(point, what): count for point, what, count in report["struck"]})

    def as_markdown(self, asked: argparse.Namespace) -> str:
        lines = [
            f"Run on {datetime.now(UTC):%Y-%m-%d} with {asked.workers} workers on {os.cpu_count()} shared cores: "
            f"**{self.schedules} schedules** from seed {asked.seed} in {self.seconds:.0f} s "
            f"({self.seconds * asked.workers / max(1, self.schedules):.1f} s each by the clock), "
            f"**{len(self.failures)} with something that does not hold**.",
            "",
            f"What struck at which point. The last two columns: of the {len(FAULTS)} faults of requests, how many hit "
            f"an action that passed the point at least {REACHED} times, and the rarest of them.",
            "",
            "| point | passed | " + " | ".join(STRIKES) + f" | faults x {REACHED} | rarest |",
            "|---|---|" + "---|" * (len(STRIKES) + 2),
        ]
        for point in POINTS:
            counts = {fault: self.struck[point, fault] for fault in FAULTS}
            rarest = min(counts, key=lambda fault: counts[fault])
            often = sum(count >= REACHED for count in counts.values())
            cells = [str(self.struck[point, strike]) for strike in STRIKES]
            lines.append(
                f"| `{point}` | {self.passed[point]} | {' | '.join(cells)} | {often} | {rarest} {counts[rarest]} |"
            )
        if self.mutants:
            lines += ["", "| broken on purpose | found at seed | by |", "|---|---|---|"]
            for name in MUTANTS:
                found = self.mutants.get(name)
                seed, says = found if found else ("not found", "")
                lines.append(f"| `{name}` | {seed} | {says.replace('|', '/')[:110]} |")
        return "\n".join(lines)


def _write(text: str) -> None:
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    sys.exit(main())
