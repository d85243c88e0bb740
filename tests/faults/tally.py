"""What long runs have done so far, kept in a file: one line that sums up, and one for each schedule and mutant since.

Belongs here: reading and writing that file, summing it up, and the figures for docs/reliability.md. A run that was
broken off is gone on with by naming the same file: what is in it is not run again, but what failed is. Those of
`tests/faults/tallies` are what the document's figures are of.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resources.points import POINTS
from tests.faults.aims import STRIKES, why_not
from tests.faults.erps import erp_of
from tests.faults.faults import FAULTS
from tests.faults.mutants import mutants_of

REACHED = 100


@dataclass
class Tally:
    """Sums over every line read that is of one ERP."""

    erp: str = "quickbooks"
    seconds: float = 0.0
    seeds: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    mutants: dict[str, list[Any] | None] = field(default_factory=dict)
    commits: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def read(cls, path: Path, erp: str = "quickbooks") -> Tally:
        tally = cls(erp)
        if path.exists():
            for line in path.read_text().splitlines():
                tally.take(json.loads(line))
        return tally

    @property
    def schedules(self) -> int:
        return len(self.seeds)

    @property
    def held(self) -> set[int]:
        """The seeds that need not be run again."""
        return self.seeds - self.failed.keys()

    def take(self, report: dict[str, Any]) -> None:
        """Add a line of the file; a schedule that is run again counts once, as it ended last."""
        if report.get("erp", "quickbooks") != self.erp:
            return
        if "mutant" in report:
            self.mutants[report["mutant"]] = report["found_at"]
            return
        if "seeds" in report:
            self.seeds.update(*(range(first, last + 1) for first, last in report["seeds"]))
            self.mutants |= report["mutants"]
            self.commits.update(report["commits"])
            self.failed |= {int(seed): failure for seed, failure in report["failed"].items()}
        else:
            seed = report["seed"]
            if seed not in self.seeds:
                self.commits[report["commit"]] += 1
            self.seeds.add(seed)
            self.failed.pop(seed, None)
            if report["failure"]:
                self.failed[seed] = report["failure"]
        self.seconds += report["seconds"]
        self.passed.update(report["passed"])
        self.struck.update({(point, what): count for point, what, count in report["struck"]})

    def write(self, path: Path) -> None:
        """The file as one line: what can be read of it later is the same."""
        struck = sorted((point, what, count) for (point, what), count in self.struck.items())
        summed = {
            "erp": self.erp,
            "seeds": _ranges(self.seeds),
            "seconds": round(self.seconds, 1),
            "commits": dict(sorted(self.commits.items())),
            "passed": dict(sorted(self.passed.items())),
            "struck": struck,
            "failed": self.failed,
            "mutants": self.mutants,
        }
        path.write_text(json.dumps(summed) + "\n")

    def missed_mutants(self) -> list[str]:
        return [name for name, found in self.mutants.items() if found is None]

    def pairs(self) -> dict[tuple[str, str], int]:
        """How often each pair of point and strike or fault that can occur did."""
        return {
            (point, what): self.struck[point, what]
            for point in POINTS
            for what in (*STRIKES, *FAULTS)
            if not self._why_not(point, what)
        }

    def _why_not(self, point: str, what: str) -> str:
        return why_not(point, what, reads_to_write=erp_of(self.erp).reads_to_write)

    def as_markdown(self, machine: str) -> str:
        pairs = self.pairs()
        often = sum(count >= REACHED for count in pairs.values())
        never = [f"`{point}` x {what}" for (point, what), count in pairs.items() if not count]
        commits = ", ".join(f"{count} at commit {commit}" for commit, count in sorted(self.commits.items()))
        seeds = ", ".join(f"{first} to {last}" if first != last else f"{first}" for first, last in _ranges(self.seeds))
        lines = [
            f"**{self.schedules} schedules** ({commits}), seeds {seeds}, {machine}: "
            f"**{len(self.failed)} with something that does not hold**. {self.seconds / max(1, self.schedules):.1f} s "
            "each by the clock, one at a time.",
            "",
            f"Of {len(pairs)} pairs of a point and a strike or fault that can occur, **{often} did at least {REACHED} "
            f"times** and {len(never)} never{': ' + ', '.join(never) if 0 < len(never) <= 40 else ''}. The last two "
            f"columns: of the faults of requests that can hit an action that passes the point, how many did at least "
            f"{REACHED} times, and the rarest.",
            "",
            "| point | passed | " + " | ".join(STRIKES) + f" | faults x {REACHED} | rarest |",
            "|---|---|" + "---|" * (len(STRIKES) + 2),
        ]
        for point in POINTS:
            cells = [f"{self.struck[point, how]}" if not self._why_not(point, how) else "-" for how in STRIKES]
            faults = {fault: self.struck[point, fault] for fault in FAULTS if (point, fault) in pairs}
            rarest = min(faults, key=lambda fault: faults[fault]) if faults else ""
            reached = f"{sum(count >= REACHED for count in faults.values())} of {len(faults)}" if faults else "-"
            last = f"{rarest} {faults[rarest]}" if faults else "-"
            lines.append(f"| `{point}` | {self.passed[point]} | {' | '.join(cells)} | {reached} | {last} |")
        lines += ["", "What cannot occur (-):", ""]
        reasons: dict[str, list[str]] = {}
        for point in POINTS:
            for what in (*STRIKES, *FAULTS):
                if reason := self._why_not(point, what):
                    reasons.setdefault(reason, []).append(point)
        lines += [f"- {', '.join(f'`{p}`' for p in dict.fromkeys(at))}: {reason}." for reason, at in reasons.items()]
        if self.mutants:
            lines += ["", "| broken on purpose | found at seed | by |", "|---|---|---|"]
            for name in mutants_of(self.erp):
                if name in self.mutants:
                    seed, says = self.mutants[name] or ("not found", "")
                    lines.append(f"| `{name}` | {seed} | {says.replace('|', '/')[:110]} |")
        return "\n".join(lines)


def _ranges(seeds: set[int]) -> list[list[int]]:
    """The first and the last of each that follow each other."""
    found: list[list[int]] = []
    for seed in sorted(seeds):
        if found and found[-1][1] == seed - 1:
            found[-1][1] = seed
        else:
            found.append([seed, seed])
    return found
