"""A record: found by any of its names, and everything that happened to it, in order."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from gateway.console.pages import new_router, render
from gateway.console.visitors import Reader
from gateway.console.words import money
from ledger.spec import entities, parent_column, spec_of
from resources.stores import overview, stories

router = new_router()
VERSIONS_SHOWN_MAX = 100
STORIES_SHOWN_MAX = 5
NAME_CHARACTERS_MAX = 200


@router.get("/records")
def page(
    request: Request,
    visitor: Reader,
    entity: str = "invoices",
    id: Annotated[str, Query(max_length=NAME_CHARACTERS_MAX)] = "",
) -> Response:
    names = [spec.name for spec in entities()]
    asked, found = id.strip().replace("\0", ""), []
    if asked:
        with visitor.transaction() as tx:
            listed = [one.name for one in overview.connections(tx, limit=VERSIONS_SHOWN_MAX)]
            found = stories.stories(tx, listed, entity, asked, versions_max=VERSIONS_SHOWN_MAX)
    told = [_told(entity, story) for story in found[:STORIES_SHOWN_MAX]]
    return render(
        request,
        "records.html",
        visitor=visitor,
        names=names,
        entity=entity,
        asked=asked,
        told=told,
        left_out=max(len(found) - STORIES_SHOWN_MAX, 0),
        value=_value,
        versions_max=VERSIONS_SHOWN_MAX,
    )


def _told(entity: str, story: dict[str, Any]) -> dict[str, Any]:
    spec = spec_of(entity)
    return {
        **story,
        "called": stories.called(story),
        "row": stories.newest(story),
        "events": stories.events(story)[::-1],
        "tables": [
            (name, stories.columns_of(parts, without=parent_column(spec)), parts)
            for name, parts in story["parts"].items()
            if parts
        ],
    }


def _value(column: str, value: Any) -> Any:
    return money(value) if column.endswith(("amount", "price")) and value is not None else value
