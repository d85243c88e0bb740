"""What long runs did is summed up from a file, whatever pieces they were done in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.faults.tally import Tally


def a_schedule(seed: int, **more: Any) -> dict[str, Any]:
    struck = [["page_fetched", "kill", 1], ["page_fetched", "reading_lost", 2]]
    done = {"seed": seed, "seconds": 0.5, "commit": "abc", "passed": {"page_fetched": 3}, "struck": struck}
    return {**done, "failure": "", **more}


def a_file(path: Path, *lines: dict[str, Any]) -> Tally:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Tally.read(path)


def test_pieces_are_summed_up_and_known_again(tmp_path: Path):
    tally = a_file(tmp_path / "tally", a_schedule(1), a_schedule(2), a_schedule(7, commit="def"))

    assert (tally.schedules, tally.seeds, tally.failed) == (3, {1, 2, 7}, {})
    assert tally.pairs()["page_fetched", "reading_lost"] == 6
    said = tally.as_markdown("somewhere")
    assert "**3 schedules** (2 at commit abc, 1 at commit def), seeds 1 to 2, 7, somewhere: **0 with" in said


def test_what_failed_and_what_was_missed_is_said(tmp_path: Path):
    tally = a_file(
        tmp_path / "tally",
        a_schedule(1, failure="1: lost"),
        {"mutant": "no_probe", "found_at": [4, "2: twice"]},
        {"mutant": "no_intent", "found_at": None},
    )

    assert (tally.failed, tally.missed_mutants()) == ({1: "1: lost"}, ["no_intent"])
    assert "| `no_probe` | 4 | 2: twice |" in tally.as_markdown("")
    assert "| `no_intent` | not found |  |" in tally.as_markdown("")


def test_a_file_that_is_summed_up_says_the_same(tmp_path: Path):
    path = tmp_path / "tally"
    mutant = {"mutant": "no_probe", "found_at": [4, "2: twice"]}
    tally = a_file(path, a_schedule(1), a_schedule(2), a_schedule(7, commit="def", failure="1: lost"), mutant)

    tally.write(path)

    assert len(path.read_text().splitlines()) == 1
    assert Tally.read(path).as_markdown("") == tally.as_markdown("")
    assert Tally.read(path).failed == tally.failed


def test_what_failed_is_run_again_and_counts_once(tmp_path: Path):
    path = tmp_path / "tally"
    tally = a_file(path, a_schedule(1), a_schedule(2, failure="1: lost"))
    assert tally.held == {1}

    tally.take(a_schedule(2))

    assert (tally.schedules, tally.held, tally.failed) == (2, {1, 2}, {})


def test_a_run_that_has_not_begun_has_done_nothing(tmp_path: Path):
    assert Tally.read(tmp_path / "none").schedules == 0
