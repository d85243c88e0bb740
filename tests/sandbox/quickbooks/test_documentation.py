"""docs/sandbox-quickbooks.md names what the code has: every switch with its values, every entity."""

import json
import re
from pathlib import Path
from typing import get_args, get_type_hints

from sandbox.quickbooks.spec import ENTITIES
from sandbox.quickbooks.switches import Switches

TEXT = (Path(__file__).parents[3] / "docs" / "sandbox-quickbooks.md").read_text()
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


def test_every_entity_is_documented():
    section = TEXT.partition("## Entities")[2].partition("##")[0]

    assert [entity.name for entity in ENTITIES if not re.search(rf"\b{entity.name}\b", section)] == []
