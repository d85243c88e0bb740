"""Looking into the books: what is wrong, and everything known of one record."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ledger.spec import parent_column, spec_of
from pipelines.commands.console import (
    EXIT_DONE,
    EXIT_FOUND_WRONG,
    AsJson,
    command,
    out,
    print_json,
    print_table,
    progress,
    services,
)
from resources.services import Services
from resources.stores import errors as error_store
from resources.stores import stories


@command
def errors(
    connection: Annotated[str | None, typer.Argument(help="One connection; all of them if absent.")] = None,
    json: AsJson = False,
) -> int:
    """What is held or failed and not resolved yet; exit 1 if there is any."""
    with services() as house:
        chosen = [house.connection(connection)] if connection else house.connections()
        found: list[dict[str, Any]] = []
        for one in chosen:
            with house.db.transaction(one.tenant) as tx:
                found += error_store.open_errors(tx, one.name)
    if json:
        print_json({"errors": found})
    elif not found:
        out.print("No open error.")
    else:
        # Sentences, which a table would fold into columns of a word each.
        out.print(f"{len(found)} open error{'s' * (len(found) != 1)}", style="bold", highlight=False)
        for e in found:
            said = f"{e['code']} {e['severity']}: {e['message'].removesuffix(': ' + e['next_step'])}"
            out.print(said, highlight=False, markup=False)
            out.print(f"    to do: {e['next_step']}", highlight=False, markup=False)
    return EXIT_FOUND_WRONG if found else EXIT_DONE


@command
def explain(
    entity: Annotated[str, typer.Argument(help="Such as invoices.")],
    record: Annotated[str, typer.Argument(metavar="ID", help="Its id in the ERP, its ledger id, its number or name.")],
    json: AsJson = False,
) -> int:
    """Everything seen, merged, pushed and held about one record, in order, and who wrote each of its values."""
    with services() as house, progress(f"Looking for {entity}/{record}"):
        told = [story for tenant in house.tenants() for story in _stories(house, tenant, entity, record)]
    if json:
        print_json({"records": told})
    elif not told:
        out.print(f"Nothing is known of {entity}/{record}.")
    else:
        for story in told:
            _print_story(entity, story)
    return EXIT_DONE if told else EXIT_FOUND_WRONG


def _stories(house: Services, tenant: str, entity: str, record: str) -> list[dict[str, Any]]:
    names = [one.name for one in house.connections() if one.tenant == tenant]
    with house.db.transaction(tenant) as tx:
        return stories.stories(tx, names, entity, record)


def _print_story(entity: str, story: dict[str, Any]) -> None:
    out.rule(stories.title(entity, story))
    rows = [(f"{event.at:%Y-%m-%d %H:%M:%S}", event.where, event.says) for event in stories.events(story)]
    print_table("What happened", ["when (UTC)", "where", "what"], rows)
    newest = stories.newest(story)
    print_table(
        "What it says, and who says so",
        ["field", "value", "by", "at (UTC)", "run"],
        [
            (column, stories.shown(column, newest[column]), who["by"], f"{who['at']:%Y-%m-%d %H:%M:%S}", who["run_id"])
            for column, who in story["provenance"].items()
        ],
    )
    for name, parts in story["parts"].items():
        if parts:
            columns = stories.columns_of(parts, without=parent_column(spec_of(entity)))
            rows = [[stories.shown(c, p[c]) for c in columns] for p in parts]
            print_table(name.capitalize(), columns, rows, right=[c for c in columns if c.endswith(("amount", "price"))])
