"""Data Docs: the static pages that Great Expectations makes of the suites and of each connection's newest verdicts.

Belongs here: Great Expectations' context for one folder, and what is kept there. The folder holds the site
(`index.html` and its pages) and, under `.great_expectations`, the results it was made from, so that processes that take
turns add to one site. Of each connection and suite the newest result stays. No credential is written: data sources live
in memory.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

_STORES = ".great_expectations"


def library() -> Any:
    """Great Expectations, which takes seconds to import and asks nobody outside."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    if "great_expectations" not in sys.modules:
        # Two expectations that no suite here has take SciPy's statistics, a third of all that would be imported.
        _import_when_used("scipy", "stats")
    import great_expectations

    return great_expectations


def _import_when_used(package: str, name: str) -> None:
    """Have `from package import name` give a module that is only read when something is asked of it."""
    whole = f"{package}.{name}"
    spec = None if whole in sys.modules else importlib.util.find_spec(whole)
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[whole] = module
    setattr(sys.modules[package], name, module)
    spec.loader.exec_module(module)


@cache
def context(folder: Path) -> Any:
    """The context whose site is in this folder."""
    gx = library()
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
    )
    config.stores["validation_results_store"] = {  # type: ignore[index]
        "class_name": "ValidationResultsStore",
        "store_backend": _files(folder / _STORES / "results"),
    }
    config.data_docs_sites = {
        "ledger": {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": _files(folder),
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "show_cta_footer": False},
        }
    }
    made = gx.get_context(mode="ephemeral", project_config=config)
    made.variables.progress_bars = {"globally": False}
    return made


def _files(folder: Path) -> dict[str, str]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())}


def run_identifier(connection: str, at: datetime) -> Any:
    from great_expectations.core.run_identifier import RunIdentifier

    return RunIdentifier(run_name=connection, run_time=at)


def identifier_of(answer: Any) -> Any:
    """By what Great Expectations knows one result."""
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    return ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(name=answer.suite_name),
        run_id=answer.meta["run_id"],
        batch_identifier=answer.batch_id,
    )


def publish(folder: Path, results: Sequence[Any]) -> list[Path]:
    """Make the pages of these results, of their suites and the first page; returns where each result's is.

    All in one call: Great Expectations compiles its templates anew in each. A connection's earlier results of the same
    suite are forgotten.
    """
    suites = list(dict.fromkeys(result.expectation_suite_identifier for result in results))
    for result in results:
        for base in (folder / _STORES / "results", folder / "validations"):
            *_, connection, at, _ = result.to_tuple()
            for earlier in base.joinpath(*result.expectation_suite_identifier.name.split("."), connection).glob("*"):
                if earlier.name != at:
                    shutil.rmtree(earlier, ignore_errors=True)
    context(folder).build_data_docs(resource_identifiers=[*suites, *results])
    return [page_of(folder, result) for result in results]


def page_of(folder: Path, result: Any) -> Path:
    *way, name = result.to_tuple()
    return folder.joinpath("validations", *way, f"{name}.html")


def index_of(folder: Path) -> Path:
    return folder / "index.html"
