"""What is amiss before any command has begun: declarations, and connections whose values are not all given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.conftest import ScratchDatabase

ROOT = Path(__file__).parents[2]
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def test_an_entity_that_nothing_can_be_built_from_is_one_sentence():
    # As if somebody had declared it so: declarations are read when they are imported.
    wrong = "import ledger.spec, runpy; ledger.spec.CODE_LISTS = (); runpy.run_module('pipelines', run_name='__main__')"

    done = subprocess.run([sys.executable, "-c", wrong, "doctor"], cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tieout: loading the definitions: there is no list 'terms' of codes")
    assert done.stderr.count("\n") == 1


def test_a_declared_connection_without_its_secret_is_told_which_variable_to_set(
    fresh_database: ScratchDatabase, tmp_path: Path
):
    (tmp_path / "connections.toml").write_text(
        '[connections.my-company]\nerp = "quickbooks"\nrealm_id = "123146"\nclient_id = "app"\n'
    )
    settings = {
        "TIEOUT_HOME": str(tmp_path),
        "TIEOUT_DATABASE_URL": fresh_database.url("owner"),
        "TIEOUT_ENCRYPTION_KEY": KEY,
        "TIEOUT_CONNECTIONS": str(tmp_path / "connections.toml"),
    }

    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "init"], cwd=ROOT, env=settings, capture_output=True, text=True
    )

    assert done.returncode == 2
    assert "set TIEOUT_CONNECTION_MY_COMPANY__CLIENT_SECRET" in done.stderr
    assert "--set" not in done.stderr
