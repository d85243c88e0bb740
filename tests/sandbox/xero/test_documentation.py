"""docs/sandbox-xero.md names what the code has: every switch with its values, every resource, every named answer."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from sandbox.xero import answers
from sandbox.xero.resources import RESOURCES
from sandbox.xero.switches import Switches

TEXT = (Path(__file__).parents[3] / "docs" / "sandbox-xero.md").read_text()
HINTS = get_type_hints(Switches)


def test_every_switch_is_documented_with_its_values():
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", TEXT, re.MULTILINE)
    documented = {name: [json.loads(value) for value in re.findall(r"`(.+?)`", values)] for name, values in rows}

    assert documented == {
        name: [Switches().values()[name]] if hint is float else list(get_args(hint)) for name, hint in HINTS.items()
    }


def test_the_first_value_of_a_switch_is_its_default():
    for name, hint in HINTS.items():
        assert hint is float or Switches().values()[name] == get_args(hint)[0]


def test_every_resource_is_documented():
    section = TEXT.partition("## Resources")[2].partition("##")[0]

    assert [each.name for each in RESOURCES if not re.search(rf"\b{each.name}\b", section)] == []


def test_every_named_answer_is_documented():
    with pytest.raises(ValueError) as unknown:
        answers.named("?", "", datetime.now(UTC))

    known = str(unknown.value).partition("there are ")[2].split(", ")
    assert [name for name in known if f"`{name}`" not in TEXT] == []
