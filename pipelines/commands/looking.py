"""Looking into the books: what is wrong, and everything known of one record."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import typer

from ledger.spec import SpecError, entities, parent_column, spec_of
from pipelines.commands.console import (
    EXIT_DONE,
    EXIT_FOUND_WRONG,
    AsJson,
    command,
    out,
    print_json,
    print_table,
    services,
)
from resources.errors import ErrorKind, TieoutError
from resources.services import Services
from resources.stores import conflicts, history
from resources.stores import errors as error_store


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
    try:
        spec_of(entity)
    except SpecError as error:
        raise TieoutError(
            ErrorKind.VALIDATION,
            doing="explaining a record",
            found=f"entity {entity!r}",
            expected=f"one of {', '.join(spec.name for spec in entities())}",
            next_step="name one of these",
        ) from error
    with services() as house:
        stories = [story for tenant in house.tenants() for story in _stories(house, tenant, entity, record)]
    if json:
        print_json({"records": stories})
    elif not stories:
        out.print(f"Nothing is known of {entity}/{record}.")
    else:
        for story in stories:
            _print_story(entity, story)
    return EXIT_DONE if stories else EXIT_FOUND_WRONG


def _stories(house: Services, tenant: str, entity: str, record: str) -> list[dict[str, Any]]:
    stories: list[dict[str, Any]] = []
    with house.db.transaction(tenant) as tx:
        bound = history.find(tx, entity, record)
        seen = [(b["connection"], b["external_id"], b) for b in bound]
        # A record that was never merged has no binding: it may be held, or only mirrored.
        known = {(c, x) for c, x, _ in seen}
        for connection in house.connections():
            is_new = connection.tenant == tenant and (connection.name, record) not in known
            if is_new and history.mirror_versions(tx, connection.name, entity, record):
                seen.append((connection.name, record, None))
        for connection_name, external_id, binding in seen:
            ledger_id = binding["ledger_id"] if binding else None
            versions = history.ledger_versions(tx, entity, ledger_id) if ledger_id else []
            names = [name for name in (external_id, ledger_id and f"#{ledger_id}") if name]
            stories.append(
                {
                    "connection": connection_name,
                    "external_id": external_id,
                    "ledger_id": ledger_id,
                    "binding": binding,
                    "erp_versions": history.mirror_versions(tx, connection_name, entity, external_id or ""),
                    "ledger_versions": versions,
                    "provenance": history.provenance(versions),
                    "parts": history.parts(tx, entity, ledger_id) if ledger_id else {},
                    "intents": history.intents(tx, entity, ledger_id) if ledger_id else [],
                    "conflicts": _conflicts(tx, entity, ledger_id) if ledger_id else [],
                    "errors": history.record_errors(tx, connection_name, entity, names),
                }
            )
    return stories


def _conflicts(tx: Any, entity: str, ledger_id: int) -> list[dict[str, Any]]:
    shown = ("conflict_id", "kind", "says", "state", "opened_at", "ended_at", "ended_by", "resolution")
    return [{name: getattr(one, name) for name in shown} for one in conflicts.of_row(tx, entity, ledger_id)]


def _print_story(entity: str, story: dict[str, Any]) -> None:
    out.rule(_title(entity, story))
    events: list[tuple[Any, str, str]] = []
    for version in story["erp_versions"]:
        what = "deleted there" if version["is_deleted"] else f"version token {version['version_token']} seen"
        events.append((version["seen_at"], "mirror", f"{what}, modified {version['modified_at']}"))
    previous: dict[str, Any] = {}
    for version in story["ledger_versions"]:
        row = version["row"]
        events.append(
            (
                version["changed_at"],
                "ledger",
                f"version {version['version']} by {version['changed_by']}: {_changes(previous, row)}",
            )
        )
        previous = row
    binding = story["binding"]
    if binding and binding["bound_at"]:
        says = f"external id {story['external_id']} is ledger id {story['ledger_id']}"
        events.append((binding["bound_at"], "binding", says))
    for intent in story["intents"]:
        sent = f"{intent['operation']} of version {intent['ledger_version']}, key {intent['key']}"
        events.append((intent["sent_at"], "push", sent))
        says = f"{intent['operation']}: {intent['state']}: {intent['answer'] or 'not answered yet'}"
        events.append((intent["ended_at"] or datetime.now(UTC), "push", says))
    for conflict in story["conflicts"]:
        name = f"conflict {conflict['conflict_id']}"
        events.append((conflict["opened_at"], "held", f"{name}, {conflict['kind']}: {conflict['says']}"))
        if conflict["ended_at"]:
            events.append((conflict["ended_at"], "resolved", f"{name} {conflict['state']} by {conflict['ended_by']}"))
    for error in story["errors"]:
        events.append((error["first_seen_at"], "held", error["message"]))
        if error["resolved_at"]:
            events.append((error["resolved_at"], "resolved", error["message"]))
    rows = [(f"{at:%Y-%m-%d %H:%M:%S}", stage, says) for at, stage, says in sorted(events, key=lambda e: e[0])]
    print_table("What happened", ["when (UTC)", "where", "what"], rows)
    newest = story["ledger_versions"][-1]["row"] if story["ledger_versions"] else {}
    print_table(
        "What it says, and who says so",
        ["field", "value", "by", "at (UTC)", "run"],
        [
            (column, _shown(column, newest[column]), who["by"], f"{who['at']:%Y-%m-%d %H:%M:%S}", who["run_id"])
            for column, who in story["provenance"].items()
        ],
    )
    for name, parts in story["parts"].items():
        if parts:
            ours = {"tenant_id", "changed_at", "part_id", "part_key", parent_column(spec_of(entity))}
            shown = [c for c in parts[0] if c not in ours and any(p[c] not in (None, "") for p in parts)]
            rows = [[_shown(c, p[c]) for c in shown] for p in parts]
            print_table(name.capitalize(), shown, rows, right=[c for c in shown if c.endswith(("amount", "price"))])


def _title(entity: str, story: dict[str, Any]) -> str:
    """Which of its three names was asked for is not known, so all of them stand there."""
    newest = story["ledger_versions"][-1]["row"] if story["ledger_versions"] else {}
    called = next((newest[c] for c in ("document_number", "reference_number", "name") if newest.get(c)), None)
    named = f", called {called}" if called else ""
    return f"{entity}/{story['external_id']} of {story['connection']}, ledger id {story['ledger_id'] or 'none'}{named}"


def _shown(column: str, value: Any) -> Any:
    """Amounts with at least two decimals, as they are written on a document."""
    if not column.endswith(("amount", "price")) or value is None:
        return value
    exact = Decimal(str(value))
    return f"{exact:.2f}" if exact == round(exact, 2) else exact


def _told(column: str, value: Any) -> Any:
    """Beside an arrow nothing would be overlooked, and None is a programmer's word."""
    return "empty" if value in (None, "") else _shown(column, value)


def _changes(before: dict[str, Any], after: dict[str, Any]) -> str:
    ignored = history.BOOKKEEPING
    if not before:
        return ", ".join(
            f"{k}={_shown(k, v)}" for k, v in after.items() if k not in ignored and v not in (None, "", False)
        )
    return (
        ", ".join(
            f"{k}: {_told(k, before.get(k))} -> {_told(k, v)}"
            for k, v in after.items()
            if k not in ignored and before.get(k) != v
        )
        or "its lines, or a decision on it"
    )
