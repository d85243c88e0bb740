"""`make demo ARGS=--once`, as the README says it: from nothing to two books that tie out."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MINUTES_MAX = 10


def test_make_demo_once_ties_out_and_leaves_nothing_running(tmp_path):
    home = tmp_path / "demo"

    ran = subprocess.run(
        ["make", "demo", f"ARGS=--once --home {home}"],
        cwd=ROOT,
        env={**os.environ, "TIEOUT_TENANT": "default"},
        capture_output=True,
        text=True,
        timeout=MINUTES_MAX * 60,
    )

    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "Both books tie out." in ran.stdout
    for done in (
        "renames",
        "corrects a line",
        "voids",
        "deletes",
        "takes a payment",
        "takes on a customer",
        "bills it",
        "thanks",
    ):
        assert f"- {done}" in ran.stdout
    assert "held as conflict 1" in ran.stdout
    assert "Traceback" not in ran.stderr


def test_the_demo_refuses_a_folder_that_is_not_its_own(tmp_path):
    (tmp_path / "books.xlsx").write_text("years of work")

    ran = subprocess.run(
        ["make", "demo", f"ARGS=--once --home {tmp_path}"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    assert ran.returncode != 0
    assert "files that no demo made" in ran.stderr
    assert (tmp_path / "books.xlsx").read_text() == "years of work"
