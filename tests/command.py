"""The `tieout` command as tests call it: in this process, on whatever house the environment names."""

from __future__ import annotations

import json
from typing import Any

from typer.testing import CliRunner, Result

from pipelines.commands.root import app


def tieout(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def answer(*arguments: str, code: int = 0) -> dict[str, Any]:
    """What a command says with --json."""
    result = tieout(*arguments, "--json")
    assert result.exit_code == code, f"exit {result.exit_code}: {result.output}"
    return json.loads(result.stdout)
