"""Data-quality suites: Great Expectations over one connection's ledger rows, one suite an entity, built from its spec.

Belongs here: running a suite and reading its verdicts and failing rows. What is expected is `expected.py`, the pages
that Great Expectations makes of it `data_docs.py`; what a verdict stops is `stages/gate.py`. Importing this module is
cheap; importing Great Expectations takes seconds and happens at the first validation.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ledger.spec import EntitySpec
from resources import data_docs
from resources.expected import KEY, Expected, Limits, expectations_of, rows_query
from resources.stores.database import APP_ROLE

SAMPLE_ROWS_MAX = 20
# So many failing rows of one expectation are kept; all are counted.
KEPT_ROWS_MAX = 1000

# What Great Expectations is asked: how many rows break an expectation, or also which.
_COUNTED = {"result_format": "BASIC", "partial_unexpected_count": 0, "exclude_unexpected_values": True}
_NAMED = {
    "result_format": "SUMMARY",
    "unexpected_index_column_names": [KEY],
    "partial_unexpected_count": KEPT_ROWS_MAX,
    "exclude_unexpected_values": True,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation on one connection's rows; `keys` are ledger ids of rows that break it, KEPT_ROWS_MAX at most.

    What is no row of the entity has its table before its id: `invoice_lines/7`, `bindings/1026`, `cursors/invoices`.
    """

    name: str
    says: str
    is_passed: bool
    is_blocking: bool
    row_count: int
    failed_count: int
    keys: tuple[str, ...]
    shows: tuple[str, ...]

    @property
    def sample(self) -> tuple[int | str, ...]:
        return tuple(int(key) if key.isdecimal() else key for key in self.keys[:SAMPLE_ROWS_MAX])


@dataclass(frozen=True, slots=True)
class Examined:
    """A suite's verdicts, and by what Great Expectations knows its result: `data_docs.publish` makes the page of it."""

    verdicts: tuple[Verdict, ...]
    result: Any


def examine(
    url: str,
    tenant: str,
    connection: str,
    spec: EntitySpec,
    limits: Limits,
    docs_folder: Path,
    *,
    is_read: bool = True,
) -> Examined:
    """Run the entity's suite on the live rows of one connection, as one tenant sees them.

    Great Expectations copies what it looks at into a temporary table, so that the rows are joined once and not once for
    each expectation. It counts first, and asks which rows they are, expectation by expectation, only if there are any.
    Linear in the connection's rows of the entity and their parts.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gx = data_docs.library()
        expected = expectations_of(spec, limits, is_read=is_read)
        context = data_docs.context(docs_folder)
        source = _source(context, url, tenant)
        query = rows_query(spec, connection, expected, limits)
        asset = source.add_query_asset(f"{connection}.{spec.name}", query=query)
        try:
            suite = context.suites.add_or_update(
                gx.ExpectationSuite(name=f"ledger.{spec.name}", expectations=[_expectation(one) for one in expected])
            )
            batch = asset.add_batch_definition_whole_table("all")
            definition = context.validation_definitions.add_or_update(
                gx.ValidationDefinition(name=f"{connection}.{spec.name}", data=batch, suite=suite)
            )
            answer = definition.run(
                result_format=_COUNTED, run_id=data_docs.run_identifier(connection, datetime.now(UTC))
            )
            if any(_failed_count(result) for result in answer.results):
                answer = definition.run(
                    result_format=_NAMED, run_id=data_docs.run_identifier(connection, datetime.now(UTC))
                )
        finally:
            source.delete_asset(asset.name)
    results = {r.expectation_config.meta["name"]: r for r in answer.results}
    return Examined(tuple(_verdict(one, results[one.name]) for one in expected), data_docs.identifier_of(answer))


def _failed_count(result: Any) -> int:
    return int((result.result or {}).get("unexpected_count") or 0)


def _expectation(one: Expected) -> Any:
    from great_expectations import expectations as gxe

    common: dict[str, Any] = {"column": one.column, "description": one.says, "meta": {"name": one.name}}
    if one.is_unique:
        return gxe.ExpectColumnValuesToBeUnique(**common)
    if one.share_min is not None:
        # A share of rows, not an amount of money: Great Expectations takes it as a float.
        common["mostly"] = float(one.share_min)
    return gxe.ExpectColumnValuesToBeInSet(value_set=[True], **common)


@cache
def _source(context: Any, url: str, tenant: str) -> Any:
    # After a first sync the planner has no statistics yet and would join the whole book row by row, for minutes.
    options = quote(f"-c role={APP_ROLE} -c tieout.tenant={tenant} -c jit=off -c enable_nestloop=off")
    separator = "&" if "?" in url else "?"
    return context.data_sources.add_postgres(
        f"ledger-{len(context.data_sources.all())}",
        connection_string=url.replace("postgresql://", "postgresql+psycopg://", 1) + f"{separator}options={options}",
        create_temp_table=True,
    )


def _verdict(expected: Expected, result: Any) -> Verdict:
    info: Mapping[str, Any] = result.exception_info or {}
    failure = info.get("exception_message") or next(
        (one["exception_message"] for one in info.values() if isinstance(one, dict) and one.get("exception_message")),
        None,
    )
    if failure:
        raise RuntimeError(f"{expected.name}: {failure}")
    found = result.result or {}
    # The values themselves are all false and left out, and then the keys come as one list.
    rows: Sequence[Mapping[str, Sequence[Any]]] = found.get("partial_unexpected_index_list") or []
    failed_count = _failed_count(result)
    is_other = expected.expression is None and not expected.is_unique
    row_count = int(found.get("element_count") or 0) - int(found.get("missing_count") or 0)
    return Verdict(
        name=expected.name,
        says=expected.says,
        is_passed=bool(result.success),
        is_blocking=expected.is_blocking,
        row_count=failed_count if is_other else row_count,
        failed_count=failed_count,
        keys=tuple(dict.fromkeys(str(key) for row in rows for key in row[KEY])),
        shows=expected.shows,
    )
