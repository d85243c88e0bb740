"""What the documents promise: every command they name exists, every link leads somewhere, every entity is explained.

Belongs here: what can be checked without running the product. That the demo does what the README shows is
`tests/pipelines/test_demo.py`; that the tour's SQL answers is for whoever changes a table to try.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.entities import REFERENCE_ENTITIES
from ledger.reconcile import Cause
from ledger.spec import entities
from pipelines.commands.root import app
from resources.erps import erp_names, erp_of
from resources.settings import load_settings
from tests.journeys.damage import DAMAGES

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "resources/erps").glob("*/README.md")])
FENCE = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
# Down to the first word that is an argument, an option or a shell's.
TIEOUT = re.compile(r"(?:^|[\s(;])(?:\.venv/bin/)?tieout((?: [a-z][a-z-]*)+)")
MAKE = re.compile(r"(?:^|[\s(;])make(?: [A-Z]+=\S+)* ([a-z]+)")
OPTION = re.compile(r"(?<=\s)--[a-z][a-z-]+")


def texts() -> list[tuple[Path, str]]:
    return [(path, path.read_text(encoding="utf-8")) for path in DOCUMENTS]


def code_of(text: str) -> list[str]:
    """The lines of fenced blocks, joined where a backslash continues them, and the inline code outside them."""
    blocks = [line for block in FENCE.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    return blocks + INLINE.findall(FENCE.sub("", text))


def commands_of(line: str) -> list[list[str]]:
    """The words after each `tieout` of a line, as far as they could name a command."""
    return [found.split() for found in TIEOUT.findall(line.split("#")[0])]


@pytest.fixture(scope="module")
def helps() -> dict[tuple[str, ...], str]:
    """The help of every command and group there is, by its words."""
    runner = CliRunner()
    groups = {group.name: group.typer_instance for group in app.registered_groups}
    names = [(command.name,) for command in app.registered_commands] + [(name,) for name in groups]
    names += [(group, command.name) for group, typer in groups.items() for command in typer.registered_commands]
    found: dict[tuple[str, ...], str] = {}
    for name in names:
        answered = runner.invoke(app, [*map(str, name), "--help"], env={"COLUMNS": "200", "TERM": "dumb"})
        assert answered.exit_code == 0, f"tieout {name} --help: {answered.output}"
        found[tuple(map(str, name))] = re.sub(r"\x1b\[[0-9;]*m", "", answered.output)
    return found


def named_command(words: list[str], helps: dict[tuple[str, ...], str]) -> tuple[str, ...] | None:
    """The longest beginning of these words that is a command."""
    return next((key for n in (2, 1) if (key := tuple(words[:n])) in helps), None)


def test_every_tieout_command_in_the_documents_exists_with_its_options(helps):
    wrong = []
    for path, text in texts():
        for line in code_of(text):
            for words in commands_of(line):
                command = named_command(words, helps)
                if command is None:
                    wrong.append(f"{path.name}: {line}")
                else:
                    options = OPTION.findall(line.split("#")[0].split("tieout", 1)[1].split('")')[0])
                    wrong += [f"{path.name}: {line}: {o}" for o in options if o not in helps[command]]
    assert wrong == []


def test_the_readme_names_every_command(helps):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {named_command(words, helps) for line in code_of(readme) for words in commands_of(line)}
    groups = {key[:1] for key in helps if len(key) == 2}

    assert set(helps) - groups - named == set()


def test_every_make_target_in_the_documents_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {target for _, text in texts() for line in code_of(text) for target in MAKE.findall(line)}

    assert named - targets == set()
    assert {"demo", "test", "bench", "pictures"} <= named


def test_every_relative_link_and_picture_exists():
    missing = [
        f"{path.relative_to(ROOT)}: {link}"
        for path, text in texts()
        for link in LINK.findall(FENCE.sub("", text))
        if not link.startswith(("http://", "https://", "#")) and not (path.parent / link.split("#")[0]).exists()
    ]
    assert missing == []


def test_every_link_into_a_page_has_its_heading():
    def headings(path: Path) -> set[str]:
        found = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}

    missing = []
    for path, text in texts():
        for link in LINK.findall(FENCE.sub("", text)):
            page, sign, heading = link.partition("#")
            target = path.parent / page if page else path
            if sign and "://" not in link and target.suffix == ".md" and heading not in headings(target):
                missing.append(f"{path.relative_to(ROOT)}: {link}")
    assert missing == []


def test_every_document_and_picture_is_reached_from_the_readme():
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        if page.suffix == ".md":
            links = LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
            waiting += [(page.parent / link.split("#")[0]).resolve() for link in links if "://" not in link]

    written = {*DOCUMENTS, *(ROOT / "docs/pictures").glob("*.png")}
    assert written - reached == set()


def test_the_glossary_explains_the_entities_there_are_in_their_order():
    glossary = (ROOT / "docs/glossary.md").read_text(encoding="utf-8").split("## Entities")[1]

    explained = re.findall(r"^\| `([a-z_]+)` \|", glossary, re.MULTILINE)

    assert explained == [*(spec.name for spec in entities()), *REFERENCE_ENTITIES]


def test_the_readme_names_every_setting():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"TIEOUT_[A-Z_]+", load_settings.__doc__ or ""))

    assert documented
    assert set(re.findall(r"^\| `(TIEOUT_[A-Z_]+)`", readme, re.MULTILINE)) == documented


@pytest.mark.parametrize("erp", erp_names())
def test_every_erp_has_a_page_that_names_the_values_of_a_connection(erp):
    page = (ROOT / f"docs/connect-{erp}.md").read_text(encoding="utf-8")

    assert [key.name for key in erp_of(erp).setting_keys if f"`{key.name}`" not in page] == []


def test_every_kind_of_damage_is_in_the_table_of_what_reconciliation_is_held_to():
    text = (ROOT / "docs/reconciliation.md").read_text(encoding="utf-8")
    table = text.split("## What it is held to")[1].split("## Not covered")[0]
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", table)) - {cause.value for cause in Cause}

    assert named == set(DAMAGES)


def test_the_page_on_analytics_is_what_the_views_say_of_themselves():
    spec = importlib.util.spec_from_file_location("write_analytics", ROOT / "docs/write_analytics.py")
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)

    assert writer.PAGE.read_text(encoding="utf-8") == writer.page(), "run `python docs/write_analytics.py`"
