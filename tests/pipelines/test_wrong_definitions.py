"""A wrong definition, as whoever made it is told: one sentence and the exit code of wrong input, no stack trace."""

from __future__ import annotations

import json
import subprocess
import sys

import dagster as dg
import pytest

from ledger.spec import SpecError
from pipelines import cli
from pipelines.commands import root

# The script as it is installed, where each entity has a natural key that names no field.
TIEOUT = """
import sys
from ledger import spec
entity = spec.entity
spec.entity = lambda **said: entity(**{**said, "natural_key": ("colour",)})
from pipelines.cli import main
sys.argv[0] = "tieout"
main()
"""
SAID = (
    "tieout: reading the definitions: found entity customers: natural key names ['colour'], which are no fields of it, "
    "expected definitions that something can be built from: correct what is named"
)


def test_a_wrong_entity_is_said_by_every_command():
    ended = subprocess.run([sys.executable, "-c", TIEOUT, "errors", "--json"], capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (2, f"{SAID}\n")
    assert json.loads(ended.stdout)["error"]["message"] == SAID


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(SpecError("mapping of bills: unknown fields ['colour']"), id="a mapping's, when it is imported"),
        pytest.param(dg.DagsterInvalidDefinitionError("asset\n  ledger/bills"), id="an asset's, when a job is run"),
    ],
)
def test_what_a_command_meets_only_when_it_runs_is_said_as_well(monkeypatch, capsys, error):
    def app() -> None:
        raise error

    monkeypatch.setattr(root, "app", app)
    monkeypatch.setattr(sys, "argv", ["tieout", "sync"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 2
    said = " ".join(str(error).split())
    assert f"tieout: reading the definitions: found {said}, expected" in " ".join(capsys.readouterr().err.split())


def test_any_other_error_keeps_its_trace(monkeypatch):
    def app() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(root, "app", app)

    with pytest.raises(ZeroDivisionError):
        cli.main()
