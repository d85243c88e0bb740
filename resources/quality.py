"""Data-quality suites: Great Expectations over one connection's ledger rows, one suite an entity, built from its spec.

Belongs here: what is expected and how a verdict is read. Which verdict stops what is the caller's decision. Importing
this module is cheap; importing Great Expectations takes seconds and happens at the first validation.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from psycopg import sql

from ledger.spec import EntitySpec, RefersTo, RefersToAny, entities, parent_column
from resources.stores.database import APP_ROLE

SAMPLE_ROWS_MAX = 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """One expectation on one connection's rows; `sample` holds ledger ids of the first rows that break it."""

    name: str
    says: str
    is_passed: bool
    is_blocking: bool
    failed_count: int
    sample: tuple[int, ...]
    query: str


@dataclass(frozen=True, slots=True)
class _Expected:
    name: str
    says: str
    column: str
    expression: str
    is_blocking: bool = True


def validate(url: str, tenant: str, connection: str, spec: EntitySpec) -> list[Verdict]:
    """Run the entity's suite on the live rows of one connection, as one tenant sees them."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import great_expectations as gx
        from great_expectations import expectations as gxe

        expected = expectations_of(spec)
        source = _source(gx, url, tenant)
        query = rows_query(spec, connection, expected)
        asset = source.add_query_asset(f"{connection}.{spec.name}", query=query)
        try:
            suite = gx.ExpectationSuite(
                name=f"ledger.{spec.name}",
                expectations=[
                    gxe.ExpectColumnValuesToBeInSet(column=e.column, value_set=[True], description=e.says)
                    for e in expected
                ],
            )
            batch = asset.add_batch_definition_whole_table("all").get_batch()
            answer = batch.validate(
                suite, result_format={"result_format": "SUMMARY", "unexpected_index_column_names": ["ledger_id"]}
            )
        finally:
            source.delete_asset(asset.name)
    return [
        _verdict(e, result, f"select * from ({query}) rows where not {e.column}")
        for e, result in zip(expected, _in_order(answer.results, expected), strict=True)
    ]


def expectations_of(spec: EntitySpec) -> list[_Expected]:
    """What must hold for every row of the entity, from its spec."""
    found = [
        _Expected(
            "key_is_unique",
            "each record is in the ledger once",
            "ok_key_is_unique",
            "count(*) over (partition by b.external_id) = 1 and count(*) over (partition by l.ledger_id) = 1",
        )
    ]
    for f in spec.fields:
        if f.choices:
            words = ", ".join(f"'{word}'" for word in f.choices)
            found.append(
                _Expected(
                    f"{f.name}_is_known",
                    f"{f.name} is one of {words}",
                    f"ok_{f.name}_is_known",
                    f"l.{f.column} in ({words})",
                )
            )
    for rule in spec.rules:
        found.append(_Expected(rule.name, rule.says, f"ok_{rule.name}", rule.sql, rule.is_blocking))
    known = ", ".join(f"'{e.name}'" for e in entities())
    for part in spec.parts:
        for f in part.fields:
            if isinstance(f.reference, RefersTo):
                found.append(
                    _Expected(
                        f"{part.name}_{f.name}_resolves",
                        f"the {f.name} of each of its {part.name} is in the ledger",
                        f"ok_{part.name}_{f.name}_resolves",
                        f"not exists (select from ledger.{spec.part_table_names[part.name]} p "
                        f"where p.{parent_column(spec)} = l.ledger_id and p.{f.column} is not null and not exists "
                        f"(select from ledger.{f.reference.entity} r where r.ledger_id = p.{f.column}))",
                    )
                )
            if isinstance(f.reference, RefersToAny):
                found.append(
                    _Expected(
                        f"{part.name}_resolve",
                        f"every document its {part.name} name is in the ledger",
                        f"ok_{part.name}_resolve",
                        f"not exists (select from ledger.{spec.part_table_names[part.name]} p "
                        f"where p.{parent_column(spec)} = l.ledger_id and p.{f.column} is null "
                        f"and p.{f.reference.entity_field} in ({known}))",
                    )
                )
    return found


def rows_query(spec: EntitySpec, connection: str, expected: Sequence[_Expected]) -> str:
    """The connection's live rows, with one true-or-false column for each expectation."""
    columns = ", ".join(f"coalesce({e.expression}, false) as {e.column}" for e in expected)
    return (
        f"select l.ledger_id, {columns} from ledger.{spec.name} l join sync.bindings b "
        f"on b.entity = '{spec.name}' and b.ledger_id = l.ledger_id "
        f"where b.connection = {sql.Literal(connection).as_string(None)} and not l.is_deleted"
    )


@cache
def _context(gx: Any) -> Any:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


@cache
def _source(gx: Any, url: str, tenant: str) -> Any:
    options = quote(f"-c role={APP_ROLE} -c tieout.tenant={tenant}")
    separator = "&" if "?" in url else "?"
    return _context(gx).data_sources.add_postgres(
        f"ledger-{len(_context(gx).data_sources.all())}",
        connection_string=url.replace("postgresql://", "postgresql+psycopg://", 1) + f"{separator}options={options}",
    )


def _in_order(results: Sequence[Any], expected: Sequence[_Expected]) -> list[Any]:
    by_column = {r.expectation_config.kwargs["column"]: r for r in results}
    return [by_column[e.column] for e in expected]


def _verdict(expected: _Expected, result: Any, query: str) -> Verdict:
    failure = (result.exception_info or {}).get("exception_message")
    if failure:
        raise RuntimeError(f"{expected.name}: {failure}")
    found = result.result or {}
    rows = found.get("partial_unexpected_index_list") or []
    return Verdict(
        name=expected.name,
        says=expected.says,
        is_passed=bool(result.success),
        is_blocking=expected.is_blocking,
        failed_count=int(found.get("unexpected_count") or 0),
        sample=tuple(int(row["ledger_id"]) for row in rows[:SAMPLE_ROWS_MAX]),
        query=query,
    )
