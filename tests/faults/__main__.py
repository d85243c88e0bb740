"""The long run: `python -m tests.faults --schedules N --seed S --workers W [--minutes M] [--erp ERP] [--mutants]
[--tally FILE] [--write]`.

Belongs here: the command. Each worker is a process with a database server, a simulated company and a product of its
own; `make chaos` is this command with its full numbers. What it did it adds to a file (`tally.py`); named again, the
file's schedules are not run again but for those that failed, so that a long run can be done in pieces.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from resources.erps import erp_names
from tests.faults.mutants import mutants_of
from tests.faults.running import attempt, first_failure, shortened
from tests.faults.tally import Tally
from tests.faults.world import World, running_world
from tests.house import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"
MUTANT_SEEDS = 20
SAID_EVERY_SECONDS = 30.0


def main() -> int:
    asked = _arguments()
    if asked.part is not None:
        _work(asked)
        return 0
    with tempfile.TemporaryDirectory() as home:
        return _lead(asked, asked.tally or Path(home) / "tally.jsonl")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1_000, help="the first seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=None, help="begin no schedule after so long")
    parser.add_argument("--erp", choices=erp_names(), default="quickbooks", help="whose company the world is about")
    parser.add_argument("--mutants", nargs="*", help="also break the protocol on purpose")
    parser.add_argument("--tally", type=Path, help="a file to add to, and to go on from")
    parser.add_argument("--write", action="store_true", help=f"write its figures into {DOCUMENT.relative_to(ROOT)}")
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.mutants == []:
        asked.mutants = list(mutants_of(asked.erp))
    elif unknown := set(asked.mutants or ()) - set(mutants_of(asked.erp)):
        parser.error(f"no mutant {', '.join(unknown)} of {asked.erp}: there are {', '.join(mutants_of(asked.erp))}")
    return asked


# One worker


def _work(asked: argparse.Namespace) -> None:
    """Every so manieth schedule and mutant, without those that the file has; says each on standard output."""
    started, commit = time.monotonic(), _commit()
    done = Tally.read(asked.tally, asked.erp)
    seeds = [seed for seed in range(asked.seed, asked.seed + asked.schedules) if seed not in done.held]
    mutants = [name for name in asked.mutants or () if name not in done.mutants]
    with tempfile.TemporaryDirectory() as home, running_world(Path(home), asked.erp) as world:
        for seed in seeds[asked.part :: asked.workers]:
            if asked.minutes is not None and time.monotonic() - started > asked.minutes * 60:
                break
            _tell(**_one(world, seed), commit=commit, erp=asked.erp)
        for name in mutants[asked.part :: asked.workers]:
            _tell(mutant=name, erp=asked.erp, found_at=first_failure(world, range(MUTANT_SEEDS), name))


def _one(world: World, seed: int) -> dict[str, Any]:
    world.forget_counts()
    began = time.monotonic()
    tried = attempt(world, seed)
    report: dict[str, Any] = {
        "seed": seed,
        "seconds": round(time.monotonic() - began, 3),
        "passed": dict(world.passed),
        "struck": [[*pair, count] for pair, count in world.struck.items()],
    }
    return {**report, "failure": shortened(world, tried) if tried.found else ""}


def _commit() -> str:
    """Which state of the code runs; a plus for what is not committed."""
    said = subprocess.run(["git", "describe", "--always", "--dirty=+"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


def _tell(**report: Any) -> None:
    print(json.dumps(report), flush=True)


# The lead


def _lead(asked: argparse.Namespace, path: Path) -> int:
    began = said_at = time.monotonic()
    workers = [_start(part, path) for part in range(asked.workers)]
    ran = Tally(asked.erp)
    with path.open("a") as file:
        for report in _reports(workers):
            file.write(json.dumps(report) + "\n")
            file.flush()
            ran.take(report)
            if report.get("failure"):
                print(report["failure"], flush=True)
            if time.monotonic() - said_at > SAID_EVERY_SECONDS:
                said_at = time.monotonic()
                print(f"{ran.schedules} schedules, {len(ran.failed)} failed, {said_at - began:.0f} s", flush=True)
    total = Tally.read(path, asked.erp)
    total.write(path)
    text = total.as_markdown(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} shared cores")
    print(text)
    if asked.write:
        _write(text, asked.erp)
    lost = [worker.returncode for worker in workers if worker.returncode]
    if lost:
        print(
            f"{len(lost)} of {len(workers)} workers ended by an error of their own (above); with the same --tally the"
        )
        print("schedules that they left are run")
    return 1 if total.failed or total.missed_mutants() or lost else 0


def _start(part: int, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults", *sys.argv[1:], "--tally", str(path), "--part", str(part)]
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


def _write(text: str, erp: str) -> None:
    begin, end = (f"<!-- figures of the last long run, {erp}: {which} -->" for which in ("begin", "end"))
    before, found, rest = DOCUMENT.read_text().partition(begin)
    _, _, after = rest.partition(end)
    assert found and after, f"{DOCUMENT} has no place for the figures of {erp}: expected {begin} and {end}"
    DOCUMENT.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


if __name__ == "__main__":
    sys.exit(main())
