"""How commands speak. Tables: whole words where there is room, everything inside the terminal where there is not."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from pipelines.commands import console

ROW = ("qbo_demo", "invoices", "a sentence of several words about a record", "2026-11-21 17:10:18Z")


def printed(monkeypatch: pytest.MonkeyPatch, width: int) -> str:
    text = io.StringIO()
    monkeypatch.setattr(console, "out", Console(file=text, width=width))
    console.print_table("A title that is longer than a table is wide", ["name", "entity", "says", "since"], [ROW])
    return text.getvalue()


def test_a_narrow_table_folds_sentences_and_keeps_words(monkeypatch):
    text = printed(monkeypatch, 60)

    assert all(word in text for word in ("sentence", "2026-11-21", "17:10:18Z", "invoices"))
    assert text.splitlines()[0] == "A title that is longer than a table is wide"


@pytest.mark.parametrize("width", [30, 40, 60, 120])
def test_no_table_is_wider_than_the_terminal(monkeypatch, width):
    lines = printed(monkeypatch, width).splitlines()[1:]

    assert max(map(len, lines)) <= width
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize(
    ("is_terminal", "arguments", "is_shown"),
    [
        pytest.param(True, ["sync"], True, id="a person at a terminal"),
        pytest.param(True, ["sync", "--json"], False, id="a program reads"),
        pytest.param(False, ["sync"], False, id="a pipe"),
    ],
)
def test_progress_is_for_people(monkeypatch, is_terminal, arguments, is_shown):
    text = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=text, width=80, force_terminal=is_terminal))
    monkeypatch.setattr(sys, "argv", ["tieout", *arguments])

    with console.progress("Importing [/a].csv") as says:
        says("bills 1,000")

    assert ("Importing [/a].csv: bills 1,000" in text.getvalue()) is is_shown
    assert bool(text.getvalue()) is is_shown
