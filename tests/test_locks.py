"""What is installed is what was locked: by hash, from whatever registry the machine is set to."""

from __future__ import annotations

import re

import pytest

from tests.house import ROOT

# A requirement, where it is needed, and its hashes, a line each.
REQUIREMENT = re.compile(
    r"^[\w.-]+(\[[\w, -]+\])?==[^\s\\;]+( ; [^\\\n]+?)?( \\\n    --hash=sha256:[0-9a-f]{64})+$\n?", re.MULTILINE
)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_file_names_no_registry_and_hashes_every_requirement(name: str):
    text = (ROOT / name).read_text(encoding="utf-8")
    said = "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#"))

    assert "://" not in text
    assert REQUIREMENT.sub("", said).strip() == ""
    assert len(REQUIREMENT.findall(said)) > 50
