"""The views of schema `analytics`: which there are, what their columns mean and come from, and making them.

Belongs here: the registry. Views that follow from the entity specs are written by `views_conformed.py`; all others are
files of `sql/views/`. Both are the same kind of text, and everything that is told of a view is read from it:

    create view analytics.NAME as ...;
    comment on view analytics.NAME is '...';
    comment on column analytics.NAME.COLUMN is '...'; -- numeric from ledger.invoices.open_amount

A view reads with the rights of its owner, to whom row-level security applies as to everybody else: so whoever may read
it sees the rows of the tenant their login is bound to, and no others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from resources.stores.views_conformed import conformed_views

SCHEMA = "analytics"
FOLDER = Path(__file__).parents[2] / "sql" / "views"
_VIEW = re.compile(rf"^comment on view {SCHEMA}\.(\w+) is '((?:[^']|'')+)';", re.MULTILINE)
_COLUMN = re.compile(
    rf"^comment on column {SCHEMA}\.(\w+)\.(\w+) is '((?:[^']|'')+)'; -- ([a-z ]+?)(?: from ([\w., ]+))?$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """One column; `sources` are the columns it is made of, as `schema.table.column`, none for a count or a clock."""

    name: str
    says: str
    type: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """One view of schema analytics; `text` are the statements that make it and say what it is."""

    name: str
    says: str
    columns: tuple[ViewColumn, ...]
    text: str

    @property
    def relations(self) -> tuple[str, ...]:
        """What its columns come from, as `schema.table`, other views among them."""
        return tuple(dict.fromkeys(one.rpartition(".")[0] for c in self.columns for one in c.sources))


class ViewError(ValueError):
    """A view's text does not say what it has to."""


@cache
def views() -> tuple[View, ...]:
    """Every view, in an order in which each comes after those it reads. Raises ViewError for a text that is wrong."""
    found = {view.name: view for view in map(_read, [*conformed_views(), *_files()])}
    ordered: dict[str, View] = {}

    def add(view: View) -> None:
        for relation in view.relations:
            schema, _, name = relation.partition(".")
            if schema == SCHEMA and name not in ordered:
                add(found[name])
        ordered.setdefault(view.name, view)

    for name in sorted(found):
        add(found[name])
    return tuple(ordered.values())


def count(tx: psycopg.Connection[Any], view: View) -> int:
    """How many rows of the transaction's tenant a view shows."""
    query = sql.SQL("select count(*) from {}.{}").format(sql.Identifier(SCHEMA), sql.Identifier(view.name))
    (rows,) = tx.execute(query).fetchone()  # type: ignore[misc]
    return rows


def _files() -> Sequence[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.sql"))]


def _read(text: str) -> View:
    said = _VIEW.findall(text)
    if len(said) != 1:
        raise ViewError(f"a view of {SCHEMA}: found {len(said)} comments on a view, expected one: {text[:80]!r}")
    name, says = said[0]
    columns = tuple(
        ViewColumn(column, _plain(about), kind, tuple(filter(None, sources.replace(" ", "").split(","))))
        for view, column, about, kind, sources in _COLUMN.findall(text)
        if view == name
    )
    if len(columns) != text.count("comment on column"):
        raise ViewError(f"{SCHEMA}.{name}: a comment on a column is not written as `resources/stores/views.py` says")
    return View(name, _plain(says), columns, text)


def _plain(quoted: str) -> str:
    return quoted.replace("''", "'")
