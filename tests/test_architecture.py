"""The house keeps its shape: who may import whom, one name an entity everywhere, charters on every module."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.spec import entities
from resources.erps import erp_names, erp_of

ROOT = Path(__file__).parents[1]
PACKAGES = ("pipelines", "sensors", "assets", "resources", "ledger", "gateway", "sandbox")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def test_imports_point_inward():
    ran = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("erp", erp_names())
def test_an_entity_has_one_name_as_spec_mapping_and_file(erp):
    mappings = erp_of(erp).mappings()
    for entity in entities():
        assert (ROOT / "ledger" / "entities" / f"{entity.name}.py").exists()
        if entity.name in mappings:
            assert (ROOT / "resources" / "erps" / erp / f"{entity.name}.py").exists()
            assert erp_of(erp).entities[entity.name].wire_name == mappings[entity.name].wire_name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_opens_with_its_charter(path):
    source = path.read_text(encoding="utf-8")

    assert not source.strip() or ast.get_docstring(ast.parse(source)), f"{path.relative_to(ROOT)} has no charter"


def test_assets_sensors_and_pipelines_name_no_entity_and_no_erp():
    """Adding either must not touch them. The people of the demo's companies know their ERP, each in its own file."""
    names = {f'"{entity.name}"' for entity in entities()} | {f'"{erp}"' for erp in erp_names()}
    for package in ("assets", "sensors", "pipelines"):
        for path in (ROOT / package).rglob("*.py"):
            if path.parent.name != "demo" or path.stem not in erp_names():
                found = [name for name in names if name in path.read_text(encoding="utf-8")]
                assert not found, f"{path.relative_to(ROOT)} names {found}"


def test_only_one_file_in_resources_knows_dagster():
    knowing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "resources").rglob("*.py")
        if any(
            isinstance(node, (ast.Import, ast.ImportFrom))
            and any(name.split(".")[0] == "dagster" for name in _imported(node))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    }

    assert knowing == {"resources/configured.py"}


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
